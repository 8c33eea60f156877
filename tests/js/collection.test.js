import assert from "node:assert/strict";
import { test } from "node:test";
import { createApi, RefusedError } from "../../static/js/conversion/api.js";
import { Collection, withoutPending } from "../../static/js/result/collection.js";

const SENTENCE = "This link was used or has expired. Convert the video again to get a new one.";
const ANSWER = { gif: { frames: 144 }, converted_url: "/download/gif/", theme_url: "/download/theme/" };
globalThis.devicePixelRatio = 1;

/** Serve `files` by address; everything else is refused as the server refuses a used link. */
function api(files) {
  globalThis.fetch = async (url) => (url in files
    ? new Response(files[url])
    : Response.json({ success: false, error: SENTENCE, code: "expired" }, { status: 404 }));
  return createApi({ urls: {}, csrfToken: "" });
}

const signal = new AbortController().signal;
const collection = (files) => new Collection({ api: api(files), wanted: ["picture", "theme"], signal });
const collected = (files) => collection(files).finish(ANSWER, () => {});

test("a theme that can't be fetched does not cost the GIF, and the server's sentence is shown", async () => {
  const result = await collected({ "/download/gif/": "GIF89a" });
  assert.equal(result.kept, true);
  assert.equal(result.theme, null);
  assert.ok(result.themeError.includes(SENTENCE));
});

test("a GIF that can't be fetched is refused with the server's sentence", async () => {
  await assert.rejects(collected({}), (error) =>
    error instanceof RefusedError && error.message === SENTENCE && error.code === "expired");
});

test("a cancel while the theme is fetched is a cancel", async () => {
  const controller = new AbortController();
  const files = { "/download/gif/": "GIF89a" };
  const waiting = new Collection({
    api: { fetchFile: async (url) => {
      if (url in files) return new Blob(["GIF89a"]);
      controller.abort();
      throw new DOMException("aborted", "AbortError");
    } },
    wanted: ["theme"], signal: controller.signal,
  }).finish(ANSWER, () => {});
  await assert.rejects(waiting, { name: "AbortError" });
});

test("the GIF is there before the theme, and is fetched once", async () => {
  const files = { "/download/gif/": "GIF89a" };
  const all = collection(files);
  const { theme_url: _, ...early } = ANSWER;
  const part = await all.addMade(early);
  assert.deepEqual([part.kept, part.gif.frames, part.pending], [true, 144, ["picture", "theme"]]);
  assert.equal(await all.addMade(early), null);
  delete files["/download/gif/"]; // its link is used
  files["/download/theme/"] = "PK";
  const result = await all.finish(ANSWER, () => {});
  assert.equal(result.url, part.url);
  assert.deepEqual([result.theme.kept, result.pending], [true, []]);
});

test("an early download that fails is tried again with the final answer", async () => {
  const files = {};
  const all = collection(files);
  assert.equal(await all.addMade({ ...ANSWER, theme_url: undefined }), null);
  files["/download/gif/"] = "GIF89a";
  assert.equal((await all.finish(ANSWER, () => {})).kept, true);
});

test("an extra that failed is no longer waited for", async () => {
  const all = collection({ "/download/gif/": "GIF89a" });
  const part = await all.addMade({ converted_url: "/download/gif/", picture_error: "No time." });
  assert.deepEqual([part.pending, part.pictureError], [["theme"], "No time."]);
  const ended = withoutPending(part, "Offline.");
  assert.deepEqual([ended.pending, ended.pictureError], [[], "No time."]);
  assert.ok(ended.themeError.endsWith("Offline."));
});

test("an extra that fails while another is made is told at once", async () => {
  const all = collection({ "/download/gif/": "GIF89a" });
  await all.addMade({ converted_url: "/download/gif/" });
  const part = await all.addMade({ converted_url: "/download/gif/", picture_error: "No time." });
  assert.deepEqual([part.pending, part.pictureError], [["theme"], "No time."]);
});

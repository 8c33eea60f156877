import assert from "node:assert/strict";
import { test } from "node:test";
import { createApi, RefusedError } from "../../static/js/conversion/api.js";
import { collect } from "../../static/js/result/collection.js";

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

const collected = (files, signal = new AbortController().signal) =>
  collect({ api: api(files), answer: ANSWER, report: () => {}, signal });

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
  const waiting = collect({
    api: { fetchFile: async (url) => {
      if (url in files) return new Blob(["GIF89a"]);
      controller.abort();
      throw new DOMException("aborted", "AbortError");
    } },
    answer: ANSWER, report: () => {}, signal: controller.signal,
  });
  await assert.rejects(waiting, { name: "AbortError" });
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { offerMistake, readLimits, screenField, sniff } from "../../static/js/intake/limits.js";

const limits = { maxUploadBytes: 1000, extensions: [".mp4", ".gif"] };
const offer = (files, { folders = 0, links = 0 } = {}) =>
  offerMistake({ files, folders, links }, limits)?.key ?? null;
const bytes = (text) => Uint8Array.from(text, (letter) => letter.charCodeAt(0));

test("the limits come from the element's dataset", () => {
  const read = readLimits({
    maxUploadBytes: "104857600", extensions: ".mp4 .mov", durationS: "6", fps: "24",
    width: "1280", height: "720", linkTtlS: "600", screenRatios: "0.25 8.0", theme: "yes",
  });
  assert.deepEqual(read, {
    maxUploadBytes: 104857600, extensions: [".mp4", ".mov"], length: 6, fps: 24,
    frame: { width: 1280, height: 720 }, linkTtl: 600, ratios: [0.25, 8],
  });
});

test("a zoomed page asks for a screen that the server can serve", () => {
  const size = { width: 1512, height: 982 };
  const at = (ratio) => screenField(size, ratio, { ratios: [0.25, 8] });
  assert.deepEqual([2, 10, 0.2].map(at), ["1512x982@2", "1512x982@8", "1512x982@0.25"]);
});

test("one valid file is accepted, other offers are refused for their own reasons", () => {
  assert.equal(offer([{ name: "a.MP4", size: 1000 }]), null);
  assert.equal(offer([{ name: "a.pdf", size: 1 }]), "type");
  assert.equal(offer([{ name: "mp4", size: 1 }]), "type");
  assert.equal(offer([{ name: "a.gif", size: 1001 }]), "size");
  assert.equal(offer([{ name: "a.mp4", size: 1e12 }]), null); // a part of it may do
  assert.equal(offer([{ name: "a.mp4", size: 0 }]), "empty");
  assert.equal(offer([{ name: "a.mp4", size: 1 }, { name: "b.mp4", size: 1 }]), "several");
  assert.equal(offer([{ name: "a", size: 1 }], { folders: 1 }), "folder");
  assert.equal(offer([], { links: 1 }), "link");
  assert.equal(offer([]), "nothing");
});

test("the first bytes identify the container", () => {
  assert.equal(sniff(bytes("GIF89a....")), "gif");
  assert.equal(sniff(bytes("\0\0\0\x20ftypisom")), "mov");
  assert.equal(sniff(bytes("\x1aE\xdf\xa3....webm")), "webm");
  assert.equal(sniff(bytes("%PDF-1.7")), null);
  assert.equal(sniff(bytes("")), null);
});

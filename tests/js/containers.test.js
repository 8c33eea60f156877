import assert from "node:assert/strict";
import { test } from "node:test";
import { gifDelays, movieDuration } from "../../static/js/intake/containers.js";
import { frameAt } from "../../static/js/trim/frames.js";
import { storedFiles } from "../../static/js/result/zip.js";

const text = (string) => [...string].map((letter) => letter.charCodeAt(0));
const u32 = (value) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255);
const le = (value, bytes) => Array.from({ length: bytes }, (_, index) => (value >>> (8 * index)) & 255);
const box = (type, body) => [...u32(body.length + 8), ...text(type), ...body];
const blob = (bytes) => new Blob([Uint8Array.from(bytes)]);

function gif(delays) {
  const frame = (delay) => [
    0x21, 0xf9, 4, 0, ...le(delay, 2), 0, 0, 0x2c, 0, 0, 0, 0, 1, 0, 1, 0, 0x80, 0, 0, 0, 9, 9, 9, 2, 2, 0x4c, 1, 0,
  ];
  const loop = [0x21, 0xff, 11, ...text("NETSCAPE2.0"), 3, 1, 0, 0, 0];
  return [...text("GIF89a"), 1, 0, 1, 0, 0x80, 0, 0, ...Array(6).fill(0), ...loop, ...delays.flatMap(frame), 0x3b];
}

const mvhd = (timescale, duration) =>
  box("mvhd", [0, 0, 0, 0, ...Array(8).fill(0), ...u32(timescale), ...u32(duration), ...Array(80).fill(0)]);

test("a GIF has a delay per frame, and a missing delay is 0.1 s", async () => {
  assert.deepEqual(await gifDelays(blob(gif([4, 4, 5, 0]))), [0.04, 0.04, 0.05, 0.1]);
  assert.deepEqual(await gifDelays(blob(text("GIF89a"))), []);
});

test("the frame shown at a time is the one whose delay has not ended", () => {
  const delays = [0.5, 1, 0.25];
  assert.deepEqual([0, 0.49, 0.5, 1.49, 1.5, 9].map((seconds) => frameAt(seconds, delays)), [0, 0, 1, 1, 2, 2]);
});

test("a movie's duration is in its header, before or after the data", async () => {
  const moov = box("moov", mvhd(600, 24_000));
  const data = box("mdat", Array(5000).fill(7));
  assert.equal(await movieDuration(blob([...box("ftyp", text("qt  ")), ...moov, ...data])), 40);
  assert.equal(await movieDuration(blob([...box("ftyp", text("qt  ")), ...data, ...moov])), 40);
});

test("a wide header (version 1) and a 64-bit box are read", async () => {
  const wide = box("mvhd", [1, 0, 0, 0, ...Array(16).fill(0), ...u32(1000), ...u32(0), ...u32(7500), ...Array(80).fill(0)]);
  const big = [...u32(1), ...text("mdat"), ...u32(0), ...u32(20), 1, 2, 3, 4];
  assert.equal(await movieDuration(blob([...big, ...box("moov", wide)])), 7.5);
});

test("invalid bytes give no duration and no endless loop", async () => {
  for (const bytes of [[], text("abcdefgh"), Array(64).fill(0), box("moov", []), box("moov", box("mvhd", [0]))]) {
    assert.equal(await movieDuration(blob(bytes)), null);
  }
});

function zip(files) {
  const body = [];
  const central = [];
  for (const [name, content, method] of files) {
    const sizes = [...le(content.length, 4), ...le(content.length, 4), ...le(name.length, 2)];
    central.push(...le(0x02014b50, 4), ...le(20, 2), ...le(20, 2), 0, 0, ...le(method, 2), ...Array(8).fill(0),
      ...sizes, 0, 0, 0, 0, ...Array(8).fill(0), ...le(body.length, 4), ...text(name));
    body.push(...le(0x04034b50, 4), ...le(20, 2), 0, 0, ...le(method, 2), ...Array(8).fill(0), ...sizes, 0, 0, ...text(name), ...text(content));
  }
  return [...body, ...central, ...le(0x06054b50, 4), 0, 0, 0, 0, ...le(files.length, 2), ...le(files.length, 2),
    ...le(central.length, 4), ...le(body.length, 4), 0, 0];
}

test("the files of a stored zip are returned, a deflated one is skipped", async () => {
  const files = await storedFiles(blob(zip([["manifest.json", '{"a":1}', 0], ["images/b.avif", "picture", 0], ["c", "x", 8]])));
  assert.deepEqual(Object.keys(files), ["manifest.json", "images/b.avif"]);
  assert.equal(await files["manifest.json"].text(), '{"a":1}');
  assert.equal(await files["images/b.avif"].text(), "picture");
});

test("other files give no files", async () => {
  assert.deepEqual(await storedFiles(blob(text("not a zip at all, not a zip at all"))), {});
  assert.deepEqual(await storedFiles(blob([])), {});
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { clip, jobWords, megabytes, mistakes, result } from "../../static/js/strings.js";

const line = (job) => jobWords(job).line.replaceAll("\u00a0", " ");

test("an upload shows megabytes and the remaining time once it is known", () => {
  const upload = { step: "upload", loaded: 5_242_880, total: 20_971_520, percent: 25 };
  assert.equal(line({ ...upload, secondsLeft: null }), "Uploading: 5 MB of 20 MB");
  assert.equal(line({ ...upload, secondsLeft: 9.4 }), "Uploading: 5 MB of 20 MB, about 9 s left");
  assert.equal(line({ ...upload, secondsLeft: 61 }), "Uploading: 5 MB of 20 MB, about 2 min left");
  assert.equal(jobWords({ ...upload, secondsLeft: null }).short, "Uploading 25 %");
});

test("the position in the queue is a number", () => {
  const places = [1, 2, 3, 11, 22, 103].map((position) => line({ step: "queue", position }));
  assert.deepEqual(places, [
    "In the queue: yours is next.",
    "In the queue: number 2.",
    "In the queue: number 3.",
    "In the queue: number 11.",
    "In the queue: number 22.",
    "In the queue: number 103.",
  ]);
});

test("every stage has a text, and an unknown stage has a default", () => {
  const words = ["decode", "encode", "verify", "picture", "theme", "sharpen"].map((stage) => line({ step: "work", stage, percent: 7 }));
  assert.deepEqual(words, [
    "Reading the frames: 7 %",
    "Encoding the GIF: 7 %",
    "Checking the finished GIF: 7 %",
    "Making the picture for Chrome: 7 %",
    "Making the Chrome theme: 7 %",
    "Converting: 7 %",
  ]);
});

test("a selection is described in words", () => {
  assert.equal(clip.window({ start: 61.5, end: 67.5, duration: 600 }), "From 1 min 1.5 seconds to 1 min 7.5 seconds of 10 min 0 seconds");
  assert.equal(clip.window({ start: 0, end: 6, duration: null }), "From 0 seconds to 6 seconds");
});

test("sizes are in MiB as the server's limit, and never 0", () => {
  assert.deepEqual([1, 104_857_600].map(megabytes), ["0.1\u00a0MB", "100\u00a0MB"]);
});

test("a theme's facts omit what is unknown", () => {
  assert.equal(result.themeFacts({ bytes: 4_194_304, pictureBytes: 0 }), "4\u00a0MB");
  assert.match(result.themeFacts({ bytes: 4_194_304, pictureBytes: 2_097_152 }), / · 2.MB of it for your screen$/);
});

test("the file types are joined by commas and 'or'", () => {
  assert.match(mistakes.type({ name: "a.pdf", extensions: [".mp4", ".webm"] }), /Choose an MP4 or WebM file\.$/);
});

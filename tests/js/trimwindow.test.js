import assert from "node:assert/strict";
import { test } from "node:test";
import {
  clampStart, lastStart, startAfterKey, startAtLeft, windowBox, windowFraction, windowLength,
} from "../../static/js/trim/trimwindow.js";

const clip = { duration: 40, length: 6, fps: 24 };
const short = { duration: 4, length: 6, fps: 24 };
const unknown = { duration: null, length: 6, fps: 24 };
const strip = { strip: 1000, minimum: 44 };

test("the start never passes the last whole selection", () => {
  assert.equal(lastStart(clip), 34);
  assert.equal(lastStart({ duration: 10.0119, length: 6 }), 4.011);
  assert.equal(clampStart(39, clip), 34);
  assert.equal(clampStart(-1, clip), 0);
});

test("a clip shorter than the selection is selected whole from zero", () => {
  assert.equal(clampStart(3, short), 0);
  assert.equal(windowLength(short), 4);
  assert.deepEqual(windowBox(0, { ...short, ...strip }), { left: 0, width: 1000 });
});

test("without a known duration the start is limited only by zero", () => {
  assert.equal(clampStart(5000, unknown), 5000);
  assert.equal(windowLength(unknown), 6);
});

test("keys move by a frame, a second, a selection, or to an end", () => {
  const moves = [
    ["ArrowRight", false, 10 + 1 / 24], ["ArrowLeft", false, 10 - 1 / 24],
    ["ArrowUp", true, 11], ["ArrowDown", true, 9],
    ["PageUp", false, 16], ["PageDown", false, 4], ["Home", false, 0], ["End", false, 34],
    ["a", false, null], ["Tab", false, null],
  ];
  for (const [key, shiftKey, start] of moves) {
    assert.equal(startAfterKey(10, { key, shiftKey }, clip), start, key);
  }
});

test("twenty-four frames are one second", () => {
  let start = 0;
  for (let press = 0; press < 24; press += 1) start = startAfterKey(start, { key: "ArrowRight" }, clip);
  assert.ok(Math.abs(start - 1) < 1e-9);
});

test("the selection is drawn to scale, and never narrower than a finger", () => {
  assert.deepEqual(windowBox(10, { ...clip, ...strip }), { left: 250, width: 150 });
  assert.deepEqual(windowBox(35_994, { duration: 36_000, length: 6, ...strip }), { left: 956, width: 44 });
});

test("the box of a selection converts back to its start", () => {
  for (const duration of [6.5, 10, 40, 36_000]) {
    const box = { duration, length: 6, ...strip };
    for (const share of [0, 0.3, 1]) {
      const start = lastStart(box) * share;
      assert.ok(Math.abs(startAtLeft(windowBox(start, box).left, box) - start) < 1e-6);
    }
  }
});

test("the playhead stays inside the selection", () => {
  assert.equal(windowFraction(13, { start: 10, ...clip }), 0.5);
  assert.equal(windowFraction(99, { start: 10, ...clip }), 1);
  assert.equal(windowFraction(0, { start: 10, ...clip }), 0);
});

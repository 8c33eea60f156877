import assert from "node:assert/strict";
import { test } from "node:test";
import { meanDifference, loopStarts, pickMarks, medianStep, verdictOf } from "../../static/js/trim/loops.js";
import { blendAt } from "../../static/js/trim/trimwindow.js";

const FPS = 24;
const LENGTH = 6;
const grey = (level) => Uint8ClampedArray.from({ length: 16 }, (_, at) => (at % 4 === 3 ? 255 : level));
/** Frames of a clip whose grey level at t s is level(t). */
const frames = (level, from, to) =>
  Array.from({ length: Math.round((to - from) * FPS) + 1 }, (_, at) => {
    const seconds = from + at / FPS;
    return { seconds, pixels: grey(level(seconds)) };
  });
const wave = (period) => (t) => 120 + 80 * Math.sin((2 * Math.PI * t) / period);

test("the difference of two frames is the mean of their levels", () => {
  assert.equal(meanDifference({ pixels: grey(10) }, { pixels: grey(17) }), 7);
});

test("the median step counts moving frames, at the rate of the result", () => {
  assert.equal(medianStep(frames((t) => 48 * t, 0, 2), FPS).toFixed(3), "2.000");
  const stills = frames((t) => (t < 1 ? 50 : 50 + 24 * (t - 1)), 0, 2);
  assert.equal(medianStep(stills, FPS).toFixed(3), "1.000");
});

test("a clip that comes back after six seconds closes well at its best start", () => {
  const start = (t) => 20 + 40 * t;
  const end = (t) => start(0.5) + 60 * (t - 6.5); // meets the start at 6.5 s
  const [best] = loopStarts(frames(start, 0, 2), frames(end, 5.5, 8), { length: LENGTH, fps: FPS });
  assert.ok(Math.abs(best.start - 0.5) < 0.2, `${best.start}`);
  assert.equal(verdictOf(best.ratio), "well");
});

test("the same picture that moves the other way is worse", () => {
  const options = { length: LENGTH, fps: FPS };
  const there = loopStarts(frames(wave(6), 0, 1), frames(wave(6), 5, 7), options);
  const mirrored = loopStarts(frames(wave(6), 0, 1), frames((t) => wave(6)(12 - t), 5, 7), options);
  assert.ok(there[0].score < 2 && there.every(({ ratio }) => ratio < 2));
  const at = (list) => list.find(({ start }) => start === 0).score;
  assert.ok(at(mirrored) > at(there) + 0.5);
});

test("the marks are the best start and others that close well, not next to each other", () => {
  const found = [[1, 1], [1.1, 1], [2, 1.2], [3, 9]].map(([start, ratio]) => ({ start, ratio, score: ratio }));
  assert.deepEqual(pickMarks(found).map(({ start }) => start), [1, 2]);
  assert.deepEqual(pickMarks(found.slice(3)).map(({ start }) => start), [3]);
  assert.deepEqual(pickMarks([]), []);
});

test("a seam that shows is blended, and jumps only where a blend is impossible", () => {
  assert.deepEqual([1, 8, 70].map((ratio) => verdictOf(ratio)), ["well", "blend", "blend"]);
  assert.equal(verdictOf(1, false), "well");
  assert.equal(verdictOf(8, false), "jump");
});

test("a blend takes what follows, else what precedes, else shortens the loop", () => {
  const at = (start, duration) => blendAt({ start, duration, length: LENGTH });
  assert.deepEqual(at(2, 20), { leave: 8, enter: 2, fade: 1 });
  assert.deepEqual(at(2, 8.6), { leave: 8, enter: 2, fade: 8.6 - 8 });
  assert.deepEqual(at(2, 8), { leave: 7, enter: 1, fade: 1 });
  assert.deepEqual(at(0, 6), { leave: 5, enter: 0, fade: 1 });
  assert.equal(at(0, 0.9), null);
  assert.deepEqual(at(3, null), { leave: 9, enter: 3, fade: 1 });
});

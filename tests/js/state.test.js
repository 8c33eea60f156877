import assert from "node:assert/strict";
import { test } from "node:test";
import { createStore, initialState, reduce } from "../../static/js/state.js";

const file = { name: "a.mp4", size: 10 };
const clip = { kind: "video", duration: 40 };
const after = (...actions) => actions.reduce(reduce, initialState);
const opened = [{ type: "fileChosen", file }, { type: "clipRead", file, clip }];
const done = [{ type: "convertAsked" }, { type: "converted", result: { url: "blob:x", theme: null, pending: [] } }];

test("a file opens the editor, and a clip of another file is ignored", () => {
  assert.equal(after(...opened).phase, "edit");
  assert.equal(after(...opened).clip, clip);
  assert.equal(after({ type: "fileChosen", file }, { type: "clipRead", file: {}, clip }).clip, null);
});

test("a refused file changes only the problem", () => {
  const before = after(...opened);
  assert.deepEqual(reduce(before, { type: "refused", text: "no" }), { ...before, problem: { text: "no", field: undefined } });
});

test("the start stays inside the clip", () => {
  assert.equal(after(...opened, { type: "startMoved", start: 99, length: 6 }).start, 34);
});

test("a new file resets the start and the focus, and keeps the options", () => {
  const state = after(
    ...opened,
    { type: "startMoved", start: 5, length: 6 },
    { type: "focusMoved", axis: "y", value: 0.9 },
    { type: "optionChosen", name: "quality", value: "small" },
    { type: "fileChosen", file: { name: "b.mp4" } },
  );
  assert.deepEqual([state.start, state.focus, state.quality], [0, { x: 0.5, y: 0.5 }, "small"]);
});

test("a lost connection keeps the file and the settings", () => {
  const state = after(
    ...opened,
    { type: "startMoved", start: 5, length: 6 },
    { type: "convertAsked" },
    { type: "failed", problem: { text: "lost", retry: true } },
  );
  assert.deepEqual([state.phase, state.file, state.start, state.problem.retry], ["edit", file, 5, true]);
});

test("progress after a cancel is ignored", () => {
  const state = after(...opened, { type: "convertAsked" }, { type: "canceled" }, { type: "jobMoved", job: { step: "work" } });
  assert.deepEqual([state.phase, state.job], ["edit", null]);
});

test("another moment keeps the file and the start", () => {
  const state = after(...opened, { type: "startMoved", start: 5, length: 6 }, ...done, { type: "anotherMoment" });
  assert.deepEqual([state.phase, state.file, state.clip, state.start, state.result], ["edit", file, clip, 5, null]);
});

test("starting over keeps only the options", () => {
  const state = after(...opened, { type: "optionChosen", name: "theme", value: true }, ...done, { type: "startedOver" });
  assert.deepEqual(state, { ...initialState, theme: true });
});

test("the picture for Chrome is shown first where there is one", () => {
  const shown = (picture) =>
    after(...opened, { type: "convertAsked" }, { type: "converted", result: { url: "blob:x", picture, theme: {}, pending: [] } }).shown;
  assert.equal(shown({ kept: true }), "picture");
  assert.equal(shown({ kept: false }), "gif");
  assert.equal(shown(null), "gif");
});

test("progress goes on while an extra is made, until the result is complete", () => {
  const job = { step: "work", stage: "theme", percent: 60 };
  const part = { url: "blob:x", picture: null, theme: null, pending: ["theme"] };
  const waiting = after(...opened, { type: "convertAsked" }, { type: "converted", result: part }, { type: "jobMoved", job });
  assert.deepEqual([waiting.phase, waiting.job], ["done", job]);
  const complete = reduce(waiting, { type: "converted", result: { ...part, pending: [] } });
  assert.deepEqual([complete.phase, complete.job], ["done", null]);
  assert.equal(reduce(complete, { type: "jobMoved", job }), complete);
});

test("a picture that comes later is shown, unless the user has chosen what to see", () => {
  const part = { url: "blob:x", picture: null, pending: ["picture"] };
  const complete = { type: "converted", result: { ...part, picture: { kept: true }, pending: [] } };
  const waiting = [...opened, { type: "convertAsked" }, { type: "converted", result: part }];
  assert.equal(after(...waiting).shown, "gif");
  assert.equal(after(...waiting, complete).shown, "picture");
  assert.equal(after(...waiting, { type: "pictureShown", picture: "gif" }, complete).shown, "gif");
});

test("leaving a result whose extras are still made cancels nothing in the editor", () => {
  const part = { url: "blob:x", picture: null, pending: ["theme"] };
  const left = after(...opened, { type: "convertAsked" }, { type: "converted", result: part }, { type: "anotherMoment" });
  assert.deepEqual([left.phase, left.job, left.result], ["edit", null, null]);
  assert.equal(reduce(left, { type: "canceled" }), left);
});

test("an unknown action throws", () => {
  assert.throws(() => reduce(initialState, { type: "nonsense" }), /no such action/);
});

test("the store calls its listeners only after changes", () => {
  const store = createStore();
  const phases = [];
  store.subscribe((state) => phases.push(state.phase));
  store.dispatch({ type: "jobMoved", job: {} });
  store.dispatch({ type: "fileChosen", file });
  assert.deepEqual(phases, ["edit"]);
});

test("the page blends unless the loop closes well, until the user chooses", () => {
  const measured = (verdict, start = 0) => ({ type: "seamMeasured", file, start, seam: { ratio: 1, verdict } });
  assert.equal(after(...opened).loop, "blend");
  assert.equal(after(...opened, measured("well")).loop, "cut");
  assert.equal(after(...opened, measured("well"), measured("jump")).loop, "blend");
  const chosen = { type: "optionChosen", name: "loop", value: "cut" };
  assert.equal(after(...opened, chosen, measured("blend")).loop, "cut");
  assert.equal(after(...opened, chosen, { type: "fileChosen", file: { name: "b.mp4" } }).loop, "blend");
});

test("a seam belongs to its file and its start", () => {
  const seam = { ratio: 1, verdict: "well" };
  const moved = { type: "startMoved", start: 2, length: 6 };
  assert.equal(after(...opened, moved, { type: "seamMeasured", file, start: 0, seam }).seam, null);
  assert.equal(after(...opened, { type: "seamMeasured", file: {}, start: 0, seam }).seam, null);
  assert.equal(after(...opened, { type: "seamMeasured", file, start: 0, seam }, moved).seam, null);
});

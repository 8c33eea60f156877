import assert from "node:assert/strict";
import { test } from "node:test";
import { focusAfterDrag, focusAfterKey, objectPosition, overhang, visiblePart } from "../../static/js/preview/crop.js";

const frame = { width: 1280, height: 720 };

test("a portrait clip overhangs in height, a wide one in width, a 16:9 one not at all", () => {
  assert.equal(overhang({ width: 1080, height: 1920 }, frame).axis, "y");
  assert.equal(overhang({ width: 2560, height: 1080 }, frame).axis, "x");
  assert.equal(overhang({ width: 1920, height: 1080 }, frame).axis, null);
  assert.equal(overhang({ width: 854, height: 480 }, frame).axis, null);
});

test("the overhang is measured in frame lengths", () => {
  assert.equal(overhang({ width: 720, height: 1280 }, frame).amount.toFixed(4), ((1280 * 1280) / 720 / 720 - 1).toFixed(4));
  assert.equal(overhang({ width: 2560, height: 720 }, frame).amount, 1);
});

test("dragging the picture by its overhang moves the focus from one end to the other", () => {
  const room = { length: 400, amount: 2 };
  assert.equal(focusAfterDrag(0, { moved: -800, ...room }), 1);
  assert.equal(focusAfterDrag(1, { moved: 800, ...room }), 0);
  assert.equal(focusAfterDrag(0.5, { moved: -80, ...room }), 0.6);
  assert.equal(focusAfterDrag(0.5, { moved: 9999, ...room }), 0);
});

test("keys move the focus, other keys do not", () => {
  assert.equal(focusAfterKey(0.5, { key: "ArrowDown" }), 0.52);
  assert.equal(focusAfterKey(0.5, { key: "ArrowLeft", shiftKey: true }), 0.4);
  assert.equal(focusAfterKey(0.5, { key: "End" }), 1);
  assert.equal(focusAfterKey(0.01, { key: "ArrowUp" }), 0);
  assert.equal(focusAfterKey(0.5, { key: "x" }), null);
});

test("the focus is an object-position", () => {
  assert.equal(objectPosition({ x: 0.5, y: 0.125 }), "50.00% 12.50%");
});

test("the visible part of a picture is the frame's share at the focus", () => {
  const picture = { width: 2560, height: 720 };
  const seen = (fit, x) => visiblePart(picture, { fit, focus: { x, y: 0.5 }, frame });
  assert.deepEqual(seen("cover", 0), { x: 0, y: 0, width: 0.5, height: 1 });
  assert.deepEqual(seen("cover", 1), { x: 0.5, y: 0, width: 0.5, height: 1 });
  assert.deepEqual(seen("contain", 1), { x: 0, y: 0, width: 1, height: 1 });
});

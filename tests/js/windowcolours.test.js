import assert from "node:assert/strict";
import { test } from "node:test";
import { WindowColours } from "../../static/js/preview/windowcolours.js";

const RED = [200, 20, 20];
const BLUE = [20, 40, 220];

/** Flat colours, one under the other. */
function bands(...colours) {
  return { data: Uint8ClampedArray.from(colours.flatMap((colour) => [...colour, 255])), width: 1, height: colours.length };
}

// clip.js draws a picture small; here it is small already.
globalThis.document = {
  createElement: () => {
    let drawn = null;
    return { getContext: () => ({ drawImage: (picture) => (drawn = picture), getImageData: () => drawn }) };
  },
};

function mockWindow() {
  const set = {};
  const root = { style: { setProperty: (name, value) => (set[name] = value) } };
  const limits = { length: 6, frame: { width: 16, height: 9 } };
  return { mock: new WindowColours(root, { limits }), frame: () => set["--mock-frame"] };
}

const UPRIGHT = { width: 90, height: 160, duration: 20, sample: bands(RED, RED, BLUE, BLUE) };
const EDIT = { clip: UPRIGHT, start: 0, fit: "cover", focus: { x: 0, y: 0 }, theme: true };

test("the estimate depends on the crop, the start, the decoded frames and the clip", () => {
  const { mock, frame } = mockWindow();
  const shown = (state) => (mock.render(state), frame());
  mock.open(UPRIGHT);
  const red = shown(EDIT);
  const blue = shown({ ...EDIT, focus: { x: 0, y: 1 } });
  assert.notEqual(red, blue);
  assert.equal(shown(EDIT), red);

  mock.addFrame(1, bands(BLUE, BLUE, BLUE, BLUE));
  mock.addFrame(2, bands(BLUE, BLUE, BLUE, BLUE));
  assert.equal(frame(), blue);
  assert.equal(shown({ ...EDIT, start: 10 }), red); // neither is among the six seconds from there
  assert.equal(shown(EDIT), blue);

  mock.setFirstFrame(bands(BLUE, BLUE, BLUE, BLUE));
  assert.equal(shown({ ...EDIT, start: 10 }), blue);
  const other = { ...UPRIGHT, sample: bands(RED, RED, RED, RED) };
  mock.open(other);
  assert.equal(shown({ ...EDIT, clip: other }), red);
});

test("the colours of the made theme are used only while the theme is shown", () => {
  const { mock, frame } = mockWindow();
  mock.open(UPRIGHT);
  const colours = { frame: [1, 2, 3], toolbar: [4, 5, 6], frameText: [0, 0, 0], toolbarText: [0, 0, 0], page: [7, 8, 9], pageText: [0, 0, 0] };
  const result = { theme: { colours } };
  mock.render({ ...EDIT, result, shown: "theme" });
  assert.equal(frame(), "rgb(1 2 3)");
  mock.render({ ...EDIT, result, shown: "picture" });
  const estimated = frame();
  assert.notEqual(estimated, "rgb(1 2 3)");
  mock.render(EDIT);
  assert.equal(frame(), estimated);
});

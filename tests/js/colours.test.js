import assert from "node:assert/strict";
import { test } from "node:test";
import { borderColour, contrast, manifestColours, readableOn } from "../../static/js/preview/colours.js";
import { cutOut, themeColours } from "../../static/js/preview/themecolours.js";

test("the border colour is the mean of the edges only", () => {
  const [width, height] = [4, 3];
  const data = new Uint8ClampedArray(width * height * 4).fill(0);
  for (let at = 0; at < data.length; at += 4) data.set([10, 20, 30, 255], at);
  for (const x of [1, 2]) data.set([255, 255, 255, 255], (width + x) * 4);
  assert.deepEqual(borderColour({ data, width, height }), [10, 20, 30]);
});

test("the contrast is that of WCAG", () => {
  assert.equal(contrast([255, 255, 255], [0, 0, 0]), 21);
  assert.equal(contrast([119, 119, 119], [255, 255, 255]).toFixed(2), "4.48");
});

const flat = (colour) => ({ data: Uint8ClampedArray.from([...colour, 255]), width: 1, height: 1 });

test("text is readable on every colour of every estimate", () => {
  for (let r = 0; r < 256; r += 15) for (let g = 0; g < 256; g += 15) for (let b = 0; b < 256; b += 15) {
    const colours = themeColours([flat([r, g, b])]);
    assert.ok(contrast(colours.frame, colours.frameText) >= 4.5);
    assert.ok(contrast(colours.toolbar, colours.toolbarText) >= 4.5);
    assert.ok(contrast(readableOn([r, g, b]), [r, g, b]) >= 4.5);
  }
});

test("a manifest's colours are returned, or null without them", () => {
  const colors = { frame: [1, 2, 3], toolbar: [4, 5, 6], tab_text: [255, 255, 255], ntp_background: [7, 8, 9] };
  assert.deepEqual(manifestColours({ theme: { colors } }), {
    frame: [1, 2, 3], toolbar: [4, 5, 6], frameText: [255, 255, 255], toolbarText: [255, 255, 255], page: [7, 8, 9],
    pageText: [255, 255, 255],
  });
  assert.equal(manifestColours({}), null);
  assert.equal(manifestColours(null), null);
});

test("the estimate equals the result of converter/pipeline/theme/colours.py for the same pixels", () => {
  const made = [
    [[200, 30, 90], [63, 18, 30], [75, 47, 52], [255, 255, 255]],
    [[30, 60, 40], [24, 40, 29], [49, 59, 52], [255, 255, 255]],
    [[128, 128, 128], [36, 36, 36], [56, 56, 56], [255, 255, 255]],
    [[135, 190, 250], [180, 213, 249], [218, 238, 255], [20, 20, 24]],
  ];
  for (const [clip, frame, toolbar, text] of made) {
    const expected = { frame, toolbar, frameText: text, toolbarText: text, page: clip, pageText: readableOn(clip) };
    assert.deepEqual(themeColours([flat(clip)]), expected);
  }
});

test("the estimate uses all frames, the colour of the page only the first", () => {
  const [red, blue] = [[200, 20, 20], [20, 40, 220]].map(flat);
  const { frame, page } = themeColours([red, blue, blue]);
  assert.deepEqual(page, [200, 20, 20]);
  assert.deepEqual(frame, themeColours([blue]).frame);
});

test("only the visible part of a frame counts", () => {
  const data = Uint8ClampedArray.from({ length: 4 * 4 * 4 }, (_, at) => at >> 4); // its row
  const part = { x: 0.25, y: 0.5, width: 0.5, height: 0.25 };
  const cut = cutOut({ data, width: 4, height: 4 }, part);
  assert.deepEqual([cut.width, cut.height, [...cut.data]], [2, 1, Array(8).fill(2)]);
});

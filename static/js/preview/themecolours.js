// Estimate a theme's colours from a few frames with the rule of converter/pipeline/theme/colours.py,
// which uses more frames. Colours are compared in OKLab
// (https://bottosson.github.io/posts/oklab/). Pure functions.

import { borderColour, contrast, linear, readableOn } from "./colours.js";

const HUES = 24;
const GREY_CHROMA = 0.03;
const LEAST_COLOURED = 0.02; // share of the pixels; with fewer coloured pixels the clip counts as grey
const FRAME_CHROMA = 0.07;
const DARK_LIGHTNESS = 0.62;
const GROUNDS = { dark: [0.26, 0.34], light: [0.86, 0.94] }; // OKLab lightness of frame and toolbar
const READABLE = 4.5;
const LINEAR = Float64Array.from({ length: 256 }, (_, level) => linear(level));

/**
 * Return {frame, toolbar, frameText, toolbarText, page, pageText} for `images` (ImageData), of which
 * the first is the clip's first frame.
 */
export function themeColours(images) {
  const labs = [];
  for (const { data } of images) {
    for (let at = 0; at < data.length; at += 4) labs.push(toLab(data, at));
  }
  const [a, b] = dominantHue(labs);
  const median = labs.map(([light]) => light).sort((x, y) => x - y)[labs.length >> 1];
  const [frameLight, toolbarLight] = GROUNDS[median < DARK_LIGHTNESS ? "dark" : "light"];
  const toolbar = toRgb([toolbarLight, a * 0.6, b * 0.6]);
  const text = readableOn(toolbar);
  const own = toRgb([frameLight, a, b]);
  const frame = contrast(text, own) < READABLE ? toolbar : own;
  const page = borderColour(images[0]);
  return { frame, toolbar, frameText: text, toolbarText: text, page, pageText: readableOn(page) };
}

/** Return the pixels of `image` inside `part`, given in shares as in crop.js. */
export function cutOut({ data, width, height }, part) {
  const [left, top] = [Math.round(part.x * width), Math.round(part.y * height)];
  const columns = Math.max(1, Math.round(part.width * width));
  const rows = Math.max(1, Math.round(part.height * height));
  const cut = new Uint8ClampedArray(columns * rows * 4);
  for (let row = 0; row < rows; row += 1) {
    const from = ((top + row) * width + left) * 4;
    cut.set(data.subarray(from, from + columns * 4), row * columns * 4);
  }
  return { data: cut, width: columns, height: rows };
}

// Return OKLab a, b of the hue with the most chroma; [0, 0] for a grey picture.
function dominantHue(labs) {
  const coloured = labs
    .map(([, a, b]) => ({ chroma: Math.hypot(a, b), angle: Math.atan2(b, a) }))
    .filter(({ chroma }) => chroma > GREY_CHROMA);
  if (coloured.length < Math.max(1, LEAST_COLOURED * labs.length)) return [0, 0];
  const total = Array(HUES).fill(0);
  const binOf = (angle) => Math.floor(((angle + Math.PI) / (2 * Math.PI)) * HUES) % HUES;
  for (const { chroma, angle } of coloured) total[binOf(angle)] += chroma;
  const around = total.map((sum, bin) =>
    sum + 0.5 * (total[(bin + 1) % HUES] + total[(bin + HUES - 1) % HUES]));
  const best = around.indexOf(Math.max(...around));
  const mine = coloured.filter(({ angle }) => binOf(angle) === best);
  if (!mine.length) return [0, 0];
  const sum = (value) => mine.reduce((so, pixel) => so + value(pixel), 0);
  const hue = Math.atan2(
    sum(({ chroma, angle }) => chroma * Math.sin(angle)),
    sum(({ chroma, angle }) => chroma * Math.cos(angle)),
  );
  const mean = sum(({ chroma }) => chroma ** 2) / sum(({ chroma }) => chroma);
  const strength = Math.min(FRAME_CHROMA, mean * 0.6);
  return [strength * Math.cos(hue), strength * Math.sin(hue)];
}

function toLab(data, at) {
  const [r, g, b] = [LINEAR[data[at]], LINEAR[data[at + 1]], LINEAR[data[at + 2]]];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function toRgb([light, a, b]) {
  const l = (light + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (light - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (light - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((value) => {
    const part = Math.min(1, Math.max(0, value));
    return Math.round(255 * (part <= 0.0031308 ? 12.92 * part : 1.055 * part ** (1 / 2.4) - 0.055));
  });
}

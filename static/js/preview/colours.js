// Border colours, colours of a manifest, and readable text colours. A colour is [r, g, b], 0 to 255.
// Contrast is that of WCAG 2.2. Pure functions.

const READABLE = 4.5;
const WHITE = [255, 255, 255];
const INK = [20, 20, 24];
const BLACK = [0, 0, 0];

/** Return the mean colour of the edges of RGBA pixels (ImageData). */
export function borderColour({ data, width, height }) {
  const sum = [0, 0, 0];
  let count = 0;
  for (let y = 0; y < height; y += 1) {
    const wholeRow = y === 0 || y === height - 1;
    for (let x = 0; x < width; x += wholeRow ? 1 : width - 1) {
      const at = (y * width + x) * 4;
      for (let channel = 0; channel < 3; channel += 1) sum[channel] += data[at + channel];
      count += 1;
    }
  }
  return sum.map((total) => Math.round(total / count));
}

/** Return the colours in a theme's manifest.json, or null if one is missing. */
export function manifestColours(manifest) {
  const colours = manifest?.theme?.colors ?? {};
  const { frame, toolbar } = colours;
  if (!frame || !toolbar) return null;
  const page = colours.ntp_background ?? frame;
  return {
    frame,
    toolbar,
    frameText: colours.tab_background_text ?? readableOn(frame),
    toolbarText: colours.tab_text ?? colours.bookmark_text ?? readableOn(toolbar),
    page,
    pageText: colours.ntp_text ?? readableOn(page),
  };
}

export function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

/** Return the first of white, ink and black that is readable on `ground`; one always is. */
export function readableOn(ground) {
  return [WHITE, INK].find((text) => contrast(text, ground) >= READABLE) ?? BLACK;
}

export function css([r, g, b]) {
  return `rgb(${r} ${g} ${b})`;
}

/** Convert an sRGB level (0 to 255) to linear light (0 to 1; IEC 61966-2-1). */
export function linear(level) {
  const part = level / 255;
  return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
}

function luminance(colour) {
  const [r, g, b] = colour.map(linear);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

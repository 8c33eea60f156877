// How a clip goes to the server: as the part that its six seconds need, or whole.

import { layouts, partOf } from "./layout.js";

const WORTHWHILE = 0.75; // of the file's bytes; a part that saves less is not worth the risk
const BLEND_S = 1.75; // before and after the six seconds: MARGIN_S of a blend, and a quarter more

/**
 * A function (start s, loop "cut" or "blend") that resolves to the ways to send `file`, the best one
 * first: {bytes, fields()}. The next one is for when the server answers incomplete_upload. None
 * where the file is too large to go whole and the page can't tell which part is needed.
 */
export function sendings(file, { length, maxUploadBytes }) {
  const layoutFor = layouts(file);
  const isSmall = file.size <= maxUploadBytes;
  const isUseful = (layout) =>
    layout && layout.bytes <= maxUploadBytes && (!isSmall || layout.bytes <= WORTHWHILE * file.size);
  return async (start, loop) => {
    const margin = loop === "blend" ? BLEND_S : 0;
    const from = Math.max(0, start - margin);
    const seconds = start - from + length + margin;
    const part = await layoutFor(from, seconds);
    const ways = isUseful(part) ? [asPart(file, part)] : [];
    if (isSmall) return [...ways, { bytes: file.size, fields: () => ({ video: file }) }];
    const more = ways.length ? await layoutFor(from, seconds, { thorough: true }) : null;
    return isUseful(more) && more.bytes > part.bytes ? [...ways, asPart(file, more)] : ways;
  };
}

function asPart(file, layout) {
  const { size, ranges, bytes } = layout;
  return {
    bytes,
    fields: () => ({ layout: JSON.stringify({ size, ranges }), video: partOf(file, layout) }),
  };
}

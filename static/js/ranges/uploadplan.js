// Plan how a clip is uploaded: only the part that the selected seconds need, or the whole file.

import { layoutFinder, partOf } from "./layout.js";

const MOST_OF_FILE = 0.75; // share of the file; a larger part isn't worth a possible second upload
const BLEND_S = 1.25; // source that a blended loop uses before and after the selected seconds

/**
 * Return a function (start s, loop "cut" or "blend") that resolves to the ways to upload `file`, each
 * {bytes, fields()}, the smallest first. Use the next one if the server answers incomplete_upload.
 * The list is empty if the whole file is too large and no small enough part is known.
 */
export function uploadPlanner(file, { length, maxUploadBytes }) {
  const layoutFor = layoutFinder(file);
  const isSmall = file.size <= maxUploadBytes;
  const isUseful = (layout) =>
    layout && layout.bytes <= maxUploadBytes && (!isSmall || layout.bytes <= MOST_OF_FILE * file.size);
  return async (start, loop) => {
    const margin = loop === "blend" ? BLEND_S : 0;
    const from = Math.max(0, start - margin);
    const seconds = start - from + length + margin;
    const part = await layoutFor(from, seconds);
    const plans = isUseful(part) ? [partialPlan(file, part)] : [];
    if (isSmall) return [...plans, { bytes: file.size, fields: () => ({ video: file }) }];
    const more = plans.length ? await layoutFor(from, seconds, { thorough: true }) : null;
    return isUseful(more) && more.bytes > part.bytes ? [...plans, partialPlan(file, more)] : plans;
  };
}

function partialPlan(file, layout) {
  const { size, ranges, bytes } = layout;
  return {
    bytes,
    fields: () => ({ layout: JSON.stringify({ size, ranges }), video: partOf(file, layout) }),
  };
}

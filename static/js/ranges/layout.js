// Find the part of a clip that the server needs for the selected seconds. Only the clip's index is
// read, never the whole file.

import { sniff } from "../intake/limits.js";
import { matroskaSpans, readMatroska } from "./matroska.js";
import { movieSpans, readMovie } from "./movie.js";
import { Reader, StructureError } from "./reader.js";
import { layoutOf } from "./spans.js";

const AFTER_S = 1; // sent after the selected seconds

/**
 * Return a function (start s, length s, {thorough}) that resolves to the layout {size, ranges, bytes}
 * of `file`, or to null if the file has to be sent whole. `thorough` sends more of the beginning.
 */
export function layoutFinder(file) {
  const index = readIndex(file);
  index.catch(() => {}); // each call of the returned function handles it
  return async (start, length, { thorough = false } = {}) => {
    try {
      const { spans } = await index;
      const window = { start, end: start + length + AFTER_S, thorough };
      return layoutOf(await spans(window), file.size);
    } catch (error) {
      // RangeError: a table points beyond its box. DOMException NotReadableError: the file was
      // removed or changed.
      if ([StructureError, RangeError, DOMException].some((kind) => error instanceof kind)) return null;
      throw error;
    }
  };
}

async function readIndex(file) {
  const reader = new Reader(file);
  const kind = sniff(new Uint8Array(await file.slice(0, 64).arrayBuffer()));
  if (kind === "webm") {
    const index = await readMatroska(reader);
    return { spans: (window) => matroskaSpans(new Reader(file), index, window) };
  }
  if (kind !== "mov") throw new StructureError("no index for this container");
  const movie = await readMovie(reader);
  return { spans: (window) => movieSpans(movie, window) };
}

/** Return a File with the ranges of `layout` in `file`, one after the other, without reading them. */
export function partOf(file, { ranges }) {
  const parts = ranges.map(([offset, length]) => file.slice(offset, offset + length));
  return new File(parts, file.name, { type: file.type });
}

// Which part of a clip the server needs for its six seconds. The clip itself is never read whole.

import { sniff } from "../intake/limits.js";
import { matroskaSpans, readMatroska } from "./matroska.js";
import { movieSpans, readMovie } from "./movie.js";
import { Reader, UnclearError } from "./reader.js";
import { layoutOf } from "./spans.js";

const AFTER_S = 1;

/**
 * A function (start s, length s, {thorough}) that resolves to the layout {size, ranges, bytes} of
 * `file`, or to null where the file has to be sent whole. `thorough` sends more of the beginning.
 */
export function layouts(file) {
  const index = readIndex(file);
  index.catch(() => {}); // told by each call
  return async (start, length, { thorough = false } = {}) => {
    try {
      const { spans } = await index;
      const window = { start, end: start + length + AFTER_S, thorough };
      return layoutOf(await spans(window), file.size);
    } catch (error) {
      // RangeError: a table that points beyond its box. NotReadableError: the file is gone.
      if (error instanceof UnclearError || error instanceof RangeError || error instanceof DOMException) return null;
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
  if (kind !== "mov") throw new UnclearError("needed whole");
  const movie = await readMovie(reader);
  return { spans: (window) => movieSpans(movie, window) };
}

/** The part of `file` that `layout` describes, one range after the other; nothing is read yet. */
export function partOf(file, { ranges }) {
  const parts = ranges.map(([offset, length]) => file.slice(offset, offset + length));
  return new File(parts, file.name, { type: file.type });
}

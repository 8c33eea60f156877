// Parse the boxes of ISO base media files and QuickTime movies (ISO/IEC 14496-12, 4.2).

import { StructureError } from "./reader.js";

/**
 * Return {type, from, body, to, open} of the box whose first byte is `at` in `view` and `from` in the
 * file. `from`, `body` (its content) and `to` (its end) are file offsets; `open` means that the box
 * has no size and ends at `end`. Throws StructureError.
 */
export function boxAt(view, { at = 0, from, end }) {
  if (view.byteLength < at + 8) throw new StructureError("a box header is cut off");
  let size = view.getUint32(at);
  let header = 8;
  const type = fourCharacters(view, at + 4);
  if (size === 1) {
    if (view.byteLength < at + 16) throw new StructureError("a 64-bit box size is cut off");
    size = Number(view.getBigUint64(at + 8));
    header = 16;
  }
  const open = size === 0;
  if (open) size = end - from;
  if (size < header) throw new StructureError("a box smaller than its header");
  return { type, from, body: from + header, to: from + size, open };
}

export function fourCharacters(view, at) {
  return String.fromCharCode(...[0, 1, 2, 3].map((index) => view.getUint8(at + index)));
}

/** Yield the boxes in [from, to) of `view`, with offsets in `view`. Throws StructureError. */
export function* boxesIn(view, from, to) {
  for (let count = 0; from + 8 <= to; count += 1) {
    if (count > 10_000) throw new StructureError("too many boxes");
    const box = boxAt(view, { at: from, from, end: to });
    if (box.to > to) throw new StructureError("a box beyond its parent");
    yield box;
    from = box.to;
  }
}

/** Return the first box of `type` inside another box, or null. */
export function childOf(view, { body, to }, type) {
  for (const box of boxesIn(view, body, to)) if (box.type === type) return box;
  return null;
}

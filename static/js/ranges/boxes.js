// The boxes of ISO base media files and QuickTime movies (ISO/IEC 14496-12, 4.2).

import { UnclearError } from "./reader.js";

/** {type, from, body, to, open} of the box at `from`; `open` means that it ends with the file. */
export function boxAt(view, { at = 0, from, end }) {
  if (view.byteLength < at + 8) throw new UnclearError("no box");
  let size = view.getUint32(at);
  let header = 8;
  const type = fourCharacters(view, at + 4);
  if (size === 1) {
    if (view.byteLength < at + 16) throw new UnclearError("no wide size");
    size = Number(view.getBigUint64(at + 8));
    header = 16;
  }
  const open = size === 0;
  if (open) size = end - from;
  if (size < header) throw new UnclearError("a box smaller than its header");
  return { type, from, body: from + header, to: from + size, open };
}

export function fourCharacters(view, at) {
  return String.fromCharCode(...[0, 1, 2, 3].map((index) => view.getUint8(at + index)));
}

/** The boxes inside [from, to) of `view`, at most 10,000. Offsets are the view's. */
export function* boxesIn(view, from, to) {
  for (let count = 0; from + 8 <= to; count += 1) {
    if (count > 10_000) throw new UnclearError("too many boxes");
    const box = boxAt(view, { at: from, from, end: to });
    if (box.to > to) throw new UnclearError("a box beyond its parent");
    yield box;
    from = box.to;
  }
}

/** The first box of `type` inside another, or null. */
export function childOf(view, { body, to }, type) {
  for (const box of boxesIn(view, body, to)) if (box.type === type) return box;
  return null;
}

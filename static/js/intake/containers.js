// Read a clip's duration from its bytes, for clips that the browser can't play. Only parts of the
// file are read (Blob.slice).

import { boxAt } from "../ranges/boxes.js";

const MAX_BOXES = 64;

/** Return a GIF's delays in s, one per frame (browsers and Chromi use 10 cs for delays below 2 cs). */
export async function gifDelays(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let at = 13 + colourTableBytes(bytes[10]);
  const delays = [];
  let delay = 0; // of the next frame, in cs; a frame may have none
  while (at < bytes.length) {
    const kind = bytes[at];
    if (kind === 0x21) {
      if (bytes[at + 1] === 0xf9) delay = bytes[at + 4] | (bytes[at + 5] << 8);
      at = afterSubBlocks(bytes, at + 2);
    } else if (kind === 0x2c) {
      delays.push((delay < 2 ? 10 : delay) / 100);
      delay = 0;
      at = afterSubBlocks(bytes, at + 10 + colourTableBytes(bytes[at + 9]) + 1);
    } else {
      break;
    }
  }
  return delays;
}

function colourTableBytes(packed) {
  return packed & 0x80 ? 3 << ((packed & 7) + 1) : 0;
}

function afterSubBlocks(bytes, at) {
  while (at < bytes.length && bytes[at]) at += bytes[at] + 1;
  return at + 1;
}

/**
 * Return the duration of an MP4 or MOV in s from its movie header (ISO/IEC 14496-12, 8.2.2), or null.
 * Throws StructureError.
 */
export async function movieDuration(file) {
  const moov = await findBox(file, { type: "moov", from: 0, to: file.size });
  const mvhd = moov && (await findBox(file, { type: "mvhd", ...moov }));
  if (!mvhd) return null;
  const view = new DataView(await file.slice(mvhd.from, mvhd.from + 32).arrayBuffer());
  if (view.byteLength < 32) return null;
  const wide = view.getUint8(0) === 1;
  const timescale = view.getUint32(wide ? 20 : 12);
  const duration = wide ? Number(view.getBigUint64(24)) : view.getUint32(16);
  return timescale && duration ? duration / timescale : null;
}

async function findBox(file, { type, from, to }) {
  for (let boxes = 0; boxes < MAX_BOXES && from + 8 <= to; boxes += 1) {
    const view = new DataView(await file.slice(from, from + 16).arrayBuffer());
    const box = boxAt(view, { from, end: to });
    if (box.type === type) return { from: box.body, to: Math.min(to, box.to) };
    from = box.to;
  }
  return null;
}

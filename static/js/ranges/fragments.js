// Parse movie fragments (ISO/IEC 14496-12, 8.8). Each adds samples to the tracks of the movie box.

import { boxesIn, childOf } from "./boxes.js";
import { StructureError } from "./reader.js";
import { MAX_SAMPLES } from "./tables.js";

// Sample flags of a frame that is no key frame, as ffmpeg reads them: sample_is_non_sync_sample, or
// sample_depends_on 1.
const NOT_A_KEY = 0x0101_0000;

/**
 * Add the samples of the fragment `moof` to `tracks`. The first byte of `view` is at the offset
 * `base` of the file. Throws StructureError.
 */
export function addFragment(view, moof, { base, tracks }) {
  let end = base; // where the previous track's samples end: the default offset of the next track's
  for (const traf of boxesIn(view, moof.body, moof.to)) {
    if (traf.type === "traf") end = addTrack(view, traf, { base, tracks, end });
  }
}

function addTrack(view, traf, { base, tracks, end }) {
  const tfhd = childOf(view, traf, "tfhd");
  if (!tfhd) throw new StructureError("a track fragment without a header");
  const own = headerOf(view, tfhd);
  const track = tracks.find(({ id }) => id === own.id);
  if (!track) return end;
  const tfdt = childOf(view, traf, "tfdt");
  const { next = 0 } = track;
  let ticks = tfdt ? timeOf(view, tfdt) : next;
  let offset = own.base ?? (own.baseIsMoof ? base : end);
  const start = offset;
  for (const trun of boxesIn(view, traf.body, traf.to)) {
    if (trun.type !== "trun") continue;
    ({ ticks, offset } = addRun(view, trun, { own, track, ticks, offset, start }));
  }
  track.next = ticks;
  return offset;
}

function headerOf(view, box) {
  const flags = view.getUint32(box.body) & 0xffffff;
  const header = { id: view.getUint32(box.body + 4), baseIsMoof: Boolean(flags & 0x20000) };
  let at = box.body + 8;
  if (flags & 0x1) {
    header.base = Number(view.getBigUint64(at));
    at += 8;
  }
  if (flags & 0x2) at += 4;
  for (const [bit, name] of [[0x8, "duration"], [0x10, "size"], [0x20, "flags"]]) {
    if (!(flags & bit)) continue;
    header[name] = view.getUint32(at);
    at += 4;
  }
  return header;
}

function timeOf(view, box) {
  const wide = view.getUint8(box.body) === 1;
  return wide ? Number(view.getBigUint64(box.body + 4)) : view.getUint32(box.body + 4);
}

function addRun(view, box, { own, track, ticks, offset, start }) {
  const version = view.getUint8(box.body);
  const flags = view.getUint32(box.body) & 0xffffff;
  const count = view.getUint32(box.body + 4);
  const defaults = { duration: 0, size: 0, flags: 0, ...track.defaults, ...own };
  let at = box.body + 8;
  if (flags & 0x1) {
    offset = start + view.getInt32(at);
    at += 4;
  }
  let firstFlags = null;
  if (flags & 0x4) {
    firstFlags = view.getUint32(at);
    at += 4;
  }
  const fields = [0x100, 0x200, 0x400, 0x800].filter((bit) => flags & bit);
  if (at + count * fields.length * 4 > box.to) throw new StructureError("a track run is cut off");
  if (track.samples.count + count > MAX_SAMPLES) throw new StructureError("too many samples");
  for (let index = 0; index < count; index += 1) {
    const sample = { ...defaults, lag: 0 };
    if (index === 0 && firstFlags !== null) sample.flags = firstFlags;
    for (const bit of fields) {
      if (bit === 0x100) sample.duration = view.getUint32(at);
      if (bit === 0x200) sample.size = view.getUint32(at);
      if (bit === 0x400) sample.flags = view.getUint32(at);
      if (bit === 0x800) sample.lag = version ? view.getInt32(at) : view.getUint32(at);
      at += 4;
    }
    const dts = ticks / track.timescale + track.shift;
    track.samples.add({
      offset,
      size: sample.size,
      dts,
      pts: dts + sample.lag / track.timescale,
      key: track.kind === "audio" || !(sample.flags & NOT_A_KEY),
    });
    ticks += sample.duration;
    offset += sample.size;
  }
  return { ticks, offset };
}

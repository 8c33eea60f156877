// Movie fragments (ISO/IEC 14496-12, 8.8): each adds samples to the tracks of the movie box.

import { boxesIn, childOf } from "./boxes.js";
import { UnclearError } from "./reader.js";
import { MAX_SAMPLES } from "./tables.js";

const NOT_A_KEY = 0x0101_0000; // is_non_sync_sample, or depends on others: as ffmpeg reads it

/** Adds the samples of the fragment `moof` in `view`, whose first byte is the file's `base`. */
export function addFragment(view, moof, { base, tracks }) {
  let end = base; // of the previous track's samples, where the file leaves offsets out
  for (const traf of boxesIn(view, moof.body, moof.to)) {
    if (traf.type === "traf") end = addTrack(view, traf, { base, tracks, end });
  }
}

function addTrack(view, traf, { base, tracks, end }) {
  const tfhd = childOf(view, traf, "tfhd");
  if (!tfhd) throw new UnclearError("no tfhd");
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
  if (at + count * fields.length * 4 > box.to) throw new UnclearError("a short run");
  if (track.samples.count + count > MAX_SAMPLES) throw new UnclearError("too many samples");
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

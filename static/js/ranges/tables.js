// Parse the tracks of a movie box and their sample tables (ISO/IEC 14496-12, 8.6 to 8.8).

import { boxesIn, childOf, fourCharacters } from "./boxes.js";
import { StructureError } from "./reader.js";
import { Samples } from "./samples.js";

export const MAX_SAMPLES = 4_000_000;
const MAX_OTHER_SAMPLES = 2_000_000; // only the beginning of audio is needed; PCM has 48,000 a second
const MAX_TRACKS = 64;

/**
 * Return the tracks of the movie box `moov` in `view`: {id, kind, timescale, shift, samples,
 * defaults}. `kind` is video, audio or other; the edit list adds `shift` s to each time; `defaults`
 * are those of the track's fragments. Throws StructureError, and RangeError for reads beyond `view`.
 */
export function tracksOf(view, moov) {
  const movie = mustFind(view, moov, "mvhd");
  const movieScale = view.getUint32(movie.body + (view.getUint8(movie.body) === 1 ? 20 : 12));
  const extends_ = childOf(view, moov, "mvex");
  const defaults = extends_ ? defaultsOf(view, extends_) : new Map();
  const tracks = [];
  for (const box of boxesIn(view, moov.body, moov.to)) {
    if (box.type === "cmov") throw new StructureError("a compressed movie box");
    if (box.type !== "trak") continue;
    if (tracks.length === MAX_TRACKS) throw new StructureError("too many tracks");
    tracks.push(trackOf(view, box, { movieScale, defaults }));
  }
  return tracks;
}

function mustFind(view, parent, ...path) {
  let box = parent;
  for (const type of path) {
    box = childOf(view, box, type);
    if (!box) throw new StructureError(`no ${type}`);
  }
  return box;
}

function trackOf(view, trak, { movieScale, defaults }) {
  const header = mustFind(view, trak, "tkhd");
  const id = view.getUint32(header.body + (view.getUint8(header.body) === 1 ? 20 : 12));
  const mdia = mustFind(view, trak, "mdia");
  const media = mustFind(view, mdia, "mdhd");
  const timescale = view.getUint32(media.body + (view.getUint8(media.body) === 1 ? 20 : 12));
  if (!timescale || !movieScale) throw new StructureError("a timescale of 0");
  const handler = mustFind(view, mdia, "hdlr");
  const kind = { vide: "video", soun: "audio" }[fourCharacters(view, handler.body + 8)] ?? "other";
  const shift = shiftOf(view, trak, { movieScale, timescale, kind });
  const stbl = mustFind(view, mdia, "minf", "stbl");
  const samples = samplesOf(view, stbl, { timescale, shift, kind });
  return { id, kind, timescale, shift, samples, defaults: defaults.get(id) };
}

// Return the seconds that the edit list adds to each time of the track. It may delay the track and
// cut off its beginning. Throws StructureError if it has several parts, as for a cut in the middle.
function shiftOf(view, trak, { movieScale, timescale, kind }) {
  const edts = childOf(view, trak, "edts");
  const elst = edts && childOf(view, edts, "elst");
  if (!elst) return 0;
  const wide = view.getUint8(elst.body) === 1;
  const count = view.getUint32(elst.body + 4);
  const entry = wide ? 20 : 12;
  if (elst.body + 8 + count * entry > elst.to) throw new StructureError("a broken edit list");
  let delay = 0;
  let begin = null;
  for (let index = 0; index < count; index += 1) {
    const at = elst.body + 8 + index * entry;
    const length = wide ? Number(view.getBigUint64(at)) : view.getUint32(at);
    const time = wide ? Number(view.getBigInt64(at + 8)) : view.getInt32(at + 4);
    const rate = view.getInt32(at + entry - 4);
    if (time < 0 && begin === null) delay += length / movieScale;
    else if (begin === null && rate === 0x10000) begin = time / timescale;
    else if (kind === "video") throw new StructureError("an edit list with several parts");
  }
  return delay - (begin ?? 0);
}

function samplesOf(view, stbl, { timescale, shift, kind }) {
  const samples = new Samples();
  const size = childOf(view, stbl, "stsz") ?? childOf(view, stbl, "stz2");
  if (!size) return samples;
  const all = view.getUint32(size.body + 8);
  const count = kind === "video" ? all : Math.min(all, MAX_OTHER_SAMPLES);
  if (!count) return samples;
  if (count > MAX_SAMPLES) throw new StructureError("too many samples");
  const sizeOf = sizesOf(view, size, all);
  const nextOffset = offsetsOf(view, stbl);
  const nextDuration = runsOf(view, mustFind(view, stbl, "stts"), (at) => view.getUint32(at));
  const ctts = childOf(view, stbl, "ctts");
  const nextLag = ctts ? runsOf(view, ctts, (at) => view.getInt32(at)) : () => 0;
  const isKey = keysOf(view, stbl);
  samples.reserve(count);
  let ticks = 0;
  for (let index = 0; index < count; index += 1) {
    const bytes = sizeOf(index);
    const dts = ticks / timescale + shift;
    samples.add({
      offset: nextOffset(bytes),
      size: bytes,
      dts,
      pts: dts + nextLag() / timescale,
      key: isKey(index + 1),
    });
    ticks += nextDuration();
  }
  return samples;
}

function sizesOf(view, box, count) {
  const compact = box.type === "stz2";
  const same = compact ? 0 : view.getUint32(box.body + 4);
  if (same) return () => same;
  const bits = compact ? view.getUint8(box.body + 7) : 32;
  if (![4, 8, 16, 32].includes(bits)) throw new StructureError("a sample size of unknown width");
  const table = box.body + 12;
  if (table + Math.ceil((count * bits) / 8) > box.to) throw new StructureError("the sample size table is cut off");
  if (bits === 32) return (index) => view.getUint32(table + 4 * index);
  if (bits === 16) return (index) => view.getUint16(table + 2 * index);
  if (bits === 8) return (index) => view.getUint8(table + index);
  return (index) => (view.getUint8(table + (index >> 1)) >> (index & 1 ? 0 : 4)) & 15;
}

// Return a function that takes the next sample's size and returns its offset in the file (8.7.4, 8.7.5).
function offsetsOf(view, stbl) {
  const narrow = childOf(view, stbl, "stco");
  const chunks = narrow ?? mustFind(view, stbl, "co64");
  const width = narrow ? 4 : 8;
  const chunkCount = view.getUint32(chunks.body + 4);
  if (chunks.body + 8 + chunkCount * width > chunks.to) throw new StructureError("the chunk offset table is cut off");
  const stsc = mustFind(view, stbl, "stsc");
  const runs = view.getUint32(stsc.body + 4);
  if (!runs || stsc.body + 8 + runs * 12 > stsc.to) throw new StructureError("the sample to chunk table is cut off");
  let run = 0;
  let chunk = 0; // number of the current chunk; the first is 1
  let left = 0;
  let offset = 0;
  const field = (index, word) => view.getUint32(stsc.body + 8 + index * 12 + word * 4);
  return (bytes) => {
    while (!left) {
      chunk += 1;
      if (chunk > chunkCount) throw new StructureError("more samples than the chunks contain");
      while (run + 1 < runs && field(run + 1, 0) <= chunk) run += 1;
      left = field(run, 1);
      const at = chunks.body + 8 + (chunk - 1) * width;
      offset = narrow ? view.getUint32(at) : Number(view.getBigUint64(at));
    }
    left -= 1;
    const own = offset;
    offset += bytes;
    return own;
  };
}

// Return a function that returns the next value of a run-length table (stts, ctts). After the end it
// repeats the last value, because some files have an stts that is one sample short.
function runsOf(view, box, valueAt) {
  const count = view.getUint32(box.body + 4);
  if (box.body + 8 + count * 8 > box.to) throw new StructureError("a time table is cut off");
  let run = -1;
  let left = 0;
  let value = 0;
  return () => {
    while (!left && run + 1 < count) {
      run += 1;
      left = view.getUint32(box.body + 8 + run * 8);
      value = valueAt(box.body + 12 + run * 8);
    }
    if (left) left -= 1;
    return value;
  };
}

// Return a function that returns whether sample number n is a key frame. Numbers begin with 1 and
// must ascend. Without a table all samples are key frames.
function keysOf(view, stbl) {
  const box = childOf(view, stbl, "stss");
  if (!box) return () => true;
  const count = view.getUint32(box.body + 4);
  if (box.body + 8 + count * 4 > box.to) throw new StructureError("the key frame table is cut off");
  let next = 0;
  return (number) => {
    while (next < count && view.getUint32(box.body + 8 + next * 4) < number) next += 1;
    return next < count && view.getUint32(box.body + 8 + next * 4) === number;
  };
}

// Return the defaults of each track's fragments by track id: {duration, size, flags} (8.8.3).
function defaultsOf(view, mvex) {
  const defaults = new Map();
  for (const box of boxesIn(view, mvex.body, mvex.to)) {
    if (box.type !== "trex") continue;
    const [id, , duration, size, flags] = [4, 8, 12, 16, 20].map((at) => view.getUint32(box.body + at));
    defaults.set(id, { duration, size, flags });
  }
  return defaults;
}

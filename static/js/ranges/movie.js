// Find the bytes of an MP4 or MOV that the decoding of an interval needs.

import { boxAt } from "./boxes.js";
import { addFragment } from "./fragments.js";
import { StructureError } from "./reader.js";
import { tracksOf } from "./tables.js";

// Boxes that may have holes. The other boxes describe the file and are sent whole.
const SPARSE = ["mdat", "free", "skip", "wide"];
const SPARSE_HEAD = 64; // bytes sent of each of those
const MAX_MOOV = 64 << 20;
const MAX_MOOF = 4 << 20;

// How much of each stream is sent from its beginning, because ffmpeg reads it to detect the streams:
// for most files a few frames; for some, such as fragmented files with an index, ten seconds of all
// streams, at most 10 MB. The server requires as many packets of each stream as ffmpeg read of all
// streams together; `thorough` sends that many.
const PROBED = { seconds: 2.5, samples: 24, bytes: 2 << 20 };
const PROBED_OF_FRAGMENTS = { ...PROBED, samples: 72 }; // their movie box states no frame rate
const PROBED_THOROUGHLY = { seconds: 40, samples: 24, bytes: 11 << 20 };
const SMALL_TRACK = 1 << 18; // bytes; smaller tracks, such as time codes and chapters, are sent whole
const ROUNDING_S = 0.002; // ffmpeg's rounding of a start time

/** Read the boxes and sample tables. Throws StructureError. */
export async function readMovie(reader) {
  const { size } = reader;
  const head = [];
  let tracks = null;
  let amount = PROBED;
  for (let from = 0; from + 8 <= size; ) {
    const view = await reader.view(from, Math.min(16, size - from));
    const box = boxAt(view, { from, end: size });
    const sparse = SPARSE.includes(box.type);
    head.push([from, sparse ? Math.min(box.to, box.body + SPARSE_HEAD) : box.to]);
    if (box.to > size && !sparse) throw new StructureError("the file is cut off");
    if (box.type === "sidx") amount = PROBED_THOROUGHLY;
    if (box.type === "moov") {
      if (tracks) throw new StructureError("two movie boxes");
      tracks = await inside(reader, box, MAX_MOOV, tracksOf);
    } else if (box.type === "moof") {
      if (!tracks) throw new StructureError("a fragment before the movie box");
      if (amount === PROBED) amount = PROBED_OF_FRAGMENTS;
      await inside(reader, box, MAX_MOOF, (whole, moof) => addFragment(whole, moof, { base: box.from, tracks }));
    }
    from = box.to;
  }
  if (!tracks?.some(({ kind, samples }) => kind === "video" && samples.count)) throw new StructureError("no video");
  return { head, tracks, amount, origin: originOf(tracks) };
}

// Call `parse` with a view of the box and with the box in offsets of that view.
async function inside(reader, box, limit, parse) {
  const length = box.to - box.from;
  if (length > limit) throw new StructureError(`a ${box.type} of ${length} bytes`);
  const view = await reader.view(box.from, length);
  return parse(view, { body: box.body - box.from, to: length });
}

// Return ffmpeg's start time of the file in s: the earliest presentation time of video or audio.
function originOf(tracks) {
  const firsts = tracks
    .filter(({ kind, samples }) => kind !== "other" && samples.count)
    .map(({ samples }) => samples.pts.subarray(0, Math.min(samples.count, 64)).reduce((a, b) => Math.min(a, b)));
  return Math.max(0, Math.min(...firsts));
}

/** Return the spans that decoding from `start` to `end` s needs. */
export function movieSpans({ head, tracks, amount, origin }, { start, end, thorough }) {
  const spans = [...head];
  for (const { kind, samples } of tracks) {
    if (!samples.count) continue;
    spans.push(...samples.spans(0, probedUntil(samples, thorough ? PROBED_THOROUGHLY : amount)));
    if (kind === "other" && total(samples) <= SMALL_TRACK) spans.push(...samples.spans(0, samples.count - 1));
    if (kind === "video") spans.push(...shownSpans(samples, { start, end: end + origin }));
  }
  return spans;
}

// Return the index of the last sample that ffmpeg may read to detect the streams.
function probedUntil(samples, { seconds, samples: least, bytes }) {
  let sent = 0;
  let index = 0;
  for (; index < samples.count; index += 1) {
    sent += samples.sizes[index];
    if (index >= least && (samples.dts[index] - samples.dts[0] > seconds || sent > bytes)) break;
  }
  return Math.min(index, samples.count - 1);
}

function total({ sizes, count }) {
  return sizes.subarray(0, count).reduce((sum, size) => sum + size, 0);
}

// Return the spans from the last key frame at or before `start` to the first frame after `end`, whose
// time ends the frame before it.
function shownSpans(samples, { start, end }) {
  const { pts, keys, count } = samples;
  let first = 0;
  let after = Infinity;
  for (let index = 0; index < count; index += 1) {
    if (keys[index] && pts[index] <= start - ROUNDING_S) first = index;
    if (pts[index] > end) after = Math.min(after, pts[index]);
  }
  let last = count - 1;
  while (last > first && pts[last] > after) last -= 1;
  return samples.spans(first, last);
}

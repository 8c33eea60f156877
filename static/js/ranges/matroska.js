// Find the bytes of a WebM that the decoding of an interval needs (RFC 8794, RFC 9559).

import { StructureError } from "./reader.js";

const EBML = 0x1a45dfa3;
const SEGMENT = 0x18538067;
const CLUSTER = 0x1f43b675;
const SEEK_HEAD = 0x114d9b74;
const INFO = 0x1549a966;
const TRACKS = 0x1654ae6b;
const CUES = 0x1c53bb6b;
const TAGS = 0x1254c367;
const CHAPTERS = 0x1043a770;
const ATTACHMENTS = 0x1941a469;
const LEVEL_1 = [CLUSTER, SEEK_HEAD, INFO, TRACKS, CUES, TAGS, CHAPTERS, ATTACHMENTS];

const VIDEO = 1; // TrackType
const MAX_CUES_BYTES = 32 << 20;
const MAX_ELEMENTS = 400_000;
// How much of the beginning is sent for ffmpeg to detect the streams; see movie.js.
const PROBED = { seconds: 2.5, bytes: 2 << 20 };
const PROBED_THOROUGHLY = { seconds: 40, bytes: 11 << 20 };
const LATE_BLOCKS = 16; // blocks shown after the interval that may precede one shown inside it
const ROUNDING_S = 0.002; // ffmpeg's times are whole milliseconds
const HEADER = 12; // bytes: the longest id (4) and size (8)

/** Resolve to {id, from, body, to} of the element at `from`; `to` is null if its size is unknown. */
async function elementAt(reader, from, end) {
  const view = await reader.viewAhead(from, Math.min(HEADER, end - from));
  const [id, idBytes] = variable(view, 0, { mark: true, most: 4 });
  const [size, sizeBytes] = variable(view, idBytes, { mark: false, most: 8 });
  const body = from + idBytes + sizeBytes;
  return { id, from, body, to: size === null ? null : body + size };
}

// Return [value, bytes] of the variable-length integer at `at` (RFC 8794, 4); the value is null for
// an unknown size. `mark`: keep the length marker, which belongs to ids. `most`: the longest allowed.
function variable(view, at, { mark, most }) {
  if (at >= view.byteLength) throw new StructureError("a number is cut off");
  const first = view.getUint8(at);
  const bytes = Math.clz32(first) - 23;
  if (bytes > most || at + bytes > view.byteLength) throw new StructureError("an invalid number");
  const bits = mark ? first : first & ((1 << (8 - bytes)) - 1);
  let value = bits;
  let allOnes = !mark && bits === (1 << (8 - bytes)) - 1;
  for (let index = 1; index < bytes; index += 1) {
    const byte = view.getUint8(at + index);
    allOnes &&= byte === 255;
    value = value * 256 + byte;
  }
  return [allOnes ? null : value, bytes];
}

// Yield the elements in [from, to) of `view` as {id, body, to}, with offsets in `view`.
function* elementsIn(view, from = 0, to = view.byteLength) {
  while (from < to) {
    const [id, idBytes] = variable(view, from, { mark: true, most: 4 });
    const [size, sizeBytes] = variable(view, from + idBytes, { mark: false, most: 8 });
    const body = from + idBytes + sizeBytes;
    if (size === null || body + size > to) throw new StructureError("an element beyond its parent");
    yield { id, body, to: body + size };
    from = body + size;
  }
}

function unsigned(view, { body, to }) {
  let value = 0;
  for (let at = body; at < to; at += 1) value = value * 256 + view.getUint8(at);
  return value;
}

// Return the first child of `parent` with this id, or null.
function field(view, parent, id) {
  for (const element of elementsIn(view, parent.body, parent.to)) {
    if (element.id === id) return element;
  }
  return null;
}

/** Read the header, the tracks and the cues. Throws StructureError. */
export async function readMatroska(reader) {
  const ebml = await elementAt(reader, 0, reader.size);
  if (ebml.id !== EBML || ebml.to === null) throw new StructureError("no EBML header");
  const segment = await elementAt(reader, ebml.to, reader.size);
  if (segment.id !== SEGMENT) throw new StructureError("no segment");
  const end = Math.min(segment.to ?? reader.size, reader.size);
  const found = { end, start: segment.body, head: [], tracks: null, scale: 1e6, cues: null, seekTargets: [] };
  let from = segment.body;
  for (let count = 0; from + 2 <= end; count += 1) {
    const element = await elementAt(reader, from, end);
    if (element.id === CLUSTER) break;
    if (count > 1000 || element.to === null || element.to > end) throw new StructureError("no cluster");
    await readTable(reader, element, found);
    from = element.to;
  }
  found.firstCluster = from;
  found.head.push([0, from]);
  await readSeekTargets(reader, found);
  const { tracks, cues, head, scale } = found;
  if (!tracks?.some(({ kind }) => kind === VIDEO)) throw new StructureError("no video");
  return { head, end, tracks, cues, firstCluster: found.firstCluster, tick: scale / 1e9 };
}

// Read the elements after the first cluster that the seek head refers to, such as cues and tags.
async function readSeekTargets(reader, found) {
  for (const position of found.seekTargets) {
    const from = found.start + position;
    if (from < found.firstCluster || from + 2 > found.end) continue;
    const element = await elementAt(reader, from, found.end);
    if (element.id === CLUSTER || element.to === null || element.to > found.end) throw new StructureError("a seek head with a wrong position");
    await readTable(reader, element, found);
    found.head.push([element.from, element.to]);
  }
}

// Add the content of a seek head, info, tracks or cues element to `found`; ignore other elements.
async function readTable(reader, element, found) {
  if (![SEEK_HEAD, INFO, TRACKS, CUES].includes(element.id)) return;
  const length = element.to - element.body;
  if (length > MAX_CUES_BYTES) throw new StructureError("a table of too many bytes");
  const view = await reader.view(element.body, length);
  if (element.id === SEEK_HEAD) found.seekTargets.push(...seekPositions(view));
  if (element.id === TRACKS) found.tracks ??= trackList(view);
  if (element.id === INFO) {
    const scale = field(view, { body: 0, to: length }, 0x2ad7b1);
    if (scale) found.scale = unsigned(view, scale);
  }
  if (element.id === CUES) found.cues ??= { view, start: found.start };
}

function seekPositions(view) {
  const positions = [];
  for (const seek of elementsIn(view)) {
    const position = seek.id === 0x4dbb ? field(view, seek, 0x53ac) : null;
    if (position) positions.push(unsigned(view, position));
  }
  return positions.slice(0, 64);
}

function trackList(view) {
  const tracks = [];
  for (const entry of elementsIn(view)) {
    if (entry.id !== 0xae) continue;
    const number = field(view, entry, 0xd7);
    const kind = field(view, entry, 0x83);
    if (number && kind) tracks.push({ number: unsigned(view, number), kind: unsigned(view, kind) });
  }
  return tracks;
}

// Return the video's cues as [seconds, cluster offset], sorted by time.
function cuePoints({ cues, tracks, tick }) {
  if (!cues) return [];
  const { view, start } = cues;
  const videos = new Set(tracks.filter(({ kind }) => kind === VIDEO).map(({ number }) => number));
  const points = [];
  for (const point of elementsIn(view)) {
    if (point.id !== 0xbb) continue;
    const time = field(view, point, 0xb3);
    if (!time) continue;
    for (const places of elementsIn(view, point.body, point.to)) {
      if (places.id !== 0xb7) continue;
      const track = field(view, places, 0xf7);
      const cluster = field(view, places, 0xf1);
      if (!track || !cluster || !videos.has(unsigned(view, track))) continue;
      points.push([unsigned(view, time) * tick, start + unsigned(view, cluster)]);
    }
  }
  return points.sort(([a], [b]) => a - b);
}

/** Resolve to the spans that decoding from `start` to `end` s needs. Throws StructureError. */
export async function matroskaSpans(reader, index, { start, end, thorough }) {
  const { head, firstCluster } = index;
  const amount = thorough ? PROBED_THOROUGHLY : PROBED;
  const probed = await findEnd(reader, index, { from: firstCluster, until: amount.seconds, most: amount.bytes });
  const points = cuePoints(index);
  const cue = points.findLastIndex(([seconds]) => seconds <= start - ROUNDING_S);
  const from = cue < 0 ? firstCluster : points[cue][1];
  // After the last cue ffmpeg reads to the end of the file, to look for a later key frame.
  const isLast = points.length > 0 && cue === points.length - 1;
  const to = isLast ? index.end : await findEnd(reader, index, { from, until: end });
  return [...head, [firstCluster, probed], [from, to]];
}

/**
 * Resolve to the offset at which all blocks of video up to `until` s have ended. Reads the headers of
 * the elements inside clusters from `from` on, and stops after `most` bytes. Throws StructureError.
 */
async function findEnd(reader, { end, tracks, tick }, { from, until, most = Infinity }) {
  const videos = new Set(tracks.filter(({ kind }) => kind === VIDEO).map(({ number }) => number));
  const begin = from;
  let clusterTicks = 0;
  let late = 0;
  for (let count = 0; from + 2 <= end; count += 1) {
    if (count > MAX_ELEMENTS) throw new StructureError("too many elements");
    const element = await elementAt(reader, from, end);
    if (element.id === CLUSTER) {
      from = element.body;
      continue;
    }
    if (LEVEL_1.includes(element.id) && element.to !== null) {
      from = element.to;
      continue;
    }
    if (element.to === null || element.to > end) throw new StructureError("an element beyond the end");
    const length = element.to - element.body;
    if (element.id === 0xe7) {
      clusterTicks = unsigned(await reader.viewAhead(element.body, Math.min(8, length)), { body: 0, to: Math.min(8, length) });
    } else if (element.id === 0xa3 || element.id === 0xa0) {
      const { track, ticks } = await blockAt(reader, element);
      if (videos.has(track) && (clusterTicks + ticks) * tick > until) late += 1;
    }
    from = element.to;
    if (late > LATE_BLOCKS || from - begin > most) break;
  }
  return Math.min(from, end);
}

// Resolve to {track, ticks} of a SimpleBlock, or of the Block in a BlockGroup; `ticks` count from the
// cluster's timestamp.
async function blockAt(reader, element) {
  let { body } = element;
  if (element.id === 0xa0) {
    let inner = await elementAt(reader, body, element.to);
    while (inner.id !== 0xa1) {
      if (inner.to === null || inner.to >= element.to) throw new StructureError("a group without a block");
      inner = await elementAt(reader, inner.to, element.to);
    }
    ({ body } = inner);
  }
  const view = await reader.viewAhead(body, Math.min(12, element.to - body));
  const [track, bytes] = variable(view, 0, { mark: false, most: 8 });
  return { track, ticks: view.getInt16(bytes) };
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { layoutFinder, partOf } from "../../static/js/ranges/layout.js";
import { Reader, StructureError } from "../../static/js/ranges/reader.js";
import { uploadPlanner } from "../../static/js/ranges/uploadplan.js";
import { MAX_RANGES, layoutOf, mergeSpans } from "../../static/js/ranges/spans.js";

const text = (string) => [...string].map((letter) => letter.charCodeAt(0));
const u16 = (value) => [value >>> 8 & 255, value & 255];
const u32 = (value) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 255);
const u64 = (value) => [...u32(Math.floor(value / 2 ** 32)), ...u32(value % 2 ** 32)];
const box = (type, ...parts) => {
  const body = parts.flat(Infinity);
  return [...u32(body.length + 8), ...text(type), ...body];
};
const full = (type, version, flags, ...parts) => box(type, version, u32(flags).slice(1), ...parts);
const table = (type, rows, ...before) => full(type, 0, 0, ...before, u32(rows.length), rows.flat(Infinity).map((n) => u32(n)));

function named(bytes, name) {
  return Object.assign(new Blob([Uint8Array.from(bytes)]), { name });
}

// A file in memory, for tests of many reads: a Blob's take most of their time.
function inMemory(bytes, name = "") {
  const array = Uint8Array.from(bytes);
  return { name, size: array.length, slice: (from, to) => ({ arrayBuffer: async () => array.slice(from, to).buffer }) };
}

const SECONDS = 60;
const FPS = 10;
const GOP = 20; // frames
const FRAME = 20_000; // bytes

// A track of 60 s at 10 fps with a key frame every 2 s; `offset` is where its first sample is.
function track({ id = 1, handler = "vide", offset, edits = [], lag = null, wide = false, compact = false } = {}) {
  const count = SECONDS * FPS;
  const keys = Array.from({ length: count / GOP }, (_, index) => [index * GOP + 1]);
  return box(
    "trak",
    full("tkhd", 0, 3, u32(0), u32(0), u32(id), Array(68).fill(0)),
    edits.length ? box("edts", full("elst", 0, 0, u32(edits.length), edits.map(([length, time]) => [u32(length), u32(time), u32(0x10000)]))) : [],
    box(
      "mdia",
      full("mdhd", 0, 0, u32(0), u32(0), u32(FPS * 100), u32(count * 100), u32(0)),
      full("hdlr", 0, 0, u32(0), text(handler), Array(13).fill(0)),
      box(
        "minf",
        box(
          "stbl",
          table("stts", [[count, 100]]),
          lag === null ? [] : table("ctts", [[count, lag]]),
          table("stss", keys),
          table("stsc", [[1, 2, 1]]),
          compact
            ? full("stz2", 0, 0, u32(16), u32(count), Array(count).fill(u16(FRAME)))
            : full("stsz", 0, 0, u32(0), u32(count), Array(count).fill(u32(FRAME))),
          wide
            ? full("co64", 0, 0, u32(count / 2), Array.from({ length: count / 2 }, (_, n) => u64(offset + n * 2 * FRAME)))
            : table("stco", Array.from({ length: count / 2 }, (_, n) => [offset + n * 2 * FRAME])),
        ),
      ),
    ),
  );
}

const mvhd = full("mvhd", 0, 0, u32(0), u32(0), u32(1000), u32(SECONDS * 1000), Array(80).fill(0));
const ftyp = box("ftyp", text("isom"), u32(0));
const MDAT = SECONDS * FPS * FRAME;

// ftyp, mdat, moov: the samples begin at 24, behind the mdat's header.
function movie(options) {
  const bytes = new Uint8Array(MDAT);
  const moov = box("moov", mvhd, track({ offset: ftyp.length + 8, ...options }));
  const parts = [Uint8Array.from([...ftyp, ...u32(MDAT + 8), ...text("mdat")]), bytes, Uint8Array.from(moov)];
  return Object.assign(new Blob(parts), { name: "clip.mp4", moovAt: ftyp.length + 8 + MDAT });
}

const frameAt = (seconds) => ftyp.length + 8 + seconds * FPS * FRAME;
const covers = ({ ranges }, from, to) => ranges.some(([offset, length]) => offset <= from && from < to && to <= offset + length);

test("spans are sorted and joined, and small gaps are closed", () => {
  assert.deepEqual(mergeSpans([[50, 60], [0, 10], [12, 20], [55, 99]], { size: 80, gap: 2 }), [[0, 20], [50, 80]]);
});

test("a layout has its number of bytes and at most as many ranges as the server accepts", () => {
  assert.deepEqual(layoutOf([[0, 10], [100_000, 100_010]], 200_000), { size: 200_000, ranges: [[0, 10], [100_000, 10]], bytes: 20 });
  const many = Array.from({ length: 9000 }, (_, index) => [index * 10_000, index * 10_000 + 5]);
  assert.ok(layoutOf(many, 9e7).ranges.length <= MAX_RANGES);
  const far = Array.from({ length: 9000 }, (_, index) => [index * 1e7, index * 1e7 + 5]);
  assert.equal(layoutOf(far, 9e10), null);
});

test("a reader throws for a read beyond the end, and after too many reads", async () => {
  const reader = new Reader(inMemory(new Uint8Array(100)));
  assert.equal((await reader.view(96, 4)).byteLength, 4);
  await assert.rejects(reader.view(97, 4), StructureError);
  const endless = async () => {
    for (let index = 0; ; index += 1) await reader.view((index % 2) * 50, 10);
  };
  await assert.rejects(endless(), StructureError);
});

for (const [name, options] of [["32-bit offsets", {}], ["64-bit offsets", { wide: true }], ["compact sizes", { compact: true }]]) {
  test(`an MP4 with ${name} is cut from the key frame before the start to a second after the end`, async () => {
    const file = movie(options);
    const layout = await layoutFinder(file)(31, 6);
    assert.equal(layout.size, file.size);
    assert.ok(covers(layout, 0, frameAt(2)), "its beginning");
    assert.ok(covers(layout, file.moovAt, file.size), "its movie box");
    assert.ok(covers(layout, frameAt(30), frameAt(38.1)), "30 to 38 s");
    assert.ok(!covers(layout, frameAt(29.5), frameAt(29.6)) && !covers(layout, frameAt(38.8), frameAt(38.9)), "no more");
    assert.equal(layout.bytes, layout.ranges.reduce((sum, [, length]) => sum + length, 0));
  });
}

test("a start on a key frame needs no earlier key frame except for rounding, and the last seconds end with the file", async () => {
  const at = await layoutFinder(movie())(30, 6);
  assert.ok(covers(at, frameAt(28), frameAt(37)));
  const last = await layoutFinder(movie())(57, 6);
  assert.ok(covers(last, frameAt(56), frameAt(60)));
});

test("an edit list that delays or cuts the beginning moves the samples", async () => {
  const cut = await layoutFinder(movie({ edits: [[50_000, 10_000]] }))(21, 6); // 10 s cut off
  assert.ok(covers(cut, frameAt(30), frameAt(38)) && !covers(cut, frameAt(21), frameAt(22)));
  const late = await layoutFinder(movie({ edits: [[10_000, 0xffffffff], [50_000, 0]] }))(21, 6); // 10 s empty
  assert.ok(covers(late, frameAt(10), frameAt(18)));
});

test("B-frames (ctts) are selected by their presentation time", async () => {
  const layout = await layoutFinder(movie({ lag: 500 }))(30.3, 6); // each half a second later
  assert.ok(covers(layout, frameAt(28), frameAt(37.3)));
});

test("a file that the page can't parse with certainty is sent whole", async () => {
  const several = [[1000, 0], [1000, 30_000]];
  const whole = [
    movie({ edits: several }),
    named([...ftyp, ...box("moov", mvhd)], "a.mp4"),
    named([...ftyp, ...box("mdat", [1, 2, 3])], "a.mp4"),
    named([...ftyp, ...box("moov", mvhd, track({ handler: "soun", offset: 24 }))], "a.mp4"),
    named([...ftyp, ...box("moov", box("cmov", [0, 0, 0, 0]))], "a.mov"),
    named([...ftyp, ...u32(4), ...text("free")], "a.mp4"),
    named([...ftyp, ...u32(5000), ...text("moov"), 1, 2], "a.mp4"),
    named(text("GIF89a123456"), "a.gif"),
    named(text("GIF89a123456"), "a.webm"),
    named([], "a.mp4"),
  ];
  for (const file of whole) assert.equal(await layoutFinder(file)(5, 6), null);
});

test("tables with a false length lead to a whole upload, not to an endless loop", async () => {
  const bytes = Uint8Array.from(box("moov", mvhd, track({ offset: 24 })));
  const view = new DataView(bytes.buffer);
  for (const type of ["stts", "stss", "stsc", "stsz", "stco", "mdhd", "hdlr", "trak"]) {
    const at = String.fromCharCode(...bytes.subarray(0, 400)).indexOf(type);
    const found = at < 0 ? bytes.findIndex((_, index) => String.fromCharCode(...bytes.subarray(index, index + 4)) === type) : at;
    for (const delta of [-4, 4, 8, 12]) {
      const before = view.getUint32(found + delta);
      view.setUint32(found + delta, 0xfffffff0);
      await layoutFinder(Object.assign(new Blob([Uint8Array.from(ftyp), bytes]), { name: "lie.mp4" }))(5, 6);
      view.setUint32(found + delta, before);
    }
  }
});

test("parsing stops before the end of a million tiny boxes", async () => {
  const file = inMemory(Array(60_000).fill(box("free")).flat(), "a.mp4");
  assert.equal(await layoutFinder(file)(0, 6), null);
});

test("the part of a file is its concatenated ranges", async () => {
  const part = partOf(new File(["0123456789"], "a.mp4", { type: "video/mp4" }), { ranges: [[1, 2], [8, 1]] });
  assert.deepEqual([await part.text(), part.name, part.type], ["128", "a.mp4", "video/mp4"]);
});

// Fragments of one second each: 10 samples, the first a key frame.
function fragmented({ explicit }) {
  const trex = full("trex", 0, 0, u32(1), u32(1), u32(100), u32(FRAME), u32(0x1010000));
  const moov = box("moov", mvhd, emptyTrack(), box("mvex", trex));
  const parts = [Uint8Array.from([...ftyp, ...moov])];
  let at = ftyp.length + moov.length;
  const starts = [];
  for (let second = 0; second < SECONDS; second += 1) {
    const run = explicit
      ? full("trun", 1, 0xf01, u32(FPS), u32(0), Array.from({ length: FPS }, (_, n) => [u32(100), u32(FRAME), u32(n ? 0x1010000 : 0x2000000), u32(0)]))
      : full("trun", 0, 0x5, u32(FPS), u32(0), u32(0x2000000));
    const traf = box("traf", full("tfhd", 0, 0x20000, u32(1)), full("tfdt", 1, 0, u64(second * 1000)), run);
    const moof = Uint8Array.from(box("moof", full("mfhd", 0, 0, u32(second + 1)), traf));
    new DataView(moof.buffer).setInt32(moof.length - (explicit ? 4 + FPS * 16 : 8), moof.length + 8);
    const mdat = new Uint8Array(8 + FPS * FRAME);
    new DataView(mdat.buffer).setUint32(0, mdat.length);
    mdat.set(text("mdat"), 4);
    parts.push(moof, mdat);
    starts.push([at, at + moof.length]);
    at += moof.length + mdat.length;
  }
  return { file: Object.assign(new Blob(parts), { name: "frag.mp4" }), starts };
}

function emptyTrack() {
  return box(
    "trak",
    full("tkhd", 0, 3, u32(0), u32(0), u32(1), Array(68).fill(0)),
    box(
      "mdia",
      full("mdhd", 0, 0, u32(0), u32(0), u32(FPS * 100), u32(0), u32(0)),
      full("hdlr", 0, 0, u32(0), text("vide"), Array(13).fill(0)),
      box("minf", box("stbl", table("stts", []), table("stsc", []), full("stsz", 0, 0, u32(0), u32(0)), table("stco", []))),
    ),
  );
}

for (const explicit of [false, true]) {
  test(`a fragmented MP4 (${explicit ? "explicit samples" : "defaults"}) gives all fragment heads and the shown seconds`, async () => {
    const { file, starts } = fragmented({ explicit });
    const layout = await layoutFinder(file)(40.5, 6);
    for (const [from, to] of starts) assert.ok(covers(layout, from, to));
    assert.ok(covers(layout, starts[40][0], starts[47][1] + FRAME));
    assert.ok(!covers(layout, starts[50][0], starts[50][1] + FRAME * 5));
    assert.ok(!covers(layout, starts[38][0], starts[39][1] + FRAME));
  });
}

const size8 = (value) => [0x01, ...[6, 5, 4, 3, 2, 1, 0].map((power) => Math.floor(value / 256 ** power) % 256)];
// Join numbers and Uint8Arrays, which `flat` keeps whole, to a Uint8Array.
const joined = (...parts) => {
  const whole = parts.flat(Infinity).map((part) => (typeof part === "number" ? Uint8Array.of(part) : part));
  return Uint8Array.from(Buffer.concat(whole));
};
const element = (id, ...parts) => {
  const body = joined(parts);
  return joined(id, size8(body.length), body);
};
const number = (id, value) => element(id, u32(value));
const BLOCK = 5000;
const PAYLOAD = new Uint8Array(BLOCK).fill(1);

// One cluster a second, 10 blocks each, a key frame at each cluster's beginning.
function webm({ cues = "behind", unknown = false, groups = false } = {}) {
  const info = element([0x15, 0x49, 0xa9, 0x66], number([0x2a, 0xd7, 0xb1], 1_000_000));
  const tracks = element([0x16, 0x54, 0xae, 0x6b], element([0xae], number([0xd7], 1), number([0x83], 1)));
  const seek = (position) =>
    element([0x11, 0x4d, 0x9b, 0x74], element([0x4d, 0xbb], element([0x53, 0xab], [0x1c, 0x53, 0xbb, 0x6b]), number([0x53, 0xac], position)));
  const clusters = Array.from({ length: SECONDS }, (_, second) => {
    const blocks = Array.from({ length: FPS }, (__, n) => {
      const body = [0x81, ...u16(n * 100), n ? 0 : 0x80, PAYLOAD];
      return groups ? element([0xa0], element([0xa1], body)) : element([0xa3], body);
    });
    const bytes = element([0x1f, 0x43, 0xb6, 0x75], number([0xe7], second * 1000), blocks);
    if (unknown) bytes.fill(0xff, 5, 12);
    return bytes;
  });
  const head = seek(0).length + info.length + tracks.length;
  const positions = clusters.map((_, index) => head + index * clusters[0].length);
  const table_ = element(
    [0x1c, 0x53, 0xbb, 0x6b],
    positions.map((position, second) => element([0xbb], number([0xb3], second * 1000), element([0xb7], number([0xf7], 1), number([0xf1], position)))),
  );
  const ebml = element([0x1a, 0x45, 0xdf, 0xa3], element([0x42, 0x82], text("webm")));
  const behind = head + SECONDS * clusters[0].length;
  const start = [...ebml, 0x18, 0x53, 0x80, 0x67, 0x01, ...Array(7).fill(0xff)];
  const parts = [Uint8Array.from([...start, ...seek(cues === "behind" ? behind : 0), ...info, ...tracks]), ...clusters];
  if (cues === "behind") parts.push(Uint8Array.from(table_));
  return Object.assign(new Blob(parts), { name: "clip.webm", at: (second) => start.length + positions[second], cuesAt: start.length + behind });
}

for (const [name, options] of [["simple blocks", {}], ["block groups", { groups: true }], ["clusters of unknown size", { unknown: true }]]) {
  test(`a WebM with ${name} is cut by its cues`, async () => {
    const file = webm(options);
    const layout = await layoutFinder(file)(31.5, 6);
    assert.ok(covers(layout, 0, file.at(2)));
    assert.ok(covers(layout, file.at(31), file.at(38) + BLOCK * 6));
    assert.ok(covers(layout, file.cuesAt, file.size));
    assert.ok(!covers(layout, file.at(29), file.at(30)) && !covers(layout, file.at(42), file.at(43)));
  });
}

test("after a WebM's last cue everything is sent, and without cues everything before the end", async () => {
  const file = webm();
  assert.ok(covers(await layoutFinder(file)(59.5, 6), file.at(59), file.cuesAt));
  const live = webm({ cues: "none" });
  assert.ok(covers(await layoutFinder(live)(20, 6), 0, live.at(27)));
});

test("a WebM with a false seek head or broken elements is sent whole", async () => {
  const file = webm();
  const bytes = new Uint8Array(await file.arrayBuffer());
  for (const at of [4, 50, 60, 75, file.cuesAt, file.cuesAt + 8]) {
    const broken = bytes.slice();
    broken.fill(0, at, at + 4);
    const layout = await layoutFinder(Object.assign(new Blob([broken]), { name: "a.webm" }))(5, 6);
    assert.ok(layout === null || layout.bytes > 0);
  }
  assert.equal(await layoutFinder(named(bytes.subarray(0, 40), "a.webm"))(5, 6), null);
});

const plans = (file, maxUploadBytes, start = 31) => uploadPlanner(file, { length: 6, maxUploadBytes })(start);

test("a part is sent if it saves a quarter, and the whole file if the part was not enough", async () => {
  const file = movie();
  const [part, whole, ...rest] = await plans(file, 100e6);
  assert.deepEqual([rest.length, whole.bytes, whole.fields().video], [0, file.size, file]);
  assert.ok(part.bytes < file.size / 3);
  const { layout, video } = part.fields();
  assert.deepEqual(Object.keys(JSON.parse(layout)), ["size", "ranges"]);
  assert.equal(video.size, part.bytes);
});

test("a short file is sent whole", async () => {
  const file = named([...ftyp, ...box("moov", mvhd), ...box("mdat", Array(1000).fill(1))], "a.mp4");
  const all = await plans(file, 100e6, 0);
  assert.deepEqual(all.map(({ bytes }) => bytes), [file.size]);
});

test("a file above the limit is sent as a part, then as a larger part, never whole", async () => {
  const file = movie();
  const all = await plans(file, 11e6);
  assert.ok(all.length >= 1);
  assert.ok(all.every(({ bytes }) => bytes < 11e6));
  assert.deepEqual(await plans(file, 1000), []);
  assert.deepEqual(await plans(named(Array(2000).fill(0), "a.mp4"), 1000), []);
});

test("a blended loop needs a second and a half more on either side", async () => {
  const file = movie();
  const [part] = await uploadPlanner(file, { length: 6, maxUploadBytes: 100e6 })(32.5, "blend");
  const layout = JSON.parse(part.fields().layout);
  assert.ok(covers(layout, frameAt(30), frameAt(41)));
  const [first] = await uploadPlanner(file, { length: 6, maxUploadBytes: 100e6 })(0.5, "blend");
  assert.ok(covers(JSON.parse(first.fields().layout), 0, frameAt(8.7)));
});

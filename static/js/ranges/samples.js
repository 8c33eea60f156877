// Store one track's samples in decoding order.

/**
 * Growing columns: `offsets` in the file and `sizes` in bytes, `dts` (decoding time) and `pts`
 * (presentation time) in s, `keys` 1 for key frames. Only the first `count` entries are valid.
 */
export class Samples {
  #capacity = 0;
  count = 0;
  offsets = new Float64Array(0);
  sizes = new Float64Array(0);
  dts = new Float64Array(0);
  pts = new Float64Array(0);
  keys = new Uint8Array(0);

  reserve(count) {
    if (count <= this.#capacity) return;
    this.#capacity = Math.max(count, this.#capacity * 2);
    for (const name of ["offsets", "sizes", "dts", "pts", "keys"]) {
      const larger = new this[name].constructor(this.#capacity);
      larger.set(this[name].subarray(0, this.count));
      this[name] = larger;
    }
  }

  add({ offset, size, dts, pts, key }) {
    this.reserve(this.count + 1);
    const index = this.count;
    this.offsets[index] = offset;
    this.sizes[index] = size;
    this.dts[index] = dts;
    this.pts[index] = pts;
    this.keys[index] = key ? 1 : 0;
    this.count += 1;
  }

  /** Return the spans of samples `first` to `last` (included); spans that touch are joined. */
  spans(first, last) {
    const spans = [];
    for (let index = first; index <= last; index += 1) {
      const from = this.offsets[index];
      const to = from + this.sizes[index];
      const before = spans.at(-1);
      if (before && before[1] === from) before[1] = to;
      else spans.push([from, to]);
    }
    return spans;
  }
}

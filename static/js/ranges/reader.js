// Bounded random access to a file: slices only, and an error instead of an endless walk.

/** The file's structure is not what the parsers understand; the file has to be sent whole. */
export class UnclearError extends Error {
  name = "UnclearError";
}

const MAX_READS = 40_000;
const MAX_BYTES = 96 << 20;

export class Reader {
  #file;
  #reads = 0;
  #bytes = 0;
  #window = { from: 0, bytes: new Uint8Array(0) };

  constructor(file) {
    this.#file = file;
    this.size = file.size;
  }

  /** A DataView of `length` bytes at `from`. Throws UnclearError beyond the end or the limits. */
  async view(from, length) {
    if (from < 0 || length < 0 || from + length > this.size) throw new UnclearError("beyond the end");
    const held = this.#window;
    if (from < held.from || from + length > held.from + held.bytes.length) await this.#read(from, length);
    const { from: start, bytes } = this.#window;
    return new DataView(bytes.buffer, bytes.byteOffset + from - start, length);
  }

  /** Like `view`, but reads ahead: for walks over small neighbouring structures. */
  async viewAhead(from, length, ahead = 1 << 16) {
    const held = this.#window;
    if (from < held.from || from + length > held.from + held.bytes.length) {
      if (from + length > this.size) throw new UnclearError("beyond the end");
      await this.#read(from, Math.min(Math.max(length, ahead), this.size - from));
    }
    return this.view(from, length);
  }

  async #read(from, length) {
    this.#reads += 1;
    this.#bytes += length;
    if (this.#reads > MAX_READS || this.#bytes > MAX_BYTES) throw new UnclearError("too much to read");
    const bytes = new Uint8Array(await this.#file.slice(from, from + length).arrayBuffer());
    if (bytes.length < length) throw new UnclearError("short read");
    this.#window = { from, bytes };
  }
}

// Random access to a file with a limit on the number of reads and bytes.

/** The parsers do not support the file's structure, so the file has to be sent whole. */
export class StructureError extends Error {
  name = "StructureError";
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

  /** Resolve to a DataView of `length` bytes at `from`. Throws StructureError beyond the end or a limit. */
  async view(from, length) {
    if (from < 0 || length < 0 || from + length > this.size) throw new StructureError("beyond the end");
    if (!this.#hasRead(from, length)) await this.#read(from, length);
    const { from: start, bytes } = this.#window;
    return new DataView(bytes.buffer, bytes.byteOffset + from - start, length);
  }

  /** Like `view`, but read `ahead` bytes at once, because small neighbouring structures follow. */
  async viewAhead(from, length, ahead = 1 << 16) {
    if (!this.#hasRead(from, length)) {
      if (from + length > this.size) throw new StructureError("beyond the end");
      await this.#read(from, Math.min(Math.max(length, ahead), this.size - from));
    }
    return this.view(from, length);
  }

  #hasRead(from, length) {
    const { from: start, bytes } = this.#window;
    return from >= start && from + length <= start + bytes.length;
  }

  async #read(from, length) {
    this.#reads += 1;
    this.#bytes += length;
    if (this.#reads > MAX_READS || this.#bytes > MAX_BYTES) throw new StructureError("too many reads");
    const bytes = new Uint8Array(await this.#file.slice(from, from + length).arrayBuffer());
    if (bytes.length < length) throw new StructureError("the file was cut off while it was read");
    this.#window = { from, bytes };
  }
}

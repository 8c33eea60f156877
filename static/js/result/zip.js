// Read the theme's zip (stored, not deflated), so that the page can show its picture and colours.
// Offsets are those of APPNOTE.TXT 4.3.

const END_RECORD = 0x06054b50;
const ENTRY = 0x02014b50;
const END_BYTES = 22;
const STORED = 0;

/** Resolve to the stored files of a zip as {name: Blob}; an empty object if `blob` is no zip. */
export async function storedFiles(blob) {
  const view = new DataView(await blob.arrayBuffer());
  const end = endRecord(view);
  if (end === null) return {};
  const files = {};
  let at = view.getUint32(end + 16, true);
  for (let count = view.getUint16(end + 10, true); count > 0; count -= 1) {
    if (at + 46 > view.byteLength || view.getUint32(at, true) !== ENTRY) return files;
    const nameBytes = view.getUint16(at + 28, true);
    const size = view.getUint32(at + 20, true);
    const local = view.getUint32(at + 42, true);
    const name = new TextDecoder().decode(new Uint8Array(view.buffer, at + 46, nameBytes));
    if (view.getUint16(at + 10, true) === STORED) {
      const data = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
      files[name] = blob.slice(data, data + size);
    }
    at += 46 + nameBytes + view.getUint16(at + 30, true) + view.getUint16(at + 32, true);
  }
  return files;
}

function endRecord(view) {
  for (let at = view.byteLength - END_BYTES; at >= 0; at -= 1) {
    if (view.getUint32(at, true) === END_RECORD) return at;
  }
  return null;
}

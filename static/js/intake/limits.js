// Check what may be uploaded. The limits come from data-attributes. Pure functions.

const HEAD_BYTES = 64;
const QUICKTIME_BOXES = ["ftyp", "moov", "mdat", "wide", "free", "skip"];

/** Read the server's limits from an element's dataset. */
export function readLimits(dataset) {
  return {
    maxUploadBytes: Number(dataset.maxUploadBytes),
    extensions: dataset.extensions.split(" "),
    length: Number(dataset.durationS),
    fps: Number(dataset.fps),
    frame: { width: Number(dataset.width), height: Number(dataset.height) },
    linkTtl: Number(dataset.linkTtlS),
    ratios: dataset.screenRatios.split(" ").map(Number),
  };
}

/**
 * Return the `screen` field of POST /convert/. The ratio is limited to what the server accepts,
 * because devicePixelRatio includes the browser's zoom.
 */
export function screenField({ width, height }, ratio, { ratios: [least, most] }) {
  return `${width}x${height}@${Math.min(most, Math.max(least, ratio))}`;
}

/** Check dropped, pasted or chosen files; return a key of strings.mistakes, or null. */
export function offerMistake({ files, folders, links }, { maxUploadBytes, extensions }) {
  if (folders) return { key: "folder" };
  if (files.length > 1) return { key: "several", count: files.length };
  if (!files.length) return { key: links ? "link" : "nothing" };
  const [{ name, size }] = files;
  if (!extensions.includes(extensionOf(name))) return { key: "type", name, extensions };
  if (size === 0) return { key: "empty", name };
  // GIFs are sent whole; of other files a part may suffice (see ranges/).
  const isWhole = extensionOf(name) === ".gif";
  if (isWhole && size > maxUploadBytes) return { key: "size", name, size, limit: maxUploadBytes };
  return null;
}

export function extensionOf(name) {
  const dot = name.lastIndexOf(".");
  return dot < 0 ? "" : name.slice(dot).toLowerCase();
}

/** Return "mov", "webm" or "gif" from a file's first bytes, as the server does, or null. */
export function sniff(bytes) {
  const head = String.fromCharCode(...bytes.slice(0, HEAD_BYTES));
  if (/^GIF8[79]a/.test(head)) return "gif";
  if (QUICKTIME_BOXES.includes(head.slice(4, 8))) return "mov";
  if (head.startsWith("\x1aE\xdf\xa3") && /webm|matroska/.test(head)) return "webm";
  return null;
}

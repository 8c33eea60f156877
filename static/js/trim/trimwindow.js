// Arithmetic of the one window of fixed length over a clip. Seconds and px. Pure.
// `duration` is null where the browser cannot tell it; then only zero bounds the start.

const PAGE_KEYS = { PageUp: 1, PageDown: -1 };
const ARROW_KEYS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };

/** The last start that still leaves a whole window, in whole thousandths of a second. */
export function lastStart({ duration, length }) {
  if (duration === null) return Infinity;
  return Math.max(0, Math.floor((duration - length) * 1000) / 1000);
}

export function clampStart(start, span) {
  return Math.min(Math.max(0, start), lastStart(span));
}

/** The window's own length in seconds: shorter only where the clip is. */
export function windowLength({ duration, length }) {
  return duration === null ? length : Math.min(duration, length);
}

/** The start a key asks for, or null when the key is none of the window's. */
export function startAfterKey(start, { key, shiftKey }, { duration, length, fps }) {
  const span = { duration, length };
  if (key === "Home") return 0;
  if (key === "End") return duration === null ? start : lastStart(span);
  if (key in PAGE_KEYS) return clampStart(start + PAGE_KEYS[key] * length, span);
  if (key in ARROW_KEYS) {
    return clampStart(start + ARROW_KEYS[key] * (shiftKey ? 1 : 1 / fps), span);
  }
  return null;
}

/** Where the window is drawn on a strip: never narrower than a finger (`minimum` px). */
export function windowBox(start, { duration, length, strip, minimum }) {
  const width = Math.min(strip, Math.max(minimum, (strip * length) / duration));
  const last = lastStart({ duration, length });
  return { left: last ? (start / last) * (strip - width) : 0, width: last ? width : strip };
}

/** The start that puts the window's left edge at `left` px; the reverse of windowBox. */
export function startAtLeft(left, { duration, length, strip, minimum }) {
  const { width } = windowBox(0, { duration, length, strip, minimum });
  const room = strip - width;
  const span = { duration, length };
  return room > 0 ? clampStart((left / room) * lastStart(span), span) : 0;
}

/** How far through the window an instant is, 0 to 1. */
export function windowFraction(instant, { start, duration, length }) {
  const seconds = windowLength({ duration, length });
  return Math.min(1, Math.max(0, (instant - start) / seconds));
}

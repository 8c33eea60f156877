// Arithmetic of the selection of fixed length, in s and px. Pure functions.
// `duration` is null if the browser doesn't know it; then the start has no upper limit.

export const FINGER_PX = 44; // the selection is never drawn narrower

const PAGE_KEYS = { PageUp: 1, PageDown: -1 };
const LEAST_BLEND_S = 0.5;
const MOST_BLEND_S = 1; // the median of the results measured, which take 0.5 to 1.5 s
const ARROW_KEYS = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };

/** Return the last start that leaves a whole selection, in s, rounded down to ms. */
export function lastStart({ duration, length }) {
  if (duration === null) return Infinity;
  return Math.max(0, Math.floor((duration - length) * 1000) / 1000);
}

export function clampStart(start, span) {
  return Math.min(Math.max(0, start), lastStart(span));
}

/** Return the selection's length in s, which is shorter only if the clip is. */
export function windowLength({ duration, length }) {
  return duration === null ? length : Math.min(duration, length);
}

/** Return the start that a key selects, or null if the key has no function here. */
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

/** Return the selection's box on the strip, at least `minimum` px wide for fingers. */
export function windowBox(start, { duration, length, strip, minimum }) {
  const width = Math.min(strip, Math.max(minimum, (strip * length) / duration));
  const last = lastStart({ duration, length });
  return { left: last ? (start / last) * (strip - width) : 0, width: last ? width : strip };
}

/** Return the start that puts the selection's left edge at `left` px; inverts windowBox. */
export function startAtLeft(left, { duration, length, strip, minimum }) {
  const { width } = windowBox(0, { duration, length, strip, minimum });
  const room = strip - width;
  const span = { duration, length };
  return room > 0 ? clampStart((left / room) * lastStart(span), span) : 0;
}

/** Return the position of a time in the selection, 0 to 1. */
export function windowFraction(instant, { start, duration, length }) {
  const seconds = windowLength({ duration, length });
  return Math.min(1, Math.max(0, (instant - start) / seconds));
}

/**
 * Return {leave, enter, fade} of a blended loop, in s: when it leaves the end, when it enters the
 * start, and how long both are mixed. Return null if the clip is too short. The server compares the
 * frames (converter/pipeline/loop/plan.py), so its overlap may be shorter or longer, or on the other
 * side.
 */
export function blendAt({ start, duration, length }) {
  const known = duration ?? Infinity;
  const end = Math.min(start + length, known);
  if (end - start < 2 * LEAST_BLEND_S) return null;
  const most = Math.min(MOST_BLEND_S, (end - start) / 2);
  if (known - end >= LEAST_BLEND_S) {
    return { leave: end, enter: start, fade: Math.min(most, known - end) };
  }
  if (start >= LEAST_BLEND_S) {
    const fade = Math.min(most, start);
    return { leave: end - fade, enter: start - fade, fade };
  }
  return { leave: end - most, enter: start, fade: most };
}

// The server's crop rule: scale to fill, then crop the overhang at focus * overhang. CSS
// object-position with percentages does the same. Pure functions.

const NO_OVERHANG = 0.002; // share of the frame's width or height: less than two pixels

/** Return the axis on which a picture that fills a frame overhangs it, and by how many frame lengths. */
export function overhang(picture, frame) {
  const ratio = picture.width / picture.height / (frame.width / frame.height);
  if (ratio > 1 + NO_OVERHANG) return { axis: "x", amount: ratio - 1 };
  if (ratio < 1 - NO_OVERHANG) return { axis: "y", amount: 1 / ratio - 1 };
  return { axis: null, amount: 0 };
}

/** Return the visible part of a picture: {x, y, width, height} as shares of the picture. */
export function visiblePart(picture, { fit, focus, frame }) {
  const { axis, amount } = overhang(picture, frame);
  const part = { x: 0, y: 0, width: 1, height: 1 };
  if (fit !== "cover" || axis === null) return part;
  const share = 1 / (1 + amount);
  part[axis === "x" ? "width" : "height"] = share;
  part[axis] = focus[axis] * (1 - share);
  return part;
}

/** Return the focus after the picture was dragged by `moved` px in a frame of `length` px. */
export function focusAfterDrag(focus, { moved, length, amount }) {
  return amount ? clamp(focus - moved / (length * amount)) : focus;
}

/** Return the focus after an arrow key (1/50; with Shift 1/10), or null for other keys. */
export function focusAfterKey(focus, { key, shiftKey }) {
  const step = shiftKey ? 0.1 : 0.02;
  if (key === "Home") return 0;
  if (key === "End") return 1;
  if (key === "ArrowRight" || key === "ArrowDown") return clamp(focus + step);
  if (key === "ArrowLeft" || key === "ArrowUp") return clamp(focus - step);
  return null;
}

export function objectPosition({ x, y }) {
  return `${(x * 100).toFixed(2)}% ${(y * 100).toFixed(2)}%`;
}

function clamp(value) {
  return Math.round(Math.min(1, Math.max(0, value)) * 10_000) / 10_000;
}

// Convert byte spans [from, to) of a file to the `layout` field of POST /convert/. Pure functions.

export const MAX_RANGES = 4096;
const MAX_LAYOUT_BYTES = 120_000; // the server accepts 128 KiB
const GAP = 4096; // bytes; smaller holes are sent, because each range costs text in the layout

/** Return the spans sorted and without overlaps; spans at most `gap` bytes apart are joined. */
export function mergeSpans(spans, { size, gap = GAP }) {
  const sorted = spans
    .map(([from, to]) => [Math.max(0, from), Math.min(size, to)])
    .filter(([from, to]) => from < to)
    .sort(([a], [b]) => a - b);
  const merged = [];
  for (const [from, to] of sorted) {
    const last = merged.at(-1);
    if (last && from <= last[1] + gap) last[1] = Math.max(last[1], to);
    else merged.push([from, to]);
  }
  return merged;
}

/**
 * Return {size, ranges: [[offset, length], ...], bytes}; `bytes` is the sum of the lengths. Return
 * null if even with larger gaps there are more ranges than the server accepts.
 */
export function layoutOf(spans, size) {
  for (let gap = GAP; gap <= 1 << 20; gap *= 4) {
    const ranges = mergeSpans(spans, { size, gap }).map(([from, to]) => [from, to - from]);
    const fits = ranges.length <= MAX_RANGES && JSON.stringify(ranges).length <= MAX_LAYOUT_BYTES;
    if (fits) return { size, ranges, bytes: ranges.reduce((sum, [, length]) => sum + length, 0) };
  }
  return null;
}

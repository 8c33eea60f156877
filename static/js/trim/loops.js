// Rate how smoothly loops repeat, from small frames of a clip. Pure functions.
// A frame is {seconds, pixels}; `pixels` are RGBA levels. All frames of a clip have the same size.
// A step is the mean difference of consecutive frames; a seam is the step from the last to the first.

const WELL = 1.5; // median steps; up to this seam a cut isn't noticed
const STILL = 0.05; // levels; frames with a smaller difference count as equal
const MOTION_S = 0.15; // interval from which the motion at a start or end is measured
const MARKS = 3;
const MARK_APART_S = 0.25;

/** Return the mean difference of two frames' RGB, in levels. */
export function meanDifference({ pixels: one }, { pixels: other }) {
  let sum = 0;
  for (let at = 0; at < one.length; at += 4) {
    for (let part = at; part < at + 3; part += 1) sum += Math.abs(one[part] - other[part]);
  }
  return sum / ((one.length / 4) * 3);
}

/** Return the median step of frames sorted by time, scaled to frames 1 / fps s apart, in levels. */
export function medianStep(frames, fps) {
  const steps = [];
  for (let at = 1; at < frames.length; at += 1) {
    const time = frames[at].seconds - frames[at - 1].seconds;
    const step = meanDifference(frames[at - 1], frames[at]) / (time * fps);
    if (time > 0.001 && time < 0.5 && step > STILL) steps.push(step);
  }
  steps.sort((a, b) => a - b);
  return steps[steps.length >> 1] ?? STILL;
}

/**
 * Rate a seam of `ratio` median steps: "well" (a cut isn't noticed), "blend", or "jump" if the clip
 * can't be blended. How well a blend hides a seam does not depend on `ratio` (benchmarks/README.md).
 */
export function verdictOf(ratio, canBlend = true) {
  if (ratio <= WELL) return "well";
  return canBlend ? "blend" : "jump";
}

/**
 * Return the possible starts of a loop of `length` s, the best first: {start, ratio, score}; `ratio`
 * is the seam in median steps. `heads` are frames near the starts, `tails` frames near the ends, both
 * sorted by time.
 */
export function loopStarts(heads, tails, { length, fps }) {
  const frame = 1 / fps;
  const unit = Math.max(medianStep(heads, fps), medianStep(tails, fps));
  const found = [];
  for (const head of heads) {
    const last = nearest(tails, head.seconds + length - frame);
    if (!last || Math.abs(last.seconds - head.seconds - length + frame) > frame) continue;
    const ratio = meanDifference(last, head) / unit;
    const turn = motionApart(heads, head, tails, last) / unit;
    found.push({ start: head.seconds, ratio, score: ratio + turn / 2 });
  }
  return found.sort((one, other) => one.score - other.score);
}

/** Return the starts to mark on the film strip: the best, and others apart from it that loop well. */
export function pickMarks(found) {
  const marks = [];
  for (const closing of found) {
    const isNew = marks.every(({ start }) => Math.abs(start - closing.start) >= MARK_APART_S);
    if (isNew && (!marks.length || closing.ratio <= WELL)) marks.push(closing);
    if (marks.length === MARKS) break;
  }
  return marks;
}

// Return the difference between the motion at the end and at the start, in levels.
function motionApart(heads, head, tails, tail) {
  const next = nearest(heads, head.seconds + MOTION_S);
  const before = nearest(tails, tail.seconds - MOTION_S);
  if (!next || !before || next === head || before === tail) return 0;
  let sum = 0;
  for (let at = 0; at < head.pixels.length; at += 4) {
    for (let part = at; part < at + 3; part += 1) {
      const after = next.pixels[part] - head.pixels[part];
      sum += Math.abs(after - (tail.pixels[part] - before.pixels[part]));
    }
  }
  return sum / ((head.pixels.length / 4) * 3) / 2;
}

function nearest(frames, seconds) {
  let best = null;
  for (const frame of frames) {
    if (!best || Math.abs(frame.seconds - seconds) < Math.abs(best.seconds - seconds)) best = frame;
  }
  return best;
}

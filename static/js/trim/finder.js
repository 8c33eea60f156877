// Look for starts at which the loop closes: small frames of a clip, decoded in the browser.

import { waitForEvent } from "../intake/clip.js";
import { closings, marksOf, verdictOf } from "./loops.js";
import { blendAt, lastStart } from "./trimwindow.js";

const SMALL = { width: 48, height: 27 };
const AROUND_S = 2; // of the start, in which a better one is looked for
const MOMENT_S = 0.4; // of a clip that tells how fast it moves
const WORK_MS = 3000;
const RATE = 2; // speed at which the frames are played

/** Resolve to {ratio, verdict} of the loop that starts at `start` s, or to null. */
export async function judgeSeam(clip, start, limits, signal) {
  const { length } = limits;
  const end = Math.min(start + length, clip.duration);
  const [heads, tails] = await framesOf(clip, signal, [
    [start, start + MOMENT_S],
    [end - MOMENT_S, end],
  ]);
  if (!heads.length || !tails.length) return null;
  const tail = tails.at(-1);
  const moved = heads[0].seconds + length - 1 / limits.fps - tail.seconds;
  const shifted = tails.map((frame) => ({ ...frame, seconds: frame.seconds + moved }));
  const first = closings(heads, shifted, limits).find((found) => found.start === heads[0].seconds);
  return first ? judged(first, clip, start, limits) : null;
}

/** Resolve to the marks near `start`, the best first: [{start, ratio, verdict}]. */
export async function findLoops(clip, start, limits, signal) {
  const { length } = limits;
  const last = lastStart({ duration: clip.duration, length });
  const from = Math.max(0, start - AROUND_S);
  const to = Math.min(last, start + AROUND_S);
  const [heads, tails] = await framesOf(clip, signal, [
    [from, to + MOMENT_S],
    [Math.max(0, from + length - MOMENT_S), to + length],
  ]);
  const inReach = closings(heads, tails, limits).filter((found) => found.start <= to);
  return marksOf(inReach).map((found) => judged(found, clip, found.start, limits));
}

function judged({ ratio }, clip, start, { length }) {
  const canBlend = blendAt({ start, duration: clip.duration, length }) !== null;
  return { start, ratio, verdict: verdictOf(ratio, canBlend) };
}

/** Resolve to the small frames of each stretch [from, to] s, as far as WORK_MS allow. */
function framesOf({ url }, signal, stretches) {
  const until = performance.now() + WORK_MS;
  return Promise.all(stretches.map((stretch) => playThrough(url, stretch, until, signal)));
}

async function playThrough(url, [from, to], until, signal) {
  const video = document.createElement("video");
  Object.assign(video, { muted: true, preload: "auto", playsInline: true, src: url });
  const frames = [];
  try {
    await waitForEvent(video, "loadeddata");
    if (!video.requestVideoFrameCallback) return frames;
    const sought = waitForEvent(video, "seeked");
    video.currentTime = from;
    await sought;
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, Math.max(0, until - performance.now()));
      const end = () => clearTimeout(timer) || resolve();
      const take = (now, { mediaTime }) => {
        frames.push({ seconds: mediaTime, pixels: small(video) });
        if (signal.aborted || mediaTime >= to) end();
        else video.requestVideoFrameCallback(take);
      };
      video.requestVideoFrameCallback(take);
      video.addEventListener("ended", end);
      video.addEventListener("error", end);
      signal.addEventListener("abort", end);
      video.playbackRate = RATE;
      video.play().catch(end);
    });
  } catch {
    // the frames that are there have to do
  } finally {
    video.removeAttribute("src");
    video.load();
  }
  return frames.sort((one, other) => one.seconds - other.seconds);
}

function small(video) {
  const canvas = Object.assign(document.createElement("canvas"), SMALL);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "medium";
  context.drawImage(video, 0, 0, SMALL.width, SMALL.height);
  return context.getImageData(0, 0, SMALL.width, SMALL.height).data;
}

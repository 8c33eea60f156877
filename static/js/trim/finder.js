// Find starts with a smooth loop by comparing small frames of a clip, decoded in the browser.

import { waitForEvent } from "../intake/clip.js";
import { loopStarts, pickMarks, verdictOf } from "./loops.js";
import { blendAt, lastStart } from "./trimwindow.js";

const SMALL = { width: 48, height: 27 }; // px
const AROUND_S = 2; // search for better starts up to this long before and after the selected one
const SAMPLE_S = 0.4; // length of the intervals from which the usual difference of frames is measured
const TIMEOUT_MS = 3000; // for loading and decoding; frames not decoded by then are left out
const SEARCH_RATE = 2; // playback rates; a busy computer skips frames at a high one
const SEAM_RATE = 0.5;

/** Resolve to {start, ratio, verdict} of the loop that starts at `start` s, or to null. See loops.js. */
export async function measureSeam(clip, start, limits, signal) {
  const { length } = limits;
  const end = Math.min(start + length, clip.duration);
  const intervals = [
    [start, start + SAMPLE_S],
    [end - SAMPLE_S, end],
  ];
  const [heads, tails] = await framesOf(clip, intervals, { rate: SEAM_RATE, signal });
  if (!heads.length || !tails.length) return null;
  const tail = tails.at(-1);
  const moved = heads[0].seconds + length - 1 / limits.fps - tail.seconds;
  const shifted = tails.map((frame) => ({ ...frame, seconds: frame.seconds + moved }));
  const first = loopStarts(heads, shifted, limits).find((found) => found.start === heads[0].seconds);
  return first ? rate(first, clip, start, limits) : null;
}

/** Resolve to the starts to mark near `start` s, the best first: [{start, ratio, verdict}]. */
export async function findLoops(clip, start, limits, signal) {
  const { length } = limits;
  const last = lastStart({ duration: clip.duration, length });
  const from = Math.max(0, start - AROUND_S);
  const to = Math.min(last, start + AROUND_S);
  const intervals = [
    [from, to + SAMPLE_S],
    [Math.max(0, from + length - SAMPLE_S), to + length],
  ];
  const [heads, tails] = await framesOf(clip, intervals, { rate: SEARCH_RATE, signal });
  const inReach = loopStarts(heads, tails, limits).filter((found) => found.start <= to);
  return pickMarks(inReach).map((found) => rate(found, clip, found.start, limits));
}

function rate({ ratio }, clip, start, { length }) {
  const canBlend = blendAt({ start, duration: clip.duration, length }) !== null;
  return { start, ratio, verdict: verdictOf(ratio, canBlend) };
}

/** Resolve to the small frames of each interval [from, to] s that are decoded within TIMEOUT_MS. */
function framesOf({ url }, intervals, { rate, signal }) {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]);
  return Promise.all(intervals.map((interval) => playThrough(url, interval, { rate, limit })));
}

async function playThrough(url, [from, to], { rate, limit }) {
  const video = document.createElement("video");
  Object.assign(video, { muted: true, preload: "auto", playsInline: true, src: url });
  const frames = [];
  try {
    await waitForEvent(video, "loadeddata", limit);
    if (!video.requestVideoFrameCallback) return frames;
    const sought = waitForEvent(video, "seeked", limit);
    video.currentTime = from;
    await sought;
    await new Promise((resolve) => {
      const addFrame = (now, { mediaTime }) => {
        frames.push({ seconds: mediaTime, pixels: small(video) });
        if (limit.aborted || mediaTime >= to) resolve();
        else video.requestVideoFrameCallback(addFrame);
      };
      video.requestVideoFrameCallback(addFrame);
      video.addEventListener("ended", resolve);
      video.addEventListener("error", resolve);
      limit.addEventListener("abort", resolve);
      video.playbackRate = rate;
      video.play().catch(resolve);
    });
  } catch {
    // use the frames decoded so far
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

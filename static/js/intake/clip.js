// Read what the browser knows about a file before it is uploaded.

import { extensionOf } from "./limits.js";

const containers = () => import("./containers.js"); // few clips need it

const EVENT_TIMEOUT_MS = 15_000;
const FAR_FUTURE_S = 1e7; // browsers know the length of a recorded WebM only after a seek beyond its end
const SAMPLE = { width: 32, height: 32 };

/**
 * Resolve to {kind, url, width, height, duration, sample}; unknown values are null.
 * `kind` is video, gif or unplayable; `sample` is the first frame, scaled down; a GIF also has the
 * `delays` of its frames in s.
 */
export async function readClip(file) {
  const url = URL.createObjectURL(file);
  if (extensionOf(file.name) === ".gif") return readGif(file, url);
  const video = document.createElement("video");
  Object.assign(video, { muted: true, preload: "auto", playsInline: true, src: url });
  try {
    await waitForEvent(video, "loadeddata");
    const { videoWidth: width, videoHeight: height } = video;
    if (!width) return unplayable(url, finite(video.duration));
    const first = sample(video);
    const duration = await findDuration(video);
    return { kind: "video", url, width, height, duration, sample: first };
  } catch {
    const duration = containers().then(({ movieDuration }) => movieDuration(file));
    return unplayable(url, await duration.catch(() => null));
  } finally {
    video.removeAttribute("src");
    video.load();
  }
}

function unplayable(url, duration) {
  return { kind: "unplayable", url, width: null, height: null, duration, sample: null };
}

async function readGif(file, url) {
  const image = new Image();
  image.src = url;
  const [decoded, delays] = await Promise.all([
    image.decode().then(() => true, () => false),
    containers().then(({ gifDelays }) => gifDelays(file)).catch(() => []),
  ]);
  const duration = delays.reduce((sum, delay) => sum + delay, 0) || null;
  if (!decoded) return unplayable(url, duration);
  const { naturalWidth: width, naturalHeight: height } = image;
  return { kind: "gif", url, width, height, duration, delays, sample: sample(image) };
}

async function findDuration(video) {
  if (Number.isFinite(video.duration)) return video.duration;
  const sought = waitForEvent(video, "seeked");
  video.currentTime = FAR_FUTURE_S;
  await sought;
  return finite(video.duration) ?? finite(video.currentTime);
}

function finite(seconds) {
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}

/** Return the current frame of a video or an image, scaled down, as ImageData. */
export function sample(picture) {
  const canvas = Object.assign(document.createElement("canvas"), SAMPLE);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(picture, 0, 0, SAMPLE.width, SAMPLE.height);
  return context.getImageData(0, 0, SAMPLE.width, SAMPLE.height);
}

/**
 * Resolve at `event` of a media element; reject at "error", after EVENT_TIMEOUT_MS, or when `signal`
 * aborts.
 */
export function waitForEvent(media, event, signal) {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const done = new AbortController();
    const settle = (act) => (value) => {
      done.abort();
      clearTimeout(timer);
      act(value);
    };
    const timer = setTimeout(settle(reject), EVENT_TIMEOUT_MS, new Error(`no ${event}`));
    media.addEventListener(event, settle(resolve), { signal: done.signal });
    media.addEventListener("error", settle(reject), { signal: done.signal });
    signal?.addEventListener("abort", settle(reject), { signal: done.signal });
  });
}

// Decode a dozen frames spread over a clip, one after the other.

import { waitForEvent } from "../intake/clip.js";

export const FRAMES = 12;
const SAME_FRAME_MS = 100;

/** Yield {index, seconds, picture, width, height}; `picture` is valid until the next is requested. */
export function spreadFrames(clip, file) {
  if (clip.kind === "video") return videoFrames(clip);
  return globalThis.ImageDecoder ? gifFrames(clip, file) : stillFrame(clip);
}

function moment(index, duration) {
  return ((index + 0.5) / FRAMES) * duration;
}

async function* videoFrames({ url, duration }) {
  const video = document.createElement("video");
  Object.assign(video, { muted: true, preload: "auto", playsInline: true, src: url });
  try {
    await waitForEvent(video, "loadeddata");
    const { videoWidth: width, videoHeight: height } = video;
    for (let index = 0; index < FRAMES; index += 1) {
      const seconds = moment(index, duration);
      // On a busy machine a seek may fail: try again once, then skip this frame.
      const find = () => seek(video, seconds).then(() => true);
      const isFound = await find().catch(find).catch(() => false);
      if (video.error) return; // all further seeks would time out
      if (isFound) yield { index, seconds: video.currentTime, picture: video, width, height };
    }
  } finally {
    video.removeAttribute("src");
    video.load();
  }
}

// "seeked" may fire before the new frame can be drawn. requestVideoFrameCallback reports that, unless
// the frame is the same as before.
async function seek(video, seconds) {
  const shown = new Promise((resolve) => video.requestVideoFrameCallback?.(resolve));
  const sought = waitForEvent(video, "seeked");
  video.currentTime = seconds;
  await sought;
  await Promise.race([shown, new Promise((resolve) => setTimeout(resolve, SAME_FRAME_MS))]);
}

async function* gifFrames({ delays, duration, width, height }, file) {
  const decoder = new ImageDecoder({ data: await file.arrayBuffer(), type: "image/gif" });
  try {
    for (let index = 0; index < FRAMES; index += 1) {
      const seconds = moment(index, duration);
      const { image } = await decoder.decode({ frameIndex: frameAt(seconds, delays) });
      yield { index, seconds, picture: image, width, height };
      image.close();
    }
  } finally {
    decoder.close();
  }
}

/** Return the index of the frame shown at `seconds` in an animation with these `delays` (s). */
export function frameAt(seconds, delays) {
  let end = 0;
  const index = delays.findIndex((delay) => (end += delay) > seconds);
  return index < 0 ? delays.length - 1 : index;
}

// Without ImageDecoder (Safari, or a page loaded over http) use the first frame.
async function* stillFrame({ url, width, height }) {
  const image = new Image();
  image.src = url;
  await image.decode();
  yield { index: 0, seconds: 0, picture: image, width, height };
}

// A dozen frames spread over a clip, one by one as the browser finds them.

import { heard } from "../intake/clip.js";

export const FRAMES = 12;
const SAME_FRAME_MS = 100;

/** Yields {index, seconds, picture, width, height}; `picture` is good until the next is asked. */
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
    await heard(video, "loadeddata");
    const { videoWidth: width, videoHeight: height } = video;
    for (let index = 0; index < FRAMES; index += 1) {
      const seconds = moment(index, duration);
      // A busy machine loses one; a second one costs its frame, not those that follow.
      const find = () => seek(video, seconds).then(() => true);
      const isFound = await find().catch(find).catch(() => false);
      if (video.error) return; // it will never find another, and we would wait for each
      if (isFound) yield { index, seconds: video.currentTime, picture: video, width, height };
    }
  } finally {
    video.removeAttribute("src");
    video.load();
  }
}

// "seeked" can come before the new frame may be drawn. Of that a browser tells, unless it is the
// frame that was there before.
async function seek(video, seconds) {
  const shown = new Promise((resolve) => video.requestVideoFrameCallback?.(resolve));
  const sought = heard(video, "seeked");
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

/** Which frame of an animation with these `delays` (s) is seen at `seconds`. */
export function frameAt(seconds, delays) {
  let end = 0;
  const index = delays.findIndex((delay) => (end += delay) > seconds);
  return index < 0 ? delays.length - 1 : index;
}

// Without ImageDecoder (Safari, or a page that came by plain http) its first frame has to do.
async function* stillFrame({ url, width, height }) {
  const image = new Image();
  image.src = url;
  await image.decode();
  yield { index: 0, seconds: 0, picture: image, width, height };
}

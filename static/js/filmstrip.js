// A dozen frames of the clip along the trim strip, drawn one by one as the browser finds them.

import { heard } from "./clip.js";

const FRAMES = 12;
const ASPECT = 16 / 9;

/** Draws `clip` on `canvas`; stops when `signal` aborts. A frame that fails stays blank. */
export async function drawFilmstrip(canvas, clip, signal) {
  const { width, height } = canvas.getBoundingClientRect();
  const scale = Math.min(2, devicePixelRatio);
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  const video = document.createElement("video");
  Object.assign(video, { muted: true, preload: "auto", playsInline: true, src: clip.url });
  try {
    await heard(video, "loadeddata");
    const cell = canvas.width / FRAMES;
    for (let index = 0; index < FRAMES && !signal.aborted; index += 1) {
      const sought = heard(video, "seeked");
      video.currentTime = ((index + 0.5) / FRAMES) * clip.duration;
      await sought;
      if (!signal.aborted) drawCell(context, video, { left: index * cell, width: cell });
    }
  } catch {
    // a blank strip still trims
  } finally {
    video.removeAttribute("src");
    video.load();
  }
}

function drawCell(context, video, { left, width }) {
  const height = context.canvas.height;
  const pictureHeight = Math.max(height, width / ASPECT);
  const scale = Math.max(width / video.videoWidth, pictureHeight / video.videoHeight);
  const [w, h] = [video.videoWidth * scale, video.videoHeight * scale];
  context.save();
  context.beginPath();
  context.rect(left, 0, Math.ceil(width), height);
  context.clip();
  context.drawImage(video, left + (width - w) / 2, (height - h) / 2, w, h);
  context.restore();
}

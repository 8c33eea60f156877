// The clip's frames along the trim strip.

import { FRAMES, spreadFrames } from "./frames.js";

/** Draws `clip` on `canvas` until `signal` aborts; `seen(seconds, picture)` tells each frame. */
export async function drawFilmstrip(canvas, { clip, file, signal, seen }) {
  const { width, height } = canvas.getBoundingClientRect();
  const scale = Math.min(2, devicePixelRatio);
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = canvas.getContext("2d");
  try {
    for await (const frame of spreadFrames(clip, file)) {
      if (signal.aborted) return;
      seen(frame.seconds, frame.picture);
      // What comes later is not known yet: this frame is the best guess.
      for (let cell = frame.index; cell < FRAMES; cell += 1) drawCell(context, frame, cell);
    }
  } catch {
    // a blank strip still trims
  }
}

function drawCell(context, { picture, width, height }, cell) {
  const box = { width: context.canvas.width / FRAMES, height: context.canvas.height };
  const left = cell * box.width;
  const scale = Math.max(box.width / width, box.height / height);
  const [w, h] = [width * scale, height * scale];
  context.save();
  context.beginPath();
  context.rect(left, 0, Math.ceil(box.width), box.height);
  context.clip();
  context.drawImage(picture, left + (box.width - w) / 2, (box.height - h) / 2, w, h);
  context.restore();
}

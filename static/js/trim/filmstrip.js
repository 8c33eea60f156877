// Draw the clip's frames on the film strip.

import { FRAMES, spreadFrames } from "./frames.js";

const KEPT = { width: 240, height: 128 }; // px of a stored frame: the size of a cell on a HiDPI screen

export class Filmstrip {
  #canvas;
  #onFrame;
  #frames = []; // one small canvas per cell
  #drawing = new AbortController();

  /** Calls `onFrame(seconds, picture)` with each decoded frame; `picture` is a small canvas. */
  constructor(canvas, { onFrame }) {
    this.#canvas = canvas;
    this.#onFrame = onFrame;
  }

  /** Draw `clip`. A clip that can't be decoded leaves the strip blank, but it can be used. */
  async open(clip, file) {
    this.#drawing.abort();
    this.#drawing = new AbortController();
    const { signal } = this.#drawing;
    this.#frames = [];
    this.paint();
    if (clip.kind === "unplayable" || clip.duration === null) return;
    try {
      for await (const frame of spreadFrames(clip, file)) {
        if (signal.aborted) return;
        const kept = keep(frame);
        this.#onFrame(frame.seconds, kept);
        this.#frames[frame.index] = kept;
        this.paint();
      }
    } catch {
      // keep the frames decoded so far
    }
  }

  /**
   * Draw the decoded frames at the strip's current width; a missing frame repeats the one before it.
   */
  paint() {
    const { clientWidth, clientHeight } = this.#canvas;
    const scale = Math.min(2, devicePixelRatio);
    this.#canvas.width = Math.round(clientWidth * scale);
    this.#canvas.height = Math.round(clientHeight * scale);
    const context = this.#canvas.getContext("2d");
    let frame = this.#frames.find(Boolean);
    for (let cell = 0; cell < FRAMES; cell += 1) {
      frame = this.#frames[cell] ?? frame;
      if (frame) drawCell(context, frame, cell);
    }
  }
}

function keep({ picture, width, height }) {
  const scale = Math.min(1, Math.max(KEPT.width / width, KEPT.height / height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.ceil(width * scale);
  canvas.height = Math.ceil(height * scale);
  canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

function drawCell(context, frame, cell) {
  const box = { width: context.canvas.width / FRAMES, height: context.canvas.height };
  const left = cell * box.width;
  const scale = Math.max(box.width / frame.width, box.height / frame.height);
  const [w, h] = [frame.width * scale, frame.height * scale];
  context.save();
  context.beginPath();
  context.rect(left, 0, Math.ceil(box.width), box.height);
  context.clip();
  context.drawImage(frame, left + (box.width - w) / 2, (box.height - h) / 2, w, h);
  context.restore();
}

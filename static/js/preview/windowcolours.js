// The colours of the mock-up's window: the made theme's own, or an estimate from the frames of the
// clip that were decoded so far. Chrome colours its window from an uploaded picture by itself.

import { sample } from "../intake/clip.js";
import { css } from "./colours.js";
import { visiblePart } from "./crop.js";
import { cutOut, themeColours } from "./themecolours.js";
import { windowLength } from "../trim/trimwindow.js";

const PROPERTIES = {
  frame: "--mock-frame",
  toolbar: "--mock-toolbar",
  frameText: "--mock-frame-text",
  toolbarText: "--mock-toolbar-text",
  page: "--mock-ground",
  pageText: "--mock-page-text",
};

export class WindowColours {
  #root;
  #limits;
  #first = null; // the frame at the selected start
  #film = new Map(); // from time in s to frame, over the whole clip
  #state = {};
  #input = []; // the input of the last estimate: the visible part, then the frames
  #estimated = null;

  constructor(root, { limits }) {
    this.#root = root;
    this.#limits = limits;
  }

  /** Set another clip, or none, and discard the frames of the last one. */
  open(clip) {
    this.#first = clip?.sample ?? null;
    this.#film.clear();
  }

  /** Add a frame of the clip. */
  addFrame(seconds, picture) {
    this.#film.set(seconds, sample(picture));
    this.render(this.#state);
  }

  /** Set the frame at the selected start. */
  setFirstFrame(picture) {
    this.#first = sample(picture);
    this.render(this.#state);
  }

  render(state) {
    this.#state = state;
    const made = state.shown === "theme" ? state.result?.theme?.colours : null;
    const colours = made ?? this.#estimate(state);
    for (const [name, property] of Object.entries(PROPERTIES)) {
      this.#root.style.setProperty(property, colours ? css(colours[name]) : "");
    }
  }

  #estimate({ clip, start, fit, focus }) {
    if (!clip?.width) return null;
    const end = start + windowLength({ duration: clip.duration, length: this.#limits.length });
    const film = [...this.#film].filter(([seconds]) => seconds >= start && seconds < end);
    const images = [this.#first, ...film.map(([, image]) => image)];
    const part = visiblePart(clip, { fit, focus, frame: this.#limits.frame });
    const input = [...Object.values(part), ...images];
    // This processes thousands of pixels, so not at each move of a drag.
    if (input.length !== this.#input.length || input.some((one, at) => one !== this.#input[at])) {
      this.#input = input;
      this.#estimated = themeColours(images.map((image) => cutOut(image, part)));
    }
    return this.#estimated;
  }
}

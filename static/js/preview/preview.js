// Play the selected six seconds in the mock-up in a loop, or only the seconds around the cut.

import { Player } from "./player.js";
import { blendAt, windowLength } from "../trim/trimwindow.js";

const SEAM_S = 1; // played before and after the cut in the seam check
const CUT_SHOWN_S = 0.35;
const TOLERANCE_S = 0.001;

export class Preview {
  #part;
  #videos;
  #length;
  #player;
  #seam = false;
  #isBlended = false;
  #blend = null; // of the seam check, as blendAt returns it
  #selection = { start: 0, end: 0 };

  /** Calls `onTime(seconds)` while playing, and `onStill(video)` when the selected start is shown. */
  constructor(part, { length, onTime, onPlaying, onStill }) {
    this.#part = part;
    this.#length = length;
    this.#videos = [part("one"), part("two")];
    this.#player = new Player(this.#videos, {
      onPlaying,
      onTime: (seconds, index) => {
        const isCut = index === 1 && seconds < this.#selection.start + CUT_SHOWN_S;
        part("cut").hidden = !this.#seam || this.#blend !== null || !isCut;
        onTime(seconds);
      },
    });
    for (const video of this.#videos) {
      video.addEventListener("seeked", () => {
        const isStart = Math.abs(video.currentTime - this.#selection.start) < TOLERANCE_S;
        if (isStart && video.hasAttribute("data-active")) onStill(video);
      });
    }
    part("seam").addEventListener("click", () => this.#setSeam(!this.#seam));
  }

  get isPlaying() {
    return this.#player.isPlaying;
  }

  get now() {
    return this.#player.now;
  }

  get pictures() {
    return this.#videos;
  }

  load(url) {
    this.#player.load(url);
  }

  suspend(on) {
    this.#player.suspend(on);
  }

  play(on) {
    this.#player.setPlaying(on);
  }

  show(on) {
    for (const video of this.#videos) video.hidden = !on;
    this.#part("seam").hidden = !on;
    if (!on) this.#part("dissolve").hidden = true;
  }

  /** Set the selection and play all of it, from its start. */
  setSelection({ start, duration }) {
    const end = start + windowLength({ duration, length: this.#length });
    this.#selection = { start, end, duration };
    this.#seam = false;
    this.#applyIntervals();
  }

  /** Set whether the seam check shows a blended loop. */
  setBlended(on) {
    if (on === this.#isBlended) return;
    this.#isBlended = on;
    if (this.#seam) this.#applyIntervals();
  }

  #setSeam(on) {
    this.#seam = on;
    this.#applyIntervals();
    if (on) this.#player.setPlaying(true);
  }

  #applyIntervals() {
    const { start, end, duration } = this.#selection;
    const edge = Math.min(SEAM_S, (end - start) / 2);
    this.#part("seam").setAttribute("aria-pressed", this.#seam);
    this.#part("cut").hidden = true;
    const span = { start, duration, length: this.#length };
    this.#blend = this.#seam && this.#isBlended ? blendAt(span) : null;
    this.#part("dissolve").hidden = !this.#blend;
    if (!this.#seam) return this.#player.setIntervals([[start, end]]);
    const { leave, enter, fade } = this.#blend ?? { leave: end, enter: start, fade: 0 };
    const intervals = [[leave - edge, leave], [enter, enter + fade + edge]];
    this.#player.setIntervals(intervals, { fade });
  }
}

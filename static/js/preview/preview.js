// Play the selected six seconds in the mock-up in a loop, or only the seconds around the cut.

import { Player } from "./player.js";
import { blendAt, windowLength } from "../trim/trimwindow.js";

const SEAM_S = 1;
const CUT_SHOWN_S = 0.35;
const CLOSE_S = 0.001;

export class Preview {
  #part;
  #turns;
  #length;
  #player;
  #seam = false;
  #isBlended = false;
  #stretch = { start: 0, end: 0 };

  /** Calls `onTime(seconds)` while playing and `onStill(video)` when it shows the selected start. */
  constructor(part, { length, onTime, onPlaying, onStill }) {
    this.#part = part;
    this.#length = length;
    this.#turns = [part("one"), part("two")];
    this.#player = new Player(this.#turns, {
      onPlaying,
      onTime: (seconds, index) => {
        const isCut = this.#seam && index === 1 && seconds < this.#stretch.start + CUT_SHOWN_S;
        part("cut").hidden = !isCut;
        onTime(seconds);
      },
    });
    for (const video of this.#turns) {
      video.addEventListener("seeked", () => {
        const isStart = Math.abs(video.currentTime - this.#stretch.start) < CLOSE_S;
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
    return this.#turns;
  }

  load(url) {
    this.#player.load(url);
  }

  hold(on) {
    this.#player.hold(on);
  }

  play(on) {
    this.#player.setPlaying(on);
  }

  show(on) {
    for (const video of this.#turns) video.hidden = !on;
    this.#part("seam").hidden = !on;
  }

  /** Play all selected seconds again, from their start. */
  cut({ start, duration }) {
    const end = start + windowLength({ duration, length: this.#length });
    this.#stretch = { start, end, duration };
    this.#seam = false;
    this.#applyStretches();
  }

  /** Show in the seam check whether the result is blended. */
  blend(on) {
    if (on === this.#isBlended) return;
    this.#isBlended = on;
    if (this.#seam) this.#applyStretches();
  }

  #setSeam(on) {
    this.#seam = on;
    this.#applyStretches();
    if (on) this.#player.setPlaying(true);
  }

  #applyStretches() {
    const { start, end, duration } = this.#stretch;
    const edge = Math.min(SEAM_S, (end - start) / 2);
    this.#part("seam").setAttribute("aria-pressed", this.#seam);
    this.#part("cut").hidden = true;
    if (!this.#seam) return this.#player.setStretches([[start, end]]);
    const blend = this.#isBlended ? blendAt({ start, duration, length: this.#length }) : null;
    const { leave, enter, fade } = blend ?? { leave: end, enter: start, fade: 0 };
    const stretches = [[leave - edge, leave], [enter, enter + fade + edge]];
    this.#player.setStretches(stretches, { fade });
  }
}

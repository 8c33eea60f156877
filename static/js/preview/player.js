// Play intervals of a clip in a loop without a stall at the cut: two video elements take turns, and
// the paused one already shows the first frame of the next interval.

export class Player {
  #active;
  #resting;
  #stretches = []; // [[from, to], ...] in s
  #index = 0;
  #wanted = false; // whether the user wants it to play
  #held = false; // paused while the selection is dragged
  #frame = 0;
  #goals = new Map(); // targets of seeks that wait for a running seek
  #fade = 0; // s for which the first stretch plays on below the second
  #isFading = false;
  #onTime;
  #onPlaying;

  /** Owns the two elements. Calls `onTime(seconds, index)` with every drawn frame. */
  constructor(pair, { onTime, onPlaying }) {
    [this.#active, this.#resting] = pair;
    this.#onTime = onTime;
    this.#onPlaying = onPlaying;
    for (const video of pair) {
      video.addEventListener("seeked", () => {
        if (this.#goals.has(video)) this.#seek(video, this.#goals.get(video));
      });
    }
  }

  get isPlaying() {
    return this.#wanted;
  }

  /** Return the clip's time that is shown, in s. */
  get now() {
    return this.#active.currentTime;
  }

  load(url) {
    this.#stretches = [];
    this.#goals.clear();
    for (const video of this.#pair()) {
      if (url) video.src = url;
      else video.removeAttribute("src");
      video.load();
    }
    this.#show();
  }

  /** Go to the start of the first interval; keep playing if it was playing. */
  setStretches(list, { fade = 0 } = {}) {
    this.#stretches = list;
    this.#fade = fade;
    this.#showFading(false);
    this.#index = 0;
    this.#stop();
    this.#seek(this.#active, list[0][0]);
    this.#seek(this.#resting, list[this.#next()][0]);
    if (this.#wanted && !this.#held) this.#start();
    this.#onTime(list[0][0], 0);
  }

  hold(on) {
    this.#held = on;
    if (on) this.#stop();
    else if (this.#wanted) this.#start();
  }

  setPlaying(playing) {
    this.#wanted = playing && this.#stretches.length > 0;
    if (this.#wanted && !this.#held) this.#start();
    else this.#stop();
    if (this.#wanted && !this.#frame) this.#frame = requestAnimationFrame(this.#tick);
    this.#onPlaying(this.#wanted);
  }

  #pair() {
    return [this.#active, this.#resting];
  }

  #next() {
    return (this.#index + 1) % this.#stretches.length;
  }

  #seek(video, seconds) {
    this.#goals.delete(video);
    if (video.seeking) this.#goals.set(video, seconds);
    else if (video.ended || Math.abs(video.currentTime - seconds) > 0.001) video.currentTime = seconds;
  }

  #show() {
    for (const video of this.#pair()) video.toggleAttribute("data-active", video === this.#active);
  }

  #tick = () => {
    this.#frame = this.#wanted ? requestAnimationFrame(this.#tick) : 0;
    if (!this.#stretches.length || this.#held) return;
    const { ended, currentTime, seeking } = this.#active;
    const over = ended || currentTime >= this.#stretches[this.#index][1];
    const isReady = this.#resting.readyState >= 2 && !this.#resting.seeking;
    if (this.#isFading) this.#goOnFading();
    else if (over && !seeking && isReady) this.#turn();
    this.#onTime(this.#active.currentTime, this.#index);
  };

  #turn() {
    this.#index = this.#next();
    [this.#active, this.#resting] = [this.#resting, this.#active];
    this.#show();
    if (this.#fade && this.#index) this.#showFading(true);
    this.#start();
    if (!this.#isFading) this.#rest();
  }

  #rest() {
    this.#resting.pause();
    this.#seek(this.#resting, this.#stretches[this.#next()][0]);
  }

  #goOnFading() {
    const share = (this.#active.currentTime - this.#stretches[this.#index][0]) / this.#fade;
    this.#showShare(Math.min(1, Math.max(0, share)));
    if (share < 1) return;
    this.#showFading(false);
    this.#rest();
  }

  #showFading(on) {
    this.#isFading = on;
    for (const video of this.#pair()) {
      video.toggleAttribute("data-fading", on && video === this.#resting);
      video.style.opacity = "";
    }
    if (on) this.#showShare(0);
  }

  /** Show the active video by a share from 0 to 1: the later one in the document lies on top. */
  #showShare(share) {
    const { DOCUMENT_POSITION_FOLLOWING: follows } = Node;
    const isBelow = this.#active.compareDocumentPosition(this.#resting) & follows;
    if (isBelow) this.#resting.style.opacity = 1 - share;
    else this.#active.style.opacity = share;
  }

  #start() {
    if (this.#isFading) this.#resting.play().catch(() => {});
    this.#active.play().catch(() => {}); // refused or interrupted: the next click tries again
  }

  #stop() {
    this.#pair().forEach((video) => video.pause());
  }
}

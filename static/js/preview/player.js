// Play intervals of a clip in a loop without a pause between them: two video elements alternate, and
// the paused one has already decoded the first frame of the next interval.

export class Player {
  #active;
  #standby;
  #intervals = []; // [[from, to], ...] in s
  #index = 0;
  #isPlaying = false; // also true while suspended
  #isSuspended = false; // paused while the selection is dragged
  #frame = 0;
  #seekTargets = new Map(); // targets of seeks that wait for a running seek
  #fade = 0; // s for which the first interval continues to play below the second
  #isFading = false;
  #onTime;
  #onPlaying;

  /** Take over the two elements. Calls `onTime(seconds, index)` with every drawn frame. */
  constructor(pair, { onTime, onPlaying }) {
    [this.#active, this.#standby] = pair;
    this.#onTime = onTime;
    this.#onPlaying = onPlaying;
    for (const video of pair) {
      video.addEventListener("seeked", () => {
        if (this.#seekTargets.has(video)) this.#seek(video, this.#seekTargets.get(video));
      });
    }
  }

  get isPlaying() {
    return this.#isPlaying;
  }

  /** Return the clip's time that is shown, in s. */
  get now() {
    return this.#active.currentTime;
  }

  load(url) {
    this.#intervals = [];
    this.#seekTargets.clear();
    for (const video of this.#pair()) {
      if (url) video.src = url;
      else video.removeAttribute("src");
      video.load();
    }
    this.#show();
  }

  /** Go to the start of the first interval; keep playing if it was playing. */
  setIntervals(list, { fade = 0 } = {}) {
    this.#intervals = list;
    this.#fade = fade;
    this.#showFading(false);
    this.#index = 0;
    this.#stop();
    this.#seek(this.#active, list[0][0]);
    this.#seek(this.#standby, list[this.#next()][0]);
    if (this.#isPlaying && !this.#isSuspended) this.#start();
    this.#onTime(list[0][0], 0);
  }

  /** Pause without a change of `isPlaying`, or continue. */
  suspend(on) {
    this.#isSuspended = on;
    if (on) this.#stop();
    else if (this.#isPlaying) this.#start();
  }

  setPlaying(playing) {
    this.#isPlaying = playing && this.#intervals.length > 0;
    if (this.#isPlaying && !this.#isSuspended) this.#start();
    else this.#stop();
    if (this.#isPlaying && !this.#frame) this.#frame = requestAnimationFrame(this.#tick);
    this.#onPlaying(this.#isPlaying);
  }

  #pair() {
    return [this.#active, this.#standby];
  }

  #next() {
    return (this.#index + 1) % this.#intervals.length;
  }

  #seek(video, seconds) {
    this.#seekTargets.delete(video);
    if (video.seeking) this.#seekTargets.set(video, seconds);
    else if (video.ended || Math.abs(video.currentTime - seconds) > 0.001) video.currentTime = seconds;
  }

  #show() {
    for (const video of this.#pair()) video.toggleAttribute("data-active", video === this.#active);
  }

  #tick = () => {
    this.#frame = this.#isPlaying ? requestAnimationFrame(this.#tick) : 0;
    if (!this.#intervals.length || this.#isSuspended) return;
    const { ended, currentTime, seeking } = this.#active;
    const over = ended || currentTime >= this.#intervals[this.#index][1];
    const isReady = this.#standby.readyState >= 2 && !this.#standby.seeking;
    if (this.#isFading) this.#continueFading();
    else if (over && !seeking && isReady) this.#swap();
    this.#onTime(this.#active.currentTime, this.#index);
  };

  #swap() {
    this.#index = this.#next();
    [this.#active, this.#standby] = [this.#standby, this.#active];
    this.#show();
    if (this.#fade && this.#index) this.#showFading(true);
    this.#start();
    if (!this.#isFading) this.#prepareStandby();
  }

  #prepareStandby() {
    this.#standby.pause();
    this.#seek(this.#standby, this.#intervals[this.#next()][0]);
  }

  #continueFading() {
    const share = (this.#active.currentTime - this.#intervals[this.#index][0]) / this.#fade;
    this.#showShare(Math.min(1, Math.max(0, share)));
    if (share < 1) return;
    this.#showFading(false);
    this.#prepareStandby();
  }

  #showFading(on) {
    this.#isFading = on;
    for (const video of this.#pair()) {
      video.toggleAttribute("data-fading", on && video === this.#standby);
      video.style.opacity = "";
    }
    if (on) this.#showShare(0);
  }

  /** Show the active video with an opacity of `share`; the later element in the document is on top. */
  #showShare(share) {
    const { DOCUMENT_POSITION_FOLLOWING: follows } = Node;
    const isBelow = this.#active.compareDocumentPosition(this.#standby) & follows;
    if (isBelow) this.#standby.style.opacity = 1 - share;
    else this.#active.style.opacity = share;
  }

  #start() {
    if (this.#isFading) this.#standby.play().catch(() => {});
    this.#active.play().catch(() => {}); // refused or interrupted: the next click tries again
  }

  #stop() {
    this.#pair().forEach((video) => video.pause());
  }
}

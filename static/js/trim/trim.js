// The film strip with a selection of fixed length, and the text field of the start time.

import { clip as words } from "../strings.js";
import { formatClock, parseTimecode } from "./timecode.js";
import { FINGER_PX, startAfterKey, startAtLeft, windowBox, windowFraction, windowLength } from "./trimwindow.js";

export class Trim {
  #root;
  #limits;
  #callbacks;
  #shown = { clip: null, file: null, start: 0 };
  #grab = null; // px between the pointer and the selection's left edge while dragging
  #film = null; // loaded with the first clip
  #opened = null; // the clip on the film strip

  /**
   * Callbacks: `move(start)` in s; `mistyped()` for an invalid time; `suspend(on)` when a drag starts
   * and ends; `onFrame(seconds, picture)` for each decoded frame; `playhead()` returns a time in s.
   */
  constructor(root, { limits, ...callbacks }) {
    this.#root = root;
    this.#limits = limits;
    this.#callbacks = callbacks;
    this.#listenToPointer();
    this.#listenToKeys();
    this.#part("here").addEventListener("click", () => callbacks.move(callbacks.playhead()));
    new ResizeObserver(() => {
      if (!this.#shown.clip || root.hidden) return;
      this.#renderWindow();
      this.#film?.paint();
    }).observe(this.#part("strip"));
  }

  render(state) {
    const before = this.#shown;
    this.#shown = state;
    const { clip, start, phase } = state;
    this.#root.hidden = phase !== "edit" || !clip;
    if (this.#root.hidden) return;
    this.#renderParts();
    this.#renderWords();
    if (start !== before.start || clip !== before.clip) this.#renderTime();
    this.#renderWindow();
    if (clip !== this.#opened) this.#openFilm(clip, state.file);
    this.#opened = clip;
  }

  async #openFilm(clip, file) {
    const { Filmstrip } = await import("./filmstrip.js").catch(() => ({}));
    if (!Filmstrip || clip !== this.#shown.clip) return; // offline: a blank strip selects as well
    this.#film ??= new Filmstrip(this.#part("film"), { onFrame: this.#callbacks.onFrame });
    this.#film.open(clip, file);
  }

  focusTime() {
    this.#part("time").focus();
  }

  /** Show the preview's position, in s. */
  onTime(seconds) {
    const { clip, start } = this.#shown;
    if (!clip || clip.duration === null) return;
    const share = windowFraction(seconds, { start, ...this.#span() });
    this.#part("head").style.left = `${share * 100}%`;
  }

  /** Apply the typed start; return whether it is valid. */
  takeTyped() {
    const time = this.#part("time");
    if (time.value === formatClock(this.#shown.start)) return true;
    const seconds = parseTimecode(time.value);
    if (Number.isNaN(seconds)) {
      time.setAttribute("aria-invalid", "true");
      this.#callbacks.mistyped();
      return false;
    }
    this.#callbacks.move(seconds);
    this.#renderTime();
    return true;
  }

  #part(name) {
    return this.#root.querySelector(`[data-part="${name}"]`);
  }

  #span() {
    const { length, fps } = this.#limits;
    return { duration: this.#shown.clip.duration, length, fps };
  }

  #box() {
    return { ...this.#span(), strip: this.#part("strip").clientWidth, minimum: FINGER_PX };
  }

  #isWhole() {
    const { duration } = this.#shown.clip;
    return duration !== null && duration <= this.#limits.length;
  }

  #listenToPointer() {
    const strip = this.#part("strip");
    strip.addEventListener("pointerdown", (event) => {
      if (event.button || !this.#shown.clip || this.#isWhole()) return;
      strip.setPointerCapture(event.pointerId);
      const { left, width } = windowBox(this.#shown.start, this.#box());
      const x = event.clientX - strip.getBoundingClientRect().left;
      this.#grab = x >= left && x <= left + width ? x - left : width / 2;
      this.#callbacks.suspend(true);
      this.#dragTo(event);
      this.#part("window").focus({ preventScroll: true });
      event.preventDefault();
    });
    strip.addEventListener("pointermove", (event) => {
      if (this.#grab !== null) this.#dragTo(event);
    });
    for (const end of ["pointerup", "pointercancel"]) {
      strip.addEventListener(end, () => {
        if (this.#grab !== null) this.#callbacks.suspend(false);
        this.#grab = null;
      });
    }
  }

  #dragTo(event) {
    const left = event.clientX - this.#part("strip").getBoundingClientRect().left - this.#grab;
    this.#callbacks.move(startAtLeft(Math.max(0, left), this.#box()));
  }

  #listenToKeys() {
    this.#part("window").addEventListener("keydown", (event) => {
      if (event.altKey || event.ctrlKey || event.metaKey) return;
      if (this.#takeKey(event)) event.preventDefault();
    });
    for (const button of this.#root.querySelectorAll('[data-part="step"]')) {
      const { key, shift } = button.dataset;
      button.addEventListener("click", () => this.#takeKey({ key, shiftKey: Boolean(shift) }));
    }
    const time = this.#part("time");
    time.addEventListener("change", () => this.takeTyped());
    time.addEventListener("keydown", (event) => {
      if (event.key === "Enter") this.takeTyped();
    });
  }

  #takeKey(event) {
    const start = startAfterKey(this.#shown.start, event, this.#span());
    if (start === null) return false;
    this.#callbacks.move(start);
    return true;
  }

  /** Show only usable controls: a clip that is used whole has no selection to move. */
  #renderParts() {
    const { duration, kind } = this.#shown.clip;
    const whole = this.#isWhole();
    this.#part("strip").hidden = duration === null || (whole && kind === "unplayable");
    this.#part("ends").hidden = duration === null;
    this.#part("window").hidden = whole;
    this.#part("head").hidden = kind !== "video";
    this.#part("here").hidden = kind !== "video";
    this.#part("row").hidden = whole;
    this.#part("loops").hidden = whole || duration === null || kind !== "video";
    this.#part("note").hidden = !whole;
  }

  #renderWords() {
    const { clip: { duration }, start } = this.#shown;
    const { length } = this.#limits;
    const end = start + windowLength({ duration, length });
    this.#part("total").textContent = duration === null ? "" : formatClock(duration, { thousandths: false });
    this.#part("end").textContent = words.ends(formatClock(end));
    this.#part("note").textContent = this.#isWhole() ? words.short(duration) : "";
    const handle = this.#part("window");
    handle.setAttribute("aria-valuemax", Math.max(0, (duration ?? 0) - length).toFixed(3));
    handle.setAttribute("aria-valuenow", start.toFixed(3));
    handle.setAttribute("aria-valuetext", words.window({ start, end, duration }));
  }

  #renderTime() {
    const time = this.#part("time");
    time.value = formatClock(this.#shown.start);
    time.removeAttribute("aria-invalid");
  }

  #renderWindow() {
    if (this.#shown.clip.duration === null) return;
    const { left, width } = windowBox(this.#shown.start, this.#box());
    this.#part("window").style.transform = `translateX(${left}px)`;
    this.#part("window").style.width = `${width}px`;
  }
}

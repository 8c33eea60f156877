// The New Tab mock-up: shows the background video, the selected six seconds, or the result.

import { objectPosition, overhang } from "./crop.js";
import { createDecoration } from "./decoration.js";
import { createFocus } from "./focus.js";
import { createNewTab } from "./newtab.js";
import { Preview } from "./preview.js";
import { WindowColours } from "./windowcolours.js";
import { createStandIn } from "./standin.js";
import { preview as words } from "../strings.js";

export class Mockup {
  #root;
  #part;
  #limits;
  #reducedMotion;
  #preview;
  #decoration;
  #standIn;
  #windowColours;
  #renderFocus;
  #state = {};
  #picture = ""; // the URL of the animated image that is shown

  /**
   * Callbacks: `onTime(seconds)` while the preview plays, `choose(axis, value)` for a new focus,
   * `show(kind)` for another kind of picture.
   */
  constructor(root, { limits, reducedMotion, saveData, dark, onTime, choose, show }) {
    const part = (name) => root.querySelector(`[data-part="${name}"]`);
    this.#root = root;
    this.#part = part;
    this.#limits = limits;
    this.#reducedMotion = reducedMotion;
    const onPlaying = (playing) => this.#showPlaying(playing);
    this.#windowColours = new WindowColours(root, { limits });
    this.#preview = new Preview(part, {
      length: limits.length,
      onTime,
      onPlaying,
      onStill: (video) => this.#state.phase === "edit" && this.#windowColours.setFirstFrame(video),
    });
    this.#decoration = createDecoration(part("decoration"), { wanted: !reducedMotion && !saveData, onPlaying });
    this.#standIn = createStandIn(part("frozen"));
    this.#renderFocus = createFocus({ slider: part("focus"), hint: part("focusHint"), choose });
    createNewTab(root, { dark });
    part("play").addEventListener("click", () => this.#togglePlay());
    for (const button of this.#buttons()) {
      button.addEventListener("click", () => show(button.dataset.picture));
    }
  }

  get now() {
    return this.#preview.now;
  }

  suspend(on) {
    this.#preview.suspend(on);
  }

  /** Add a frame of the clip, decoded elsewhere; see windowcolours.js. */
  addFrame(seconds, picture) {
    this.#windowColours.addFrame(seconds, picture);
  }

  render(state) {
    const before = this.#state;
    this.#state = state;
    const { phase, clip } = state;
    const done = phase === "done";
    const playable = clip?.kind === "video" && !done;
    if (clip !== before.clip) this.#open(clip);
    if (playable && (clip !== before.clip || state.start !== before.start || before.phase === "done")) {
      this.#preview.setSelection({ start: state.start, duration: clip.duration });
    }
    if (playable) this.#preview.setBlended(state.loop === "blend");
    if (playable && clip !== before.clip) this.#preview.play(!this.#reducedMotion);
    if (done && before.phase !== "done") this.#preview.play(false);
    this.#preview.show(playable);
    this.#renderDecoration(phase, before.phase);
    this.#renderPictures(state);
    if (playable) this.#showPlaying(this.#preview.isPlaying);
    this.#renderCrop(state);
    this.#renderSwitch(state);
    this.#renderWay(state);
    this.#windowColours.render(state);
  }

  #open(clip) {
    this.#windowColours.open(clip);
    this.#preview.load(clip?.kind === "video" ? clip.url : null);
  }

  #togglePlay() {
    const { phase, clip } = this.#state;
    if (phase === "idle") this.#decoration.toggle();
    else if (clip?.kind === "video" && phase !== "done") this.#preview.play(!this.#preview.isPlaying);
    else this.#freeze(!this.#standIn.isShown());
  }

  #showPlaying(playing) {
    this.#part("playIcon").setAttribute("href", playing ? "#i-pause" : "#i-play");
    this.#part("playWord").textContent = playing ? words.pause : words.play;
  }

  #freeze(on) {
    const image = [this.#part("made"), this.#part("still")].find((picture) => picture.src);
    this.#standIn.hide();
    if (!image) return;
    if (on) this.#standIn.show(image);
    this.#showPlaying(!on);
  }

  #renderDecoration(phase, before) {
    this.#part("poster").hidden = phase !== "idle";
    if (phase !== "idle") this.#decoration.stop();
    if (phase !== "idle" || before === "idle") return;
    this.#showPlaying(false);
    this.#decoration.start();
  }

  #renderPictures(state) {
    const { phase, clip } = state;
    const done = phase === "done";
    showPicture(this.#part("still"), !done && clip?.kind === "gif" ? clip.url : null);
    showPicture(this.#part("made"), done ? (madeFiles(state.result)[state.shown]?.url ?? null) : null);
    const unplayable = clip?.kind === "unplayable" && !done;
    this.#part("blank").hidden = !unplayable;
    this.#part("play").hidden = unplayable;
    const picture = this.#part("made").src || this.#part("still").src;
    if (picture !== this.#picture) this.#freeze(this.#reducedMotion);
    this.#picture = picture;
  }

  #renderCrop({ phase, clip, fit, focus }) {
    const picture = clip?.width && phase === "edit" && fit === "cover" ? clip : null;
    const { axis, amount } = picture ? overhang(picture, this.#limits.frame) : { axis: null, amount: 0 };
    for (const element of [...this.#preview.pictures, this.#part("still"), this.#part("frozen")]) {
      element.style.objectFit = fit;
      element.style.objectPosition = fit === "cover" ? objectPosition(focus) : "";
    }
    this.#renderFocus({ axis, amount, value: focus[axis ?? "x"] });
  }

  #renderSwitch({ phase, result, shown }) {
    const files = phase === "done" ? madeFiles(result) : {};
    this.#part("pictures").hidden = Object.keys(files).length < 2;
    for (const button of this.#buttons()) {
      const { picture } = button.dataset;
      button.hidden = !files[picture];
      button.textContent = words.picture(picture, files[picture]?.bytes);
      button.setAttribute("aria-pressed", picture === shown);
    }
  }

  // Chrome scales an uploaded picture to cover the page, and never scales a theme's.
  #renderWay({ phase, result, shown }) {
    const isTheme = phase === "done" && shown === "theme";
    this.#root.dataset.way = isTheme ? "theme" : "picture";
    const share = isTheme ? result.theme.pictureWidth / screen.width : 0;
    this.#root.style.setProperty("--mock-share", share || 1);
  }

  #buttons() {
    return [...this.#part("pictures").children];
  }
}

// Return the files of a result that can be shown, by kind: {url, bytes}.
function madeFiles({ gif, url, kept, picture, theme }) {
  const files = {};
  if (picture?.kept) files.picture = { url: picture.url, bytes: picture.bytes };
  if (kept) files.gif = { url, bytes: gif?.bytes };
  if (theme?.pictureUrl) files.theme = { url: theme.pictureUrl, bytes: theme.pictureBytes };
  return files;
}

function showPicture(image, url) {
  image.hidden = !url;
  if (url && image.src !== url) image.src = url;
  if (!url) image.removeAttribute("src");
}

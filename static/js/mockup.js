// The New Tab mock-up: shows the decoration, the clip's chosen six seconds, or what was made.

import { sampleColours } from "./clip.js";
import { css } from "./colours.js";
import { objectPosition, overhang } from "./crop.js";
import { createFocus } from "./focus.js";
import { createPlayer } from "./player.js";
import { preview as words } from "./strings.js";
import { windowLength } from "./trimwindow.js";

const SEAM_S = 1;
const COLOUR_NAMES = { frame: "--mock-frame", toolbar: "--mock-toolbar", frameText: "--mock-frame-text", toolbarText: "--mock-toolbar-text" };

/** `onTime(seconds)` follows the preview; `choose(axis, value)` tells a new focus. */
export function createMockup(root, { limits, calm, thrifty, onTime, choose }) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const turns = [part("one"), part("two")];
  const decoration = part("decoration");
  let shown = {};
  let seam = false;
  let own = null; // the clip's colours at the chosen start
  let frozenFor = ""; // the picture that freeze() was last asked about

  const player = createPlayer(turns, {
    onTime: (seconds, index) => {
      part("cut").hidden = !(seam && index === 1 && seconds < shown.start + 0.35);
      onTime(seconds);
    },
    onPlaying: showPlaying,
  });
  for (const video of turns) {
    video.addEventListener("seeked", () => {
      if (!video.hasAttribute("data-active") || shown.phase !== "edit") return;
      own = sampleColours(video);
      renderColours(shown);
    });
  }
  const renderFocus = createFocus({ slider: part("focus"), hint: part("focusHint"), choose });

  part("play").addEventListener("click", () => {
    if (shown.clip?.kind === "video" && shown.phase !== "done") player.setPlaying(!player.playing());
    else if (shown.phase !== "idle") freeze(part("frozen").hidden);
    else if (decoration.paused) playDecoration();
    else decoration.pause();
  });
  part("seam").addEventListener("click", () => setSeam(!seam));
  part("scheme").addEventListener("click", () => {
    const dark = root.dataset.scheme !== "dark";
    root.dataset.scheme = dark ? "dark" : "light";
    part("schemeWord").textContent = dark ? words.light : words.dark;
  });
  part("hide").addEventListener("click", () => {
    const page = part("newtab");
    page.hidden = !page.hidden;
    part("hideWord").textContent = page.hidden ? words.show : words.hide;
  });

  for (const event of ["play", "pause"]) {
    decoration.addEventListener(event, () => showPlaying(!decoration.paused));
  }
  showPlaying(false);
  if (!calm && !thrifty) playDecoration();

  function playDecoration() {
    decoration.hidden = false;
    decoration.src ||= decoration.dataset.src;
    decoration.play().catch(() => {});
  }

  function showPlaying(playing) {
    part("playIcon").setAttribute("href", playing ? "#i-pause" : "#i-play");
    part("playWord").textContent = playing ? words.pause : words.play;
  }

  // An animated image knows no pause: a canvas with its first frame stands in for it.
  async function freeze(on) {
    const [image] = [part("made"), part("still")].filter((picture) => picture.src);
    const canvas = part("frozen");
    canvas.hidden = true;
    showPlaying(!on);
    if (!on || !image) return;
    await image.decode().catch(() => {});
    Object.assign(canvas, { width: image.naturalWidth || 1, height: image.naturalHeight || 1 });
    canvas.getContext("2d").drawImage(image, 0, 0);
    const { objectFit, objectPosition } = image.style;
    Object.assign(canvas.style, { objectFit, objectPosition });
    canvas.hidden = false;
  }

  function setSeam(on) {
    seam = on;
    part("seam").setAttribute("aria-pressed", on);
    part("cut").hidden = true;
    setStretches();
    if (on) player.setPlaying(true);
  }

  function setStretches() {
    const { clip, start } = shown;
    const end = start + windowLength({ duration: clip.duration, length: limits.length });
    const edge = Math.min(SEAM_S, (end - start) / 2);
    player.setStretches(seam ? [[end - edge, end], [start, start + edge]] : [[start, end]]);
  }

  function render(state) {
    const { phase, clip, result } = state;
    const done = phase === "done";
    const playable = clip?.kind === "video" && !done;
    const before = shown;
    shown = state;

    if (clip !== before.clip) {
      own = clip?.colours ?? null;
      player.load(clip?.kind === "video" ? clip.url : null);
    }
    if (playable && (clip !== before.clip || state.start !== before.start || before.phase === "done")) {
      seam = false;
      part("seam").setAttribute("aria-pressed", false);
      part("cut").hidden = true;
      setStretches();
    }
    if (clip !== before.clip && playable) player.setPlaying(!calm);
    if (done && before.phase !== "done") player.setPlaying(false);
    if (phase !== "idle") decoration.pause();

    part("poster").hidden = phase !== "idle";
    decoration.hidden = phase !== "idle" || !decoration.hasAttribute("src");
    turns.forEach((video) => (video.hidden = !playable));
    part("seam").hidden = !playable;
    part("play").hidden = clip?.kind === "unplayable" && !done;
    showPicture(part("still"), !done && clip?.kind === "gif" ? clip.url : null);
    part("blank").hidden = done || clip?.kind !== "unplayable";
    showPicture(part("made"), done ? madeUrl(state) : null);
    const picture = part("made").src || part("still").src;
    if (picture !== frozenFor) freeze(calm);
    frozenFor = picture;
    if (playable) showPlaying(player.playing());
    if (!result && before.result && phase === "idle" && !calm && !thrifty) playDecoration();

    renderCrop(state);
    renderColours(state);
  }

  function renderCrop({ phase, clip, fit, focus }) {
    const picture = clip?.width && phase !== "done" ? clip : null;
    const over = picture && fit === "cover" ? overhang(picture, limits.frame) : { axis: null, amount: 0 };
    for (const element of [...turns, part("still"), part("frozen")]) {
      element.style.objectFit = fit;
      element.style.objectPosition = fit === "cover" ? objectPosition(focus) : "";
    }
    renderFocus({ ...over, axis: phase === "edit" ? over.axis : null, value: focus[over.axis ?? "x"] });
  }

  function renderColours({ result, theme }) {
    const colours = result?.theme?.colours ?? (theme && limits.themeAvailable ? own : null);
    for (const [name, property] of Object.entries(COLOUR_NAMES)) {
      if (colours) root.style.setProperty(property, css(colours[name]));
      else root.style.removeProperty(property);
    }
    const page = colours?.page ?? own?.page;
    root.style.setProperty("--mock-ground", page ? css(page) : "");
  }

  return { render, now: () => player.now(), hold: (on) => player.hold(on) };
}

function madeUrl({ result, shown }) {
  if (shown === "theme" && result.theme?.pictureUrl) return result.theme.pictureUrl;
  return result.kept ? result.url : null;
}

function showPicture(image, url) {
  image.hidden = !url;
  if (url && image.src !== url) image.src = url;
  if (!url) image.removeAttribute("src");
}

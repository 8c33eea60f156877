// The filmstrip with its one window of fixed length, and the typed start.

import { drawFilmstrip } from "./filmstrip.js";
import { clip as words } from "./strings.js";
import { formatClock, parseTimecode } from "./timecode.js";
import { startAfterKey, startAtLeft, windowBox, windowFraction, windowLength } from "./trimwindow.js";

const FINGER_PX = 44;

/** `move(start)` asks for a start in s; `mistyped()` tells of a time that is none. */
export function createTrim(root, { limits, move, hold, playhead, mistyped }) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const [strip, handle, time] = [part("strip"), part("window"), part("time")];
  let shown = { clip: null, start: 0 };
  let grab = null; // px between the pointer and the window's left edge while dragging
  let drawing = new AbortController();
  let drawn = { clip: null, width: 0 }; // what the film shows, or is about to

  const span = () => ({ duration: shown.clip.duration, length: limits.length, fps: limits.fps });
  const box = () => ({ ...span(), strip: strip.clientWidth, minimum: FINGER_PX });
  const key = (event) => {
    const start = startAfterKey(shown.start, event, span());
    if (start === null) return false;
    move(start);
    return true;
  };

  strip.addEventListener("pointerdown", (event) => {
    if (event.button || !shown.clip) return;
    strip.setPointerCapture(event.pointerId);
    const { left, width } = windowBox(shown.start, box());
    const x = event.clientX - strip.getBoundingClientRect().left;
    grab = x >= left && x <= left + width ? x - left : width / 2;
    hold(true);
    dragTo(event);
    handle.focus({ preventScroll: true });
    event.preventDefault();
  });
  strip.addEventListener("pointermove", (event) => {
    if (grab !== null) dragTo(event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    strip.addEventListener(end, () => {
      if (grab !== null) hold(false);
      grab = null;
    });
  }

  function dragTo(event) {
    const left = event.clientX - strip.getBoundingClientRect().left - grab;
    move(startAtLeft(Math.max(0, left), box()));
  }

  handle.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (key(event)) event.preventDefault();
  });
  for (const button of root.querySelectorAll('[data-part="nudge"]')) {
    const { key: name, shift } = button.dataset;
    button.addEventListener("click", () => key({ key: name, shiftKey: Boolean(shift) }));
  }
  part("here").addEventListener("click", () => move(playhead()));

  function takeTyped() {
    if (time.value === formatClock(shown.start)) return true;
    const seconds = parseTimecode(time.value);
    if (Number.isNaN(seconds)) {
      time.setAttribute("aria-invalid", "true");
      mistyped();
      return false;
    }
    move(seconds);
    renderTime();
    return true;
  }
  time.addEventListener("change", takeTyped);
  time.addEventListener("keydown", (event) => {
    if (event.key === "Enter") takeTyped();
  });

  new ResizeObserver(() => {
    if (!shown.clip || root.hidden) return;
    renderWindow();
    redraw();
  }).observe(strip);

  async function redraw() {
    const { clip } = shown;
    const width = strip.clientWidth;
    if (!width || (clip === drawn.clip && width === drawn.width)) return;
    drawing.abort();
    drawing = new AbortController();
    const { signal } = drawing;
    drawn = { clip, width };
    part("film").width = 0; // blank again
    if (clip.kind !== "video") return;
    await new Promise((resolve) => setTimeout(resolve, 150)); // the window is still being resized
    if (!signal.aborted) drawFilmstrip(part("film"), clip, signal);
  }

  function renderWindow() {
    const { clip, start } = shown;
    if (clip.duration === null) return;
    const { left, width } = windowBox(start, box());
    handle.style.transform = `translateX(${left}px)`;
    handle.style.width = `${width}px`;
  }

  function renderTime() {
    time.value = formatClock(shown.start);
    time.removeAttribute("aria-invalid");
  }

  function render(state) {
    const before = shown;
    shown = state;
    const { clip, start, phase } = state;
    root.hidden = phase !== "edit" || !clip;
    if (root.hidden) return;
    const { duration } = clip;
    const end = start + windowLength({ duration, length: limits.length });
    const whole = duration !== null && duration <= limits.length;
    strip.hidden = duration === null;
    part("total").parentElement.hidden = duration === null;
    part("total").textContent = duration === null ? "" : formatClock(duration, { thousandths: false });
    part("end").textContent = words.ends(formatClock(end));
    part("here").hidden = clip.kind !== "video" || whole;
    part("here").parentElement.hidden = whole;
    part("note").hidden = !whole;
    part("note").textContent = whole ? words.short(duration) : "";
    handle.setAttribute("aria-valuemax", duration === null ? 0 : Math.max(0, duration - limits.length).toFixed(3));
    handle.setAttribute("aria-valuenow", start.toFixed(3));
    handle.setAttribute("aria-valuetext", words.window({ start, end, duration }));
    if (start !== before.start || clip !== before.clip) renderTime();
    renderWindow();
    redraw();
  }

  return {
    render,
    takeTyped,
    focusTime: () => time.focus(),
    /** Where the preview is, s. */
    onTime(seconds) {
      if (!shown.clip || shown.clip.duration === null) return;
      const share = windowFraction(seconds, { start: shown.start, ...span() });
      part("head").style.left = `${share * 100}%`;
    },
  };
}

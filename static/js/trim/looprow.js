// The controls below the film strip that find smooth loops, their marks, and the text on the seam.

import { loops as words } from "../looptexts.js";
import { findLoops, measureSeam } from "./finder.js";
import { formatClock } from "./timecode.js";
import { FINGER_PX, windowBox } from "./trimwindow.js";

const MEASURE_AFTER_MS = 500; // after the last move of the start

/** Return render(state, before). `root` is the film strip's group, `form` the panel next to it. */
export function createLoopRow({ root, form, limits, store, move, say }) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const seamWord = form.querySelector('[data-part="seamWord"]');
  let measuring = new AbortController();
  let finding = new AbortController();

  part("find").disabled = false;
  part("find").addEventListener("click", find);
  part("best").addEventListener("click", () => {
    move(store.get().loops[0].start);
    part("window").focus();
  });
  new ResizeObserver(() => renderMarks(store.get())).observe(part("strip"));

  /** Measure the seam of the selected loop, MEASURE_AFTER_MS after the last call. */
  function measureLater({ phase, file, clip, start }) {
    measuring.abort();
    if (phase !== "edit" || clip?.kind !== "video" || !clip.duration) return;
    measuring = new AbortController();
    const { signal } = measuring;
    setTimeout(async () => {
      const seam = signal.aborted ? null : await measureSeam(clip, start, limits, signal);
      if (!signal.aborted) store.dispatch({ type: "seamMeasured", file, start, seam });
    }, MEASURE_AFTER_MS);
  }

  async function find() {
    const button = part("find");
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    part("findWord").textContent = words.finding;
    const { file, clip, start } = store.get();
    finding = new AbortController();
    const { signal } = finding;
    const loops = await findLoops(clip, start, limits, signal).catch(() => []);
    button.removeAttribute("aria-busy");
    part("findWord").textContent = words.find;
    if (signal.aborted) return;
    store.dispatch({ type: "loopsFound", file, loops });
    say(loops.length ? words.found(loops[0], formatClock) : words.none);
    if (!part("best").hidden) part("best").focus();
  }

  function renderMarks({ clip, loops }) {
    const strip = part("strip").clientWidth;
    const { length } = limits;
    const span = { duration: clip?.duration, length, strip, minimum: FINGER_PX };
    const marks = (loops ?? []).map(({ start }) => {
      const mark = document.createElement("span");
      mark.className = "strip-mark";
      mark.style.left = `${windowBox(start, span).left}px`;
      return mark;
    });
    part("marks").replaceChildren(...marks);
  }

  function renderRow({ loops, start }) {
    const best = loops?.[0];
    const isHere = Boolean(best) && Math.abs(best.start - start) < 1 / limits.fps;
    part("best").hidden = !best || isHere;
    if (best) part("best").textContent = words.best(best, formatClock);
    part("found").textContent = foundText({ loops, isHere });
  }

  function foundText({ loops, isHere }) {
    if (!loops) return words.hint;
    if (!loops.length) return words.none;
    return isHere ? words.here : "";
  }

  function render(state, before) {
    const isNew = state.clip !== before.clip || state.start !== before.start;
    if (isNew || state.phase !== before.phase) measureLater(state);
    if (state.file !== before.file || state.phase !== "edit") finding.abort();
    if (state.loops !== before.loops) renderMarks(state);
    renderRow(state);
    seamWord.textContent = words.seam(state);
  }

  render(store.get(), {});
  return render;
}

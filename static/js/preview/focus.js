// Choose the visible part of a picture cropped to 16:9, by dragging it or with arrow keys.

import { focusAfterDrag, focusAfterKey } from "./crop.js";
import { focus as words } from "../strings.js";

/** Return render({axis, amount, value}) of the slider; calls `choose(axis, value)` with each change. */
export function createFocus({ slider, hint, choose }) {
  let current = { axis: null, amount: 0, value: 0.5 };
  let last = null; // last pointer position, px

  const at = (event) => (current.axis === "x" ? event.clientX : event.clientY);
  const length = () => (current.axis === "x" ? slider.clientWidth : slider.clientHeight);

  slider.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    slider.setPointerCapture(event.pointerId);
    last = at(event);
  });
  slider.addEventListener("pointermove", (event) => {
    if (last === null) return;
    const { axis, amount, value } = current;
    const moved = at(event) - last;
    last = at(event);
    choose(axis, focusAfterDrag(value, { moved, length: length(), amount }));
  });
  for (const end of ["pointerup", "pointercancel"]) {
    slider.addEventListener(end, () => {
      last = null;
    });
  }
  slider.addEventListener("keydown", (event) => {
    const value = focusAfterKey(current.value, event);
    if (value === null) return;
    event.preventDefault();
    choose(current.axis, value);
  });

  /** Show the slider for `axis`, or hide it for null, because nothing overhangs. */
  return function render({ axis, amount, value }) {
    current = { axis, amount, value };
    slider.hidden = axis === null;
    if (axis === null) return;
    slider.dataset.axis = axis;
    slider.setAttribute("aria-orientation", axis === "x" ? "horizontal" : "vertical");
    slider.setAttribute("aria-valuenow", Math.round(value * 100));
    slider.setAttribute("aria-valuetext", words[axis](value));
    hint.textContent = words.drag[axis];
    hint.hidden = value !== 0.5; // the user has found the slider already
  };
}

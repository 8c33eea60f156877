// The panel next to the preview: facts about the file, and the options.

import { overhang } from "../preview/crop.js";
import { clip as words, focus as focusWords } from "../strings.js";

const OPTIONS = ["fit", "quality", "loop", "theme", "themeName"];

/** Callbacks: `choose(name, value)` for options, `focus(axis, value)`, `submit()`. */
export function createSettings(form, { limits, choose, focus, submit }) {
  const part = (name) => form.querySelector(`[data-part="${name}"]`);
  const ends = [...form.querySelectorAll('[data-part="focusEnd"]')];
  let axis = null;

  form.addEventListener("input", ({ target }) => {
    if (!OPTIONS.includes(target.name)) return;
    choose(target.name, target.type === "checkbox" ? target.checked : target.value);
  });
  // Pressing the button must not blur the time field: the complaint about a time, which then appears
  // or goes, would move the button, and the click would be lost. `submit` reads the field.
  part("convert").addEventListener("mousedown", (event) => event.preventDefault());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  for (const button of ends) {
    button.addEventListener("click", () => focus(axis, Number(button.dataset.value)));
  }

  // With the aspect ratio of the frame, both choices look the same.
  function renderFit({ clip, fit, focus: chosen }) {
    axis = clip?.width ? overhang(clip, limits.frame).axis : null;
    part("fitRow").hidden = !clip || Boolean(clip.width && axis === null);
    part("focusRow").hidden = axis === null || fit !== "cover";
    if (axis === null) return;
    ends.forEach((button, index) => {
      button.textContent = focusWords.ends[axis][index];
      button.setAttribute("aria-pressed", chosen[axis] === Number(button.dataset.value));
    });
  }

  function renderOptions(state) {
    for (const name of ["fit", "quality", "loop"]) form.elements[name].value = state[name];
    const theme = form.elements.theme;
    if (!theme) return;
    theme.checked = state.theme;
    part("themeNameRow").hidden = !state.theme;
    if (form.elements.themeName.value !== state.themeName) form.elements.themeName.value = state.themeName;
  }

  return function render(state) {
    const { file, clip } = state;
    if (!file) return;
    part("name").textContent = file.name;
    part("facts").textContent = clip ? words.facts({ size: file.size, ...clip }) : words.reading;
    part("kind").textContent = clip ? noteOf(clip, limits) : "";
    part("sent").textContent = state.part ? words.part(state.part) : "";
    part("convert").disabled = !clip;
    renderFit(state);
    renderOptions(state);
  };
}

function noteOf({ kind, duration }, { length }) {
  const whole = duration !== null && duration <= length;
  if (kind === "unplayable") return whole ? words.unplayableWhole : words.unplayable;
  return kind === "gif" && !whole ? words.gif : "";
}

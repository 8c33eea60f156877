// The New Tab page in the mock-up: light, dark or hidden.

import { preview as words } from "../strings.js";

export function createNewTab(root, { dark }) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);

  function setDark(on) {
    root.dataset.scheme = on ? "dark" : "light";
    part("schemeWord").textContent = on ? words.light : words.dark;
  }

  part("scheme").addEventListener("click", () => setDark(root.dataset.scheme !== "dark"));
  part("hide").addEventListener("click", () => {
    const page = part("newtab");
    page.hidden = !page.hidden;
    part("hideWord").textContent = page.hidden ? words.show : words.hide;
  });
  setDark(dark);
}

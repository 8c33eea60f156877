// The panel when it is done: what was made, its true size, and Save as often as one likes.

import { result as words } from "./strings.js";

const COPIED_MS = 2000;

export function createResult(root, { limits, saved, show, anotherMoment, startOver }) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  const pictures = [...root.querySelectorAll('[data-part="picture"]')];
  part("saveGif").addEventListener("click", saved);
  part("saveTheme").addEventListener("click", saved);
  part("moment").addEventListener("click", anotherMoment);
  part("over").addEventListener("click", startOver);
  part("copy").addEventListener("click", async () => {
    const copied = await copyText(part("address"));
    part("copyWord").textContent = copied ? words.copied : words.copyFailed;
    setTimeout(() => (part("copyWord").textContent = words.copy), COPIED_MS);
  });
  for (const button of pictures) button.addEventListener("click", () => show(button.dataset.picture));

  return function render({ phase, result, shown }) {
    if (phase !== "done") return;
    const { theme } = result;
    part("gifFacts").textContent = result.gif ? words.facts(result.gif) : "";
    part("saveGif").href = result.url;
    part("theme").hidden = !theme;
    if (theme) {
      part("themeFacts").textContent = theme.bytes ? words.themeFacts(theme) : "";
      part("saveTheme").href = theme.url;
    }
    part("saveGif").classList.toggle("button-quiet", Boolean(theme));
    part("pictures").hidden = !(theme?.pictureUrl && result.kept);
    for (const button of pictures) button.setAttribute("aria-pressed", button.dataset.picture === shown);
    const notes = [
      result.kept && (theme?.kept ?? true) ? "" : words.oneTime(Math.round(limits.linkTtl / 60)),
      result.themeError ?? "",
    ].filter(Boolean);
    part("note").hidden = !notes.length;
    part("note").textContent = notes.join(" ");
  };
}

// The clipboard is closed to pages that came by plain http; selecting still works there.
async function copyText(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(element);
    return document.execCommand("copy");
  }
}

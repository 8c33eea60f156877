// The panel of a finished conversion: the results, their sizes, and Save buttons.

import { result as words } from "../strings.js";

const COPIED_MS = 2000;

/** `saved()` at each Save, `say(text)` for what only a screen reader needs to be told. */
export function createResult(root, { limits, saved, say, anotherMoment, startOver }) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  part("saveGif").addEventListener("click", saved);
  part("saveTheme").addEventListener("click", saved);
  part("moment").addEventListener("click", anotherMoment);
  part("over").addEventListener("click", startOver);
  part("copy").addEventListener("click", async () => {
    const copied = await copyText(part("address"));
    part("copyWord").textContent = copied ? words.copied : words.copyFailed;
    say(part("copyWord").textContent);
    setTimeout(() => (part("copyWord").textContent = words.copy), COPIED_MS);
  });

  function renderTheme(theme) {
    part("theme").hidden = !theme;
    part("why").hidden = !theme;
    part("saveGif").classList.toggle("button-quiet", Boolean(theme));
    if (!theme) return;
    part("themeFacts").textContent = theme.bytes ? words.themeFacts(theme) : "";
    part("saveTheme").href = theme.url;
  }

  function noteOf({ kept, theme, themeError }) {
    const all = kept && (theme?.kept ?? true);
    const where = all ? words.here : words.oneTime(Math.round(limits.linkTtl / 60));
    return [themeError, where].filter(Boolean).join(" ");
  }

  return function render({ phase, result }) {
    if (phase !== "done") return;
    part("gifFacts").textContent = result.gif ? words.facts(result.gif) : "";
    part("saveGif").href = result.url;
    renderTheme(result.theme);
    part("note").textContent = noteOf(result);
  };
}

// Pages loaded over http can't use the clipboard; select the text instead.
async function copyText(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    getSelection().selectAllChildren(element);
    return document.execCommand("copy");
  }
}

/** Release the blob URLs of a result. */
export function release(result) {
  for (const url of [result?.url, result?.theme?.url, result?.theme?.pictureUrl]) {
    if (url?.startsWith("blob:")) URL.revokeObjectURL(url);
  }
}

// The panel of the finished conversion: what was made, its true size, and Save as often as needed.

import { result as words } from "../strings.js";

const COPIED_MS = 2000;

/** {render, release}. `saved()` runs at each Save, `say(text)` tells screen readers; `onPhone`: no Chrome for it here. */
export function createResult(root, { limits, onPhone, saved, say, anotherMoment, startOver }) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  for (const name of ["savePicture", "saveGif", "saveTheme"]) {
    part(name).addEventListener("click", ({ currentTarget }) => currentTarget.href && saved());
  }
  part("moment").addEventListener("click", anotherMoment);
  part("over").addEventListener("click", startOver);
  part("copy").addEventListener("click", async () => {
    const copied = await copyText(part("address"));
    part("copyWord").textContent = copied ? words.copied : words.copyFailed;
    say(part("copyWord").textContent);
    setTimeout(() => (part("copyWord").textContent = words.copy), COPIED_MS);
  });
  part("phone").hidden = !onPhone;

  // Without a picture the GIF takes its place: Chrome takes it in the same way.
  function renderPicture({ picture, gif, url, pending }, job) {
    const isPending = pending.includes("picture");
    const file = picture ?? gif;
    const facts = file ? words.facts(file) : "";
    part("pictureFacts").textContent = isPending ? words.pending("picture", job) : facts;
    setLink(part("savePicture"), isPending ? null : (picture?.url ?? url));
    part("savePicture").download = picture ? words.pictureFile : words.gifFile;
    part("savePictureWord").textContent = picture || isPending ? words.savePicture : words.saveGif;
  }

  function renderGif({ picture, gif, url, pending }) {
    part("gif").hidden = !picture && !pending.includes("picture");
    part("gifFacts").textContent = gif ? words.facts(gif) : "";
    part("saveGif").href = url;
  }

  function renderTheme({ theme, pending }, job) {
    const isPending = pending.includes("theme");
    part("theme").hidden = !theme && !isPending;
    const facts = theme?.bytes ? words.themeFacts(theme) : "";
    part("themeFacts").textContent = isPending ? words.pending("theme", job) : facts;
    setLink(part("saveTheme"), theme?.url);
  }

  function noteOf({ kept, picture, pictureError, theme, themeError, pending }) {
    const all = kept && (picture?.kept ?? true) && (theme?.kept ?? true);
    const here = pending.length ? words.someHere : words.here;
    const where = all ? here : words.oneTime(Math.round(limits.linkTtl / 60));
    return [pictureError, themeError, where].filter(Boolean).join(" ");
  }

  function render({ phase, result, job }) {
    if (phase !== "done") return;
    renderPicture(result, job);
    renderGif(result);
    renderTheme(result, job);
    part("note").textContent = noteOf(result);
  }
  return { render, release };
}

// A link without an address can't be followed or focused.
function setLink(link, url) {
  if (url) link.href = url;
  else link.removeAttribute("href");
  link.ariaDisabled = url ? null : "true";
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

// Release the blob URLs of a result.
function release(result) {
  const urls = [result?.url, result?.picture?.url, result?.theme?.url, result?.theme?.pictureUrl];
  for (const url of urls) {
    if (url?.startsWith("blob:")) URL.revokeObjectURL(url);
  }
}

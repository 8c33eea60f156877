// Files into the page: dropped anywhere on it, pasted, or chosen.

import { offerMistake, sniff } from "./limits.js";

// A drag that is over the page says so at least three times a second; one that was called off
// with Esc may end without a word.
const DRAG_SILENCE_MS = 1000;

/** Calls `accept(file)` or `refuse(mistake)`; `veil` shows while a drag hovers over the page. */
export function listenForFiles({ inputs, veil, limits, mayTake, accept, refuse }) {
  const take = async (offer) => {
    if (!mayTake()) return;
    const mistake = offerMistake(offer, limits) ?? (await contentMistake(offer.files[0]));
    if (mistake) refuse(mistake);
    else accept(offer.files[0]);
  };

  for (const input of inputs) {
    input.addEventListener("change", () => {
      const files = [...input.files];
      input.value = ""; // so that the same file can be chosen again
      if (files.length) take({ files, folders: 0, links: 0 });
    });
  }

  let hovering = 0;
  const showVeil = (shown) => {
    clearTimeout(hovering);
    veil.hidden = !shown || !mayTake();
    if (shown) hovering = setTimeout(() => showVeil(false), DRAG_SILENCE_MS);
  };
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    event.dataTransfer.dropEffect = mayTake() ? "copy" : "none";
    showVeil(event.dataTransfer.types.includes("Files"));
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) showVeil(false); // out of the window, not to the next element
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    showVeil(false);
    take(offerOf(event.dataTransfer));
  });
  document.addEventListener("paste", (event) => {
    if (event.target.closest("input, textarea") && !event.clipboardData.files.length) return;
    event.preventDefault();
    take(offerOf(event.clipboardData));
  });
}

function offerOf(transfer) {
  const items = [...transfer.items].filter((item) => item.kind === "file");
  const folders = items.filter((item) => item.webkitGetAsEntry?.()?.isDirectory).length;
  const text = transfer.getData("text/uri-list") || transfer.getData("text/plain");
  return { files: [...transfer.files], folders, links: /^\s*https?:/i.test(text) ? 1 : 0 };
}

async function contentMistake(file) {
  try {
    const head = new Uint8Array(await file.slice(0, 64).arrayBuffer());
    return sniff(head) ? null : { key: "content", name: file.name };
  } catch {
    return { key: "empty", name: file.name }; // gone or unreadable since it was chosen
  }
}

// Accept files that are dropped on the page, pasted or chosen.

import { offerMistake, sniff } from "./limits.js";

// During a drag, "dragover" fires at least three times a second. A drag canceled with Esc may end
// without any event.
const DRAG_SILENCE_MS = 1000;

/**
 * Call `accept(file)` or `refuse(mistake)` for each offer while `mayAccept()` is true; show `overlay`
 * while files are dragged over the page.
 */
export function listenForFiles({ inputs, overlay, limits, mayAccept, accept, refuse }) {
  const check = async (offer) => {
    if (!mayAccept()) return;
    const mistake = offerMistake(offer, limits) ?? (await contentMistake(offer.files[0]));
    if (mistake) refuse(mistake);
    else accept(offer.files[0]);
  };

  for (const input of inputs) {
    input.addEventListener("change", () => {
      const files = [...input.files];
      input.value = ""; // allows choosing the same file again
      if (files.length) check({ files, folders: 0, links: 0 });
    });
  }

  let hovering = 0;
  const showOverlay = (shown) => {
    clearTimeout(hovering);
    overlay.hidden = !shown || !mayAccept();
    if (shown) hovering = setTimeout(() => showOverlay(false), DRAG_SILENCE_MS);
  };
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    event.dataTransfer.dropEffect = mayAccept() ? "copy" : "none";
    showOverlay(event.dataTransfer.types.includes("Files"));
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) showOverlay(false); // the drag left the window, not just an element
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    showOverlay(false);
    check(offerOf(event.dataTransfer));
  });
  document.addEventListener("paste", (event) => {
    if (event.target.closest("input, textarea") && !event.clipboardData.files.length) return;
    event.preventDefault();
    check(offerOf(event.clipboardData));
  });
}

// Return what a DataTransfer contains: {files, folders, links}; the last two are counts.
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
    return { key: "empty", name: file.name }; // removed or unreadable since it was chosen
  }
}

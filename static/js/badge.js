// Show the progress in the tab's title and as a ring in its icon.

import { jobWords, titles } from "./strings.js";

const CIRCUMFERENCE = 2 * Math.PI * 12; // of a ring with radius 12

export function createBadge(link) {
  const plain = link.href;

  return function render({ phase, file, job }) {
    if (phase === "converting") document.title = titles.converting(jobWords(job).short);
    else document.title = phase === "edit" ? titles.edit(file.name) : titles[phase];
    const href = phase === "converting" ? ring(job.percent ?? 0) : plain;
    if (link.href !== href) link.href = href;
  };
}

function ring(percent) {
  const circle = (colour, dash) =>
    `<circle cx="16" cy="16" r="12" fill="none" stroke="${colour}" stroke-width="6" ${dash}/>`;
  const part = `stroke-dasharray="${(percent / 100) * CIRCUMFERENCE} ${CIRCUMFERENCE}" transform="rotate(-90 16 16)"`;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${circle("#9994", "")}${circle("#e2552d", part)}</svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

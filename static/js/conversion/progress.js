// The panel of a running conversion, with one row per step.

import { jobWords, megabytes } from "../strings.js";

const ROWS = ["upload", "work", "fetch"];
const ROW_OF = { upload: "upload", queue: "work", work: "work", fetch: "fetch" };

export function createProgress(root, { cancel }) {
  const part = (name) => root.querySelector(`[data-part="${name}"]`);
  part("cancel").addEventListener("click", cancel);

  function renderRow(row, { job, at, file }) {
    const index = ROWS.indexOf(row.dataset.row);
    const current = index === at;
    row.dataset.state = index < at ? "done" : current ? "now" : "next";
    const percent = index < at ? 100 : current ? (job.percent ?? 0) : 0;
    row.querySelector("progress").value = percent;
    row.querySelector('[data-part="fact"]').textContent = factOf({ row, index, at, job, percent, file });
  }

  function factOf({ row, index, at, job, percent, file }) {
    if (index > at) return "";
    if (row.dataset.row === "upload") return index < at ? megabytes(file.size) : `${percent} %`;
    return index < at || job.percent === undefined ? "" : `${percent} %`;
  }

  return function render({ phase, job, file }) {
    if (phase !== "converting") return;
    const at = ROWS.indexOf(ROW_OF[job.step]); // -1 before the upload
    for (const row of root.querySelectorAll('[data-part="row"]')) renderRow(row, { job, at, file });
    part("line").textContent = jobWords(job).line;
  };
}

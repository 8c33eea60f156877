// Announce changes: a polite status line for screen readers, and an alert next to the panels.

import { announcements, jobWords, mistakes } from "./strings.js";

/** Return {render, say}. `status` and `alert` are elements; the alert's button calls `retry()`. */
export function createAnnouncer({ status, alert, retry }) {
  function warn(problem) {
    alert.replaceChildren();
    if (!problem) return;
    alert.append(element("span", { textContent: problem.text }));
    if (problem.retry) {
      const button = { type: "button", className: "button", textContent: mistakes.retry };
      alert.append(element("button", button));
      alert.lastChild.addEventListener("click", retry);
    }
    alert.scrollIntoView({ block: "nearest" });
  }

  function say(text) {
    status.textContent = text;
  }

  function render({ phase, file, job, problem, result }, before) {
    if (problem !== before.problem) warn(problem);
    if (phase !== before.phase) {
      if (phase === "edit" && before.phase === "converting") say(problem ? "" : announcements.canceled);
      else if (phase === "edit") say(announcements.edit(file.name));
      else say(announcements[phase] ?? "");
    } else if (file && file !== before.file) {
      say(announcements.edit(file.name));
    } else if (phase === "done" && before.result.pending.length && !result.pending.length) {
      say(announcements.complete);
    } else if (job && milestone(job) !== milestone(before.job)) {
      say(jobWords(job).line);
    }
  }

  return { render, say };
}

// Screen readers announce each stage and every 25 percent, not each percent.
function milestone(job) {
  return `${job.step} ${job.stage ?? ""} ${Math.floor((job.percent ?? 0) / 25)}`;
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

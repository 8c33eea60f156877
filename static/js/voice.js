// What the page says by itself: one polite line of status, and one alert beside the panels.

import { announcements, jobWords, mistakes } from "./strings.js";

/** {render, say}: `status` and `alert` are the elements; `retry()` is the alert's one button. */
export function createVoice({ status, alert, retry }) {
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

  function render({ phase, file, job, problem }, before) {
    if (problem !== before.problem) warn(problem);
    if (phase !== before.phase) {
      if (phase === "edit" && before.phase === "converting") say(problem ? "" : announcements.canceled);
      else if (phase === "edit") say(announcements.edit(file.name));
      else say(announcements[phase] ?? "");
    } else if (file && file !== before.file) {
      say(announcements.edit(file.name));
    } else if (job && milestone(job) !== milestone(before.job)) {
      say(jobWords(job).line);
    }
  }

  return { render, say };
}

// A screen reader hears each stage and each quarter, not each percent.
function milestone(job) {
  return `${job.step} ${job.stage ?? ""} ${Math.floor((job.percent ?? 0) / 25)}`;
}

function element(name, properties) {
  return Object.assign(document.createElement(name), properties);
}

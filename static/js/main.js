// Connect the modules; the only module that finds elements in the document.

import { createBadge } from "./badge.js";
import { readClip } from "./intake/clip.js";
import { listenForFiles } from "./intake/intake.js";
import { readLimits, screenField } from "./intake/limits.js";
import { Mockup } from "./preview/mockup.js";
import { createProgress } from "./conversion/progress.js";
import { createSettings } from "./trim/settings.js";
import { createStore } from "./state.js";
import { mistakes } from "./strings.js";
import { formatTimecode } from "./trim/timecode.js";
import { Trim } from "./trim/trim.js";
import { createAnnouncer } from "./announcer.js";

const RETRY_CODES = ["unexpected", "unhealthy", "internal", "timeout", "upload_stalled", "low_disk", "queue_unavailable", "shutting_down", "expired"];
const PHONE_SIDE = 600; // CSS px; the short side of a phone's screen is less
const START_CODES = ["invalid_start_time", "start_past_end"];

const byId = (id) => document.getElementById(id);
const app = byId("app");
const limits = readLimits(app.dataset);
const store = createStore();
const { dispatch } = store;
const server = {
  urls: { convert: app.dataset.convertUrl, jobs: app.dataset.jobsUrl, health: app.dataset.healthUrl },
  csrfToken: document.querySelector('[name="csrfmiddlewaretoken"]').value,
};

// Modules that only a conversion needs are loaded with the first file, not with the page.
const conversion = () => import("./conversion/conversion.js");
const ranges = () => import("./ranges/uploadplan.js");
const PART_AFTER_MS = 200; // after the last move of the start

let resultPanel = null; // {render, release}, once conversion() is there
let running = null; // {controller, jobId} of the running conversion
let lostJob = null; // the job whose connection was lost, to be resumed
let plansFor = null; // of the open file: a promise of a function, see uploadPlanner()
let partTimer = 0;
let renderLoops = null; // from the first file on; see trim/looprow.js

const matches = (query) => matchMedia(query).matches;
const onPhone = matches("(hover: none)") && Math.min(screen.width, screen.height) < PHONE_SIDE;
const move = (start) => dispatch({ type: "startMoved", start, length: limits.length });
const focus = (axis, value) => dispatch({ type: "focusMoved", axis, value });

const announcer = createAnnouncer({ status: byId("status"), alert: byId("problem"), retry: run });
const mockup = new Mockup(byId("mockup"), {
  limits,
  reducedMotion: matches("(prefers-reduced-motion: reduce)"),
  saveData: Boolean(navigator.connection?.saveData) || matches("(max-width: 47.99em)"),
  dark: matches("(prefers-color-scheme: dark)"),
  onTime: (seconds) => trim.onTime(seconds),
  choose: focus,
  show: (picture) => dispatch({ type: "pictureShown", picture }),
});
const trim = new Trim(byId("trim"), {
  limits,
  move,
  suspend: (on) => mockup.suspend(on),
  playhead: () => mockup.now,
  onFrame: (seconds, picture) => mockup.addFrame(seconds, picture),
  mistyped: () => dispatch({ type: "refused", text: mistakes.time(), field: "start" }),
});
const views = [
  (state) => mockup.render(state),
  (state) => trim.render(state),
  createSettings(byId("panel-edit"), {
    limits,
    choose: (name, value) => dispatch({ type: "optionChosen", name, value }),
    focus,
    submit: () => trim.takeTyped() && run(),
  }),
  createProgress(byId("panel-converting"), { cancel }),
  createBadge(document.querySelector('link[rel="icon"]')),
];

for (const render of views) render(store.get());
store.subscribe((state, before) => {
  for (const render of views) render(state);
  if (state.phase !== before.phase || state.file !== before.file) showPanel(state);
  announcer.render(state, before);
  const isMoved = state.start !== before.start || state.loop !== before.loop;
  if (isMoved && state.file) showPart(PART_AFTER_MS);
  if (state.problem !== before.problem && state.problem?.field === "start") trim.focusTime();
  renderLoops?.(state, before);
});

listenForFiles({
  inputs: document.querySelectorAll('input[type="file"][data-part="file"]'),
  overlay: byId("overlay"),
  limits,
  mayAccept: () => store.get().phase !== "converting",
  accept: openFile,
  refuse: (mistake) => dispatch({ type: "refused", text: mistakes[mistake.key](mistake) }),
});

async function openFile(file) {
  if (running) cancel(); // extras of the last file
  const { clip: old, result } = store.get();
  resultPanel?.release(result);
  lostJob = null;
  dispatch({ type: "fileChosen", file });
  conversion().catch(() => {}); // offline: run() tries again and reports it
  loadLoops();
  plansFor = ranges().then(({ uploadPlanner }) => uploadPlanner(file, limits));
  showPart(0);
  const clip = await readClip(file);
  if (store.get().file !== file) return URL.revokeObjectURL(clip.url);
  dispatch({ type: "clipRead", file, clip });
  if (old) URL.revokeObjectURL(old.url);
}

async function loadLoops() {
  const { createLoopRow } = await import("./trim/looprow.js").catch(() => ({}));
  if (!createLoopRow || renderLoops) return;
  const [root, form] = [byId("trim"), byId("panel-edit")];
  renderLoops = createLoopRow({ root, form, limits, store, move, say: announcer.say });
}

/** Show how much of the file would be sent, `delay` ms after the last call. */
function showPart(delay) {
  clearTimeout(partTimer);
  partTimer = setTimeout(async () => {
    const { file, start, loop } = store.get();
    const plans = await plansFor.then((find) => find(start, loop)).catch(() => null);
    if (!plans || store.get().file !== file) return;
    const [best] = plans;
    const part = best && best.bytes < file.size ? { bytes: best.bytes, of: file.size } : null;
    dispatch({ type: "partFound", file, start, part });
    if (!best) dispatch({ type: "refused", text: tooLarge(file) });
  }, delay);
}

const tooLarge = ({ name, size }) => mistakes.whole({ name, size, limit: limits.maxUploadBytes });

function leaveResult(action) {
  if (running) cancel(); // its extras
  const { clip, result } = store.get();
  dispatch(action);
  resultPanel?.release(result);
  if (action.type === "startedOver") URL.revokeObjectURL(clip.url);
}

function addResultPanel({ createResult }) {
  if (resultPanel) return;
  resultPanel = createResult(byId("panel-done"), {
    limits,
    onPhone,
    saved: () => dispatch({ type: "saved" }),
    say: announcer.say,
    anotherMoment: () => leaveResult({ type: "anotherMoment" }),
    startOver: () => leaveResult({ type: "startedOver" }),
  });
  views.push(resultPanel.render);
}

async function run() {
  if (running) return;
  const controller = new AbortController();
  running = { controller, jobId: lostJob };
  const resume = lostJob;
  lostJob = null;
  dispatch({ type: "convertAsked" });
  let loaded = null;
  try {
    const offline = () => {
      throw new DOMException("script", "NetworkError");
    };
    loaded = await conversion().catch(offline);
    addResultPanel(loaded);
    const state = store.get();
    const plans = await (await plansFor.catch(offline))(state.start, state.loop);
    if (!plans.length) throw Object.assign(new Error(), { name: "RefusedError", code: "incomplete_upload" });
    const result = await loaded.convert({
      wanted: ["picture", ...(state.theme ? ["theme"] : [])],
      onPart: (part) => dispatch({ type: "converted", result: part }),
      api: loaded.createApi(server),
      // The file is last, so that the server has read the other fields before it.
      attempts: plans.map(({ fields }) => ({ ...fieldsOf(state), ...fields() })),
      resume,
      onJob: (id) => (running.jobId = id),
      report: (job) => controller.signal.aborted || dispatch({ type: "jobMoved", job }),
      signal: controller.signal,
    });
    dispatch({ type: "converted", result });
  } catch (error) {
    if (error.name === "AbortError") dispatch({ type: "canceled" });
    else runFailed(problemOf(error), loaded);
  } finally {
    running = null;
  }
}

/** Return to the editor, or keep the files that are there already. */
function runFailed(problem, loaded) {
  const { phase, result } = store.get();
  if (phase !== "done") return dispatch({ type: "failed", problem });
  lostJob = null;
  dispatch({ type: "converted", result: loaded.withoutPending(result, problem.text) });
}

function fieldsOf({ start, fit, focus: point, quality, loop, theme, themeName }) {
  const fields = {
    start_time: formatTimecode(start),
    fit,
    focus_x: point.x,
    focus_y: point.y,
    quality,
    loop,
    picture: "1",
  };
  // A phone's user installs the result on a computer; the server's default is a computer's screen.
  if (!onPhone) fields.screen = screenField(screen, devicePixelRatio, limits);
  if (theme) {
    fields.theme = "1";
    if (themeName.trim()) fields.theme_name = themeName.trim();
  }
  return fields;
}

function problemOf(error) {
  if (["LostError", "NetworkError"].includes(error.name)) {
    lostJob = running.jobId;
    return { text: mistakes.offline(), retry: true };
  }
  if (error.code === "incomplete_upload") return { text: tooLarge(store.get().file) };
  if (error.name === "RefusedError") {
    return {
      text: error.message || (mistakes[error.code] ?? mistakes.unexpected)(),
      retry: RETRY_CODES.includes(error.code),
      field: START_CODES.includes(error.code) ? "start" : null,
    };
  }
  throw error;
}

function cancel() {
  const { controller, jobId } = running;
  controller.abort();
  if (jobId) conversion().then(({ cancelJob, createApi }) => cancelJob(createApi(server), jobId));
}

function showPanel({ phase }) {
  document.body.dataset.phase = phase;
  for (const panel of document.querySelectorAll("[data-panel]")) {
    panel.hidden = panel.dataset.panel !== phase;
  }
  scrollTo({ top: 0 });
  document.querySelector(`[data-panel="${phase}"] h1`).focus({ preventScroll: true });
}

addEventListener("beforeunload", (event) => {
  const { phase, saved } = store.get();
  if (phase === "converting" || (phase === "done" && !saved)) event.preventDefault();
});
addEventListener("pagehide", (event) => {
  if (running && !event.persisted) cancel();
});

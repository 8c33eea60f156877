// The page's state and its reducer. Pure functions.

import { clampStart } from "./trim/trimwindow.js";

export const initialState = Object.freeze({
  phase: "idle", // idle, edit, converting, done
  file: null,
  clip: null, // see clip.js; null while the file is read
  start: 0, // s
  part: null, // {bytes, of}: how much of the file is sent; null: all of it, or not known yet
  fit: "cover",
  focus: { x: 0.5, y: 0.5 },
  quality: "high",
  loop: "blend", // or cut
  isLoopChosen: false, // by the user; else the page chooses by the seam
  seam: null, // {ratio, verdict} of the loop at this start; see finder.js
  loops: null, // the marks of the smoothest loops; see finder.js
  theme: false,
  themeName: "",
  job: null, // {step, ...} while converting; see conversion.js
  result: null, // see collection.js; with `pending` extras the conversion still runs
  saved: false,
  shown: "gif", // what the mock-up shows when done: picture, gif or theme
  isShownChosen: false, // by the user
  problem: null, // {text, retry, field}, shown in any phase
});

const MADE_FOR_ONE_FILE = { loop: "blend", isLoopChosen: false, seam: null, loops: null, clip: null, start: 0, part: null, fit: "cover", focus: { x: 0.5, y: 0.5 } };

const steps = {
  refused: (state, { text, field }) => ({ ...state, problem: { text, field } }),
  fileChosen: (state, { file }) => ({
    ...state,
    ...MADE_FOR_ONE_FILE,
    phase: "edit",
    file,
    job: null,
    result: null,
    saved: false,
    problem: null,
  }),
  clipRead: (state, { file, clip }) => (file === state.file ? { ...state, clip } : state),
  startMoved: (state, { start, length }) => ({
    ...state,
    start: clampStart(start, { duration: state.clip?.duration ?? null, length }),
    seam: null,
    problem: state.problem?.field === "start" ? null : state.problem,
  }),
  seamMeasured: (state, { file, start, seam }) =>
    file === state.file && start === state.start ? { ...state, seam, loop: loopFor(state, seam) } : state,
  loopsFound: (state, { file, loops }) => (file === state.file ? { ...state, loops } : state),
  partFound: (state, { file, start, part }) =>
    file === state.file && start === state.start ? { ...state, part } : state,
  focusMoved: (state, { axis, value }) => ({
    ...state,
    focus: { ...state.focus, [axis]: value },
  }),
  optionChosen: (state, { name, value }) => ({
    ...state,
    [name]: value,
    isLoopChosen: state.isLoopChosen || name === "loop",
  }),
  convertAsked: (state) => ({
    ...state,
    phase: "converting",
    job: { step: "check" },
    isShownChosen: false,
    problem: null,
  }),
  jobMoved: (state, { job }) => (isRunning(state) ? { ...state, job } : state),
  converted: (state, { result }) => ({
    ...state,
    phase: "done",
    job: result.pending.length ? state.job : null,
    result,
    saved: false,
    shown: state.isShownChosen ? state.shown : result.picture?.kept ? "picture" : "gif",
  }),
  failed: (state, { problem }) => ({ ...state, phase: "edit", job: null, problem }),
  canceled: (state) => (state.phase === "converting" ? { ...state, phase: "edit", job: null } : state),
  saved: (state) => ({ ...state, saved: true }),
  pictureShown: (state, { picture }) => ({ ...state, shown: picture, isShownChosen: true }),
  anotherMoment: (state) => ({ ...state, phase: "edit", job: null, result: null, saved: false }),
  startedOver: (state) => ({
    ...initialState,
    quality: state.quality,
    theme: state.theme,
  }),
};

function isRunning({ phase, result }) {
  return phase === "converting" || (phase === "done" && result.pending.length > 0);
}

function loopFor({ loop, isLoopChosen }, seam) {
  if (isLoopChosen || !seam) return loop;
  return seam.verdict === "well" ? "cut" : "blend";
}

/** Return the next state. Throws for an unknown action. */
export function reduce(state, action) {
  const step = steps[action.type];
  if (!step) throw new Error(`no such action: ${action.type}`);
  return step(state, action);
}

/** Return a store that keeps the state and calls the listeners after each change. */
export function createStore(state = initialState) {
  const listeners = [];
  return {
    get: () => state,
    subscribe: (listener) => listeners.push(listener),
    dispatch(action) {
      const before = state;
      state = reduce(state, action);
      if (state !== before) listeners.forEach((listener) => listener(state, before));
    },
  };
}

// Every word the scripts put on the page, in one place for translation. (The words that stand
// still are in templates/converter/.)

const MEBIBYTE = 1_048_576;
const LANGUAGE = "en";
const decimal = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 1 });
const ordinal = new Intl.PluralRules(LANGUAGE, { type: "ordinal" });
const whole = new Intl.NumberFormat(LANGUAGE);

export const megabytes = (bytes) => `${decimal.format(Math.max(bytes / MEBIBYTE, 0.1))}\u00a0MB`;
const seconds = (value) => `${decimal.format(value)}\u00a0s`; // a number keeps its unit
const spokenSeconds = (value) => {
  const rounded = Math.round(value * 100) / 100;
  const minutes = Math.floor(rounded / 60);
  const rest = decimalsOf(rounded - minutes * 60);
  return minutes ? `${minutes} min ${rest} seconds` : `${rest} seconds`;
};
const decimalsOf = (value) => String(Math.round(value * 100) / 100);
const names = (extensions) =>
  extensions.map((extension) => (extension === ".webm" ? "WebM" : extension.slice(1).toUpperCase()));
const orList = (words) => new Intl.ListFormat(LANGUAGE, { type: "disjunction" }).format(words);

export const mistakes = {
  folder: () => "That is a folder. Drop the one video file that is in it.",
  several: ({ count }) => `Those are ${count} files. Chromi takes one video at a time.`,
  link: () => "That is a link. Save the video to your device first, then drop the file here.",
  nothing: () => "There was no file in that. Choose a video from your device.",
  type: ({ name, extensions }) =>
    `“${name}” is not a video Chromi can read. Choose an ${orList(names(extensions))} file.`,
  content: ({ name }) =>
    `“${name}” is named like a video, but there is something else in it. Choose another file.`,
  empty: ({ name }) => `“${name}” is empty. Choose another file.`,
  size: ({ name, size, limit }) =>
    `“${name}” has ${megabytes(size)}; Chromi takes ${megabytes(limit)}. ` +
    "Trim it on your device or export it smaller.",
  time: () => "That is no time. Write it like 0:03.250, in minutes and seconds.",
  offline: () =>
    "The connection was lost. Your video and your settings are still here: try again when you are back online.",
  retry: "Try again",
  unhealthy: () => "Chromi is not well at the moment. Try again in a minute.",
  unexpected: () => "Chromi gave an answer this page does not understand. Try again in a minute.",
};

export const clip = {
  facts: ({ size, width, height, duration }) =>
    [megabytes(size), width && `${width}\u00a0×\u00a0${height}`, duration && seconds(duration)]
      .filter(Boolean)
      .join(" · "),
  reading: "Reading your video…",
  gif: "A GIF plays from its own start here; the result starts where you say.",
  unplayable:
    "This browser can’t play this kind of video, but Chromi can convert it. " +
    "Type where your six seconds start.",
  unplayableWhole: "This browser can’t play this kind of video, but Chromi can convert it.",
  short: (duration) => `This clip is ${seconds(duration)} long, so all of it becomes the loop.`,
  window: ({ start, end, duration }) =>
    `From ${spokenSeconds(start)} to ${spokenSeconds(end)}` +
    (duration === null ? "" : ` of ${spokenSeconds(duration)}`),
  ends: (clock) => `ends at ${clock}`,
};

export const focus = {
  x: (share) => `${Math.round(share * 100)} % from the left`,
  y: (share) => `${Math.round(share * 100)} % from the top`,
  drag: { x: "Drag sideways to choose what stays", y: "Drag up or down to choose what stays" },
  ends: { x: ["Left", "Middle", "Right"], y: ["Top", "Middle", "Bottom"] },
};

export const preview = {
  play: "Play",
  pause: "Pause",
  dark: "Dark page",
  light: "Light page",
  hide: "Hide page",
  show: "Show page",
  picture: (kind, bytes) =>
    [{ picture: "Picture", theme: "Theme", gif: "GIF" }[kind], bytes && megabytes(bytes)]
      .filter(Boolean)
      .join(" · "),
};

const stages = {
  upload: "Receiving your video",
  decode: "Reading the frames",
  encode: "Drawing the loop",
  verify: "Checking the finished GIF",
  picture: "Making the picture for Chrome",
  theme: "Making the Chrome theme",
};

/** A job of conversion.js in words: {line, short} (short is for the tab's title). */
export function jobWords(job) {
  switch (job.step) {
    case "wait":
      return {
        line: `Chromi is busy with another video. Yours is next: trying again in ${job.retryIn} s.`,
        short: "Waiting",
      };
    case "upload":
      return {
        line:
          `Uploading: ${megabytes(job.loaded)} of ${megabytes(job.total)}` +
          (job.secondsLeft === null ? "" : `, about ${timeLeft(job.secondsLeft)} left`),
        short: `${job.percent} % up`,
      };
    case "queue":
      return {
        line: job.position > 1
          ? `In the queue: ${whole.format(job.position)}${ordinalEnd(job.position)} in line.`
          : "In the queue: yours is next.",
        short: "In the queue",
      };
    case "work":
      return { line: `${stages[job.stage] ?? "Converting"}: ${job.percent} %`, short: `${job.percent} %` };
    case "fetch":
      return {
        line: `Fetching the result: ${megabytes(job.loaded)} of ${megabytes(job.total)}`,
        short: `${job.percent} % down`,
      };
    default:
      return { line: "Asking Chromi for a place…", short: "Starting" };
  }
}

function ordinalEnd(number) {
  return { one: "st", two: "nd", few: "rd", other: "th" }[ordinal.select(number)];
}

function timeLeft(value) {
  return value < 60 ? seconds(Math.max(1, Math.round(value))) : `${Math.ceil(value / 60)} min`;
}

export const result = {
  facts: ({ bytes, width, height, frames, duration_ms: ms }) =>
    `${megabytes(bytes)} · ${width}\u00a0×\u00a0${height}\u00a0px · ${seconds(ms / 1000)} · ${frames}\u00a0frames`,
  themeFacts: ({ bytes, pictureBytes }) =>
    [megabytes(bytes), pictureBytes && `${megabytes(pictureBytes)} of it for your screen`]
      .filter(Boolean)
      .join(" · "),
  savePicture: "Save the picture for Chrome",
  saveGif: "Save the GIF for Chrome",
  pictureFile: "chromi_background.png",
  gifFile: "chromi_background.gif",
  here: "Chromi has deleted its copy. Save yours before you close this tab.",
  oneTime: (minutes) =>
    `This page could not fetch the file itself. The link works once, within ${minutes} minutes.`,
  copy: "Copy",
  copied: "Copied",
  copyFailed: "Select it and copy it by hand",
};

export const announcements = {
  edit: (name) => `${name} is open. Choose its six seconds.`,
  converting: "Converting has begun.",
  done: "Your background is ready.",
  canceled: "Canceled. Your video and your settings are still here.",
};

export const titles = {
  idle: "Chromi: your video, behind every new tab",
  edit: (name) => `${name} · Chromi`,
  converting: (short) => `${short} · Chromi`,
  done: "Ready · Chromi",
};

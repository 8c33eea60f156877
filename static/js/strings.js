// Every text that the scripts write to the page, in one place for translation. (Static texts are in
// templates/converter/.)

const MEBIBYTE = 1_048_576;
const LANGUAGE = "en";
const decimal = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 1 });
const whole = new Intl.NumberFormat(LANGUAGE);

export const megabytes = (bytes) => `${decimal.format(Math.max(bytes / MEBIBYTE, 0.1))}\u00a0MB`;
const GIBIBYTE = 1_073_741_824;
const amount = (bytes) =>
  bytes < GIBIBYTE ? megabytes(bytes) : `${decimal.format(bytes / GIBIBYTE)}\u00a0GB`;
const seconds = (value) => `${decimal.format(value)}\u00a0s`; // a no-break space keeps the number and its unit together
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
  folder: () => "This is a folder. Drop the video file that is in it.",
  several: ({ count }) => `These are ${count} files. Chromi converts one video at a time.`,
  link: () => "This is a link. Save the video to your device first, then drop the file here.",
  nothing: () => "This contains no file. Choose a video from your device.",
  type: ({ name, extensions }) =>
    `Chromi can’t read “${name}”. Choose an ${orList(names(extensions))} file.`,
  content: ({ name }) =>
    `“${name}” is named like a video, but isn’t one. Choose another file.`,
  empty: ({ name }) => `“${name}” is empty. Choose another file.`,
  size: ({ name, size, limit }) =>
    `“${name}” has ${megabytes(size)}; Chromi takes ${megabytes(limit)}. ` +
    "Trim it on your device or export it smaller.",
  whole: ({ name, size, limit }) =>
    `“${name}” has ${amount(size)}, and Chromi can’t take your six seconds out of this file. ` +
    `Whole files may have ${megabytes(limit)}: trim it on your device or export it smaller.`,
  time: () => "That time isn’t valid. Use minutes and seconds, for example 0:03.250.",
  offline: () =>
    "The connection was lost. Your video and your settings are still here. Try again when you are online.",
  retry: "Try again",
  unhealthy: () => "Chromi has a problem right now. Try again in a minute.",
  unexpected: () => "The server sent an unexpected answer. Try again in a minute.",
};

export const clip = {
  facts: ({ size, width, height, duration }) =>
    [amount(size), width && `${width}\u00a0×\u00a0${height}`, duration && seconds(duration)]
      .filter(Boolean)
      .join(" · "),
  part: ({ bytes, of }) => `Only your six seconds are sent: ${megabytes(bytes)} of ${amount(of)}.`,
  reading: "Reading your video…",
  gif: "This preview plays the GIF from its beginning. The result starts at the time you choose.",
  unplayable:
    "This browser can’t play this kind of video, but Chromi can convert it. " +
    "Type the start time of your six seconds.",
  unplayableWhole: "This browser can’t play this kind of video, but Chromi can convert it.",
  short: (duration) => `This clip is ${seconds(duration)} long, so the whole clip is used.`,
  window: ({ start, end, duration }) =>
    `From ${spokenSeconds(start)} to ${spokenSeconds(end)}` +
    (duration === null ? "" : ` of ${spokenSeconds(duration)}`),
  ends: (clock) => `ends at ${clock}`,
};

export const focus = {
  x: (share) => `${Math.round(share * 100)} % from the left`,
  y: (share) => `${Math.round(share * 100)} % from the top`,
  drag: { x: "Drag sideways to choose the visible part", y: "Drag up or down to choose the visible part" },
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
  encode: "Encoding the GIF",
  verify: "Checking the finished GIF",
  picture: "Making the picture for Chrome",
  theme: "Making the Chrome theme",
};

/** Describe a job of conversion.js: {line, short}; `short` is for the tab's title. */
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
        short: `Uploading ${job.percent} %`,
      };
    case "queue":
      return {
        line: job.position > 1
          ? `In the queue: number ${whole.format(job.position)}.`
          : "In the queue: yours is next.",
        short: "In the queue",
      };
    case "work":
      return { line: `${stages[job.stage] ?? "Converting"}: ${job.percent} %`, short: `${job.percent} %` };
    case "fetch":
      return {
        line: `Downloading the result: ${megabytes(job.loaded)} of ${megabytes(job.total)}`,
        short: `Downloading ${job.percent} %`,
      };
    default:
      return { line: "Contacting the server…", short: "Starting" };
  }
}

function timeLeft(value) {
  return value < 60 ? seconds(Math.max(1, Math.round(value))) : `${Math.ceil(value / 60)} min`;
}

export const result = {
  facts: ({ bytes, width, height, duration_ms: ms }) =>
    `${megabytes(bytes)} · ${width}\u00a0×\u00a0${height}\u00a0px · ${seconds(ms / 1000)}`,
  themeFacts: ({ bytes, pictureBytes }) =>
    [megabytes(bytes), pictureBytes && `${megabytes(pictureBytes)} of it for your screen`]
      .filter(Boolean)
      .join(" · "),
  notFetched: {
    picture: (why) =>
      `The picture for Chrome could not be downloaded. Use the GIF: Chrome takes it the same way. ${why}`.trim(),
    theme: (why) => `The Chrome theme could not be downloaded. ${why}`.trim(),
  },
  pending: (kind, job) =>
    job?.step === "fetch" || job?.stage === kind ? jobWords(job).line : "It is made next.",
  savePicture: "Save the picture for Chrome",
  saveGif: "Save the GIF for Chrome",
  pictureFile: "chromi_background.png",
  gifFile: "chromi_background.gif",
  someHere: "Keep this tab open until all files are made, and save yours before you close it.",
  here: "Chromi has deleted its copy. Save yours before you close this tab.",
  oneTime: (minutes) =>
    `This page couldn’t download the file. The link works once, within ${minutes} minutes.`,
  copy: "Copy",
  copied: "Copied",
  copyFailed: "Select the address and copy it",
};

export const announcements = {
  edit: (name) => `${name} is open. Choose its six seconds.`,
  converting: "The conversion has started.",
  done: "Your background is ready.",
  complete: "All files are ready.",
  canceled: "Canceled. Your video and your settings are still here.",
};

export const titles = {
  idle: "Chromi: your video, behind every new tab",
  edit: (name) => `${name} · Chromi`,
  converting: (short) => `${short} · Chromi`,
  done: "Ready · Chromi",
};

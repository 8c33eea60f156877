// Download the results with the one-time links, so that they can be saved any number of times. Each
// is downloaded as soon as the server has made it.

import { manifestColours } from "../preview/colours.js";
import { storedFiles } from "./zip.js";
import { result as words } from "../strings.js";

const LINKS = { picture: "picture_url", gif: "converted_url", theme: "theme_url" };
const DETAILS = {
  picture: ({ picture }) => picture,
  gif: ({ gif }) => ({ gif }),
  theme: (answer, file) => readTheme(answer, file),
};

/**
 * Collect the results of one conversion. `wanted` are the kinds of the requested extras. A result is
 * {gif, url, kept, picture, pictureError, theme, themeError, pending}. `kept` is false if `url` is
 * still the one-time link, because the download failed. `gif` and `picture` have the properties that
 * the server sent; `picture` also has {url, kept}. `theme` is {url, kept, bytes, pictureUrl,
 * pictureBytes, pictureWidth, colours}. `picture` and `theme` are null if there is none. `pending`
 * are the kinds that are still being made.
 */
export class Collection {
  #api;
  #wanted;
  #signal;
  #found = {};
  #errors = {};
  #last = Promise.resolve();

  constructor({ api, wanted, signal }) {
    this.#api = api;
    this.#wanted = wanted;
    this.#signal = signal;
  }

  /** Download the files that an unfinished job links to; resolve to the result, or null if none is new. */
  addMade(job) {
    return this.#next(async () => {
      const before = this.#countSettled();
      // A failed download is tried again with the final response.
      await this.#fetchAll(job, { report: () => {}, failed: () => {}, isFinal: false });
      return this.#countSettled() > before && this.#found.gif ? this.#result() : null;
    });
  }

  /** Download the other files; resolve to the result. Throws only if the GIF can't be downloaded. */
  finish(answer, report) {
    return this.#next(async () => {
      const failed = (kind, error) => {
        if (kind === "gif") throw error;
        this.#errors[kind] = words.notFetched[kind](error.message);
      };
      await this.#fetchAll(answer, { report, failed, isFinal: true });
      return { ...this.#result(), pending: [] };
    });
  }

  // Return the number of kinds that were downloaded or failed.
  #countSettled() {
    return Object.keys(LINKS).filter((kind) => this.#found[kind] || this.#errors[kind]).length;
  }

  #next(step) {
    this.#last = this.#last.catch(() => {}).then(step);
    return this.#last;
  }

  async #fetchAll(answer, { report, failed, isFinal }) {
    const fetchBlob = (url) => this.#api.fetchFile(url, {
      signal: this.#signal,
      onProgress: (loaded, total) =>
        report({ step: "fetch", loaded, total, percent: Math.floor((loaded / total) * 100) }),
    });
    for (const [kind, link] of Object.entries(LINKS)) {
      this.#errors[kind] ??= answer[`${kind}_error`];
      if (this.#found[kind] || !answer[link]) continue;
      try {
        const file = await keep(answer[link], fetchBlob, this.#signal);
        if (!file.kept && !isFinal) continue;
        this.#found[kind] = { ...(await DETAILS[kind](answer, file)), url: file.url, kept: file.kept };
      } catch (error) {
        if (this.#signal.aborted) throw error;
        failed(kind, error);
      }
    }
  }

  #result() {
    const { gif, picture = null, theme = null } = this.#found;
    return {
      ...gif,
      picture,
      pictureError: this.#errors.picture ?? null,
      theme,
      themeError: this.#errors.theme ?? null,
      pending: this.#wanted.filter((kind) => !this.#found[kind] && !this.#errors[kind]),
    };
  }
}

/** Return the result with errors for its pending extras; `why` is added to their sentences. */
export function withoutPending(result, why) {
  const lost = result.pending.map((kind) => [`${kind}Error`, words.notFetched[kind](why)]);
  return { ...result, ...Object.fromEntries(lost), pending: [] };
}

async function keep(link, fetchBlob, signal) {
  try {
    const blob = await fetchBlob(link);
    return { url: URL.createObjectURL(blob), kept: true, blob };
  } catch (error) {
    if (signal.aborted || error.status === 404) throw error; // canceled, or the link is used up
    return { url: link, kept: false, blob: null };
  }
}

async function readTheme(answer, { blob }) {
  const theme = { bytes: blob?.size ?? 0, pictureUrl: null, pictureBytes: 0, pictureWidth: 0, colours: null };
  if (!blob) return theme;
  const files = await storedFiles(blob).catch(() => ({}));
  const manifest = await files["manifest.json"]?.text().then(JSON.parse).catch(() => null);
  const scale = devicePixelRatio > 1 ? "200" : "100"; // Chrome takes "200" on any scale above 100 %
  const picture = files[manifest?.theme?.images?.theme_ntp_background?.[scale]];
  if (picture) {
    theme.pictureUrl = URL.createObjectURL(picture.slice(0, picture.size, "image/avif"));
    theme.pictureBytes = picture.size;
    const facts = answer.theme?.pictures?.find((one) => one.scale === scale);
    theme.pictureWidth = (facts?.width ?? 0) / (Number(scale) / 100); // CSS px, as Chrome draws it
  }
  theme.colours = manifestColours(manifest);
  return theme;
}

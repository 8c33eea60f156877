// Download the results with the one-time links, so that they can be saved any number of times.

import { manifestColours } from "../preview/colours.js";
import { storedFiles } from "./zip.js";
import { result as words } from "../strings.js";

/**
 * Resolve to {gif, url, kept, picture, pictureError, theme, themeError}. `kept` is false if `url` is
 * still the one-time link, because the download failed. `gif` and `picture` have the properties that
 * the server sent; `picture` also has {url, kept}. `theme` is {url, kept, bytes, pictureUrl,
 * pictureBytes, pictureWidth, colours}. `picture` and `theme` are null if there is none.
 */
export async function collect({ api, answer, report, signal }) {
  const fetchBlob = (url) => api.fetchFile(url, {
    signal,
    onProgress: (loaded, total) =>
      report({ step: "fetch", loaded, total, percent: Math.floor((loaded / total) * 100) }),
  });
  // Resolve to {value, error}: the conversion succeeds even if the picture or theme can't be fetched.
  const extra = async (link, read, sentence) => {
    try {
      return { value: link ? await read() : null, error: null };
    } catch (error) {
      if (signal.aborted) throw error;
      return { value: null, error: sentence(error.message) };
    }
  };
  const readPicture = async () => {
    const { url, kept } = await keep(answer.picture_url, fetchBlob, signal);
    return { ...answer.picture, url, kept };
  };
  const picture = await extra(answer.picture_url, readPicture, words.pictureNotFetched);
  const gif = await keep(answer.converted_url, fetchBlob, signal);
  const readZip = () => readTheme(answer, fetchBlob, signal);
  const theme = await extra(answer.theme_url, readZip, words.themeNotFetched);
  return {
    gif: answer.gif,
    url: gif.url,
    kept: gif.kept,
    picture: picture.value,
    pictureError: picture.error ?? answer.picture_error ?? null,
    theme: theme.value,
    themeError: theme.error ?? answer.theme_error ?? null,
  };
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

async function readTheme(answer, fetchBlob, signal) {
  const { url, kept, blob } = await keep(answer.theme_url, fetchBlob, signal);
  const theme = { url, kept, bytes: blob?.size ?? 0, pictureUrl: null, pictureBytes: 0, pictureWidth: 0, colours: null };
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

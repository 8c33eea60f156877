// Download the results with the one-time links, so that Save works any number of times.

import { manifestColours } from "../preview/colours.js";
import { extensionOf } from "../intake/limits.js";
import { storedFiles } from "./zip.js";
import { result as words } from "../strings.js";

/**
 * {gif, url, kept, theme, themeError}: `kept` is false where `url` is still the one-time link;
 * theme is null or {url, kept, bytes, pictureUrl, pictureBytes, pictureKind, colours}.
 */
export async function collect({ api, answer, report, signal }) {
  const fetchBlob = (url) => api.fetchFile(url, {
    signal,
    onProgress: (loaded, total) =>
      report({ step: "fetch", loaded, total, percent: Math.floor((loaded / total) * 100) }),
  });
  const gif = await keep(answer.converted_url, fetchBlob, signal);
  const result = { gif: answer.gif, url: gif.url, kept: gif.kept, theme: null };
  result.themeError = answer.theme_error?.error ?? answer.theme_error ?? null;
  if (answer.theme_url) {
    try {
      result.theme = await readTheme(answer.theme_url, fetchBlob, signal);
    } catch (error) {
      if (signal.aborted) throw error;
      result.themeError = words.themeNotFetched(error.message); // the GIF is here all the same
    }
  }
  return result;
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

async function readTheme(link, fetchBlob, signal) {
  const { url, kept, blob } = await keep(link, fetchBlob, signal);
  const theme = { url, kept, bytes: blob?.size ?? 0, pictureUrl: null, pictureBytes: 0, pictureKind: null, colours: null };
  if (!blob) return theme;
  const files = await storedFiles(blob).catch(() => ({}));
  const manifest = await files["manifest.json"]?.text().then(JSON.parse).catch(() => null);
  const name = pictureName(manifest, devicePixelRatio);
  const picture = files[name];
  if (picture) {
    const kind = extensionOf(name).slice(1); // avif; webp where the server's ffmpeg has no AV1
    theme.pictureUrl = URL.createObjectURL(picture.slice(0, picture.size, `image/${kind}`));
    theme.pictureBytes = picture.size;
    theme.pictureKind = { avif: "AVIF", webp: "WebP" }[kind];
  }
  theme.colours = manifestColours(manifest);
  return theme;
}

// Chrome takes "200" on any display scaled above 100 %.
function pictureName(manifest, scale) {
  const names = manifest?.theme?.images?.theme_ntp_background;
  if (!names || typeof names === "string") return names;
  return names[scale > 1 ? "200" : "100"];
}

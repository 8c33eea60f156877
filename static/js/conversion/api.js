// Requests to the server. Responses are JSON. An error response becomes a RefusedError with the
// server's sentence and code, a lost connection a LostError.

export class RefusedError extends Error {
  name = "RefusedError";

  constructor({ status, code, error, retryAfter }) {
    super(error);
    Object.assign(this, { status, code, retryAfter });
  }
}

export class LostError extends Error {
  name = "LostError";
}

/** The page's requests. `urls` and the CSRF token come from the template. */
export function createApi({ urls, csrfToken }) {
  const jobUrl = (id) => urls.jobs.replace("{id}", id);
  const headers = { "X-CSRFToken": csrfToken, Accept: "application/json" };

  return {
    health: (signal) => getJson(urls.health, { signal }),
    findJob: (id, signal) => getJson(jobUrl(id), { signal, headers: { Accept: "application/json" } }),
    cancelJob: (id) => getJson(jobUrl(id), { method: "DELETE", headers, keepalive: true }),
    convert: (fields, { signal, onProgress }) =>
      upload(urls.convert, { fields, headers, signal, onProgress }),
    fetchFile,
  };
}

async function getJson(url, options) {
  const response = await reach(url, { cache: "no-store", ...options });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw refusal(response.status, body, response.headers.get("Retry-After"));
  return body;
}

async function reach(url, options) {
  try {
    return await fetch(url, options);
  } catch (error) {
    throw error.name === "AbortError" ? error : new LostError(error.message);
  }
}

function refusal(status, body, retryAfter) {
  const unknown = body?.status === "unhealthy" ? "unhealthy" : "unexpected";
  const { code = unknown, error = "" } = body ?? {};
  return new RefusedError({ status, code, error, retryAfter: Number(retryAfter) || 0 });
}

// XMLHttpRequest, because fetch reports no upload progress.
function upload(url, { fields, headers, signal, onProgress }) {
  return new Promise((resolve, reject) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    const request = new XMLHttpRequest();
    request.open("POST", url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => onProgress(loaded, total);
    request.upload.onload = ({ loaded }) => onProgress(loaded, loaded);
    request.onerror = () => reject(new LostError("upload"));
    request.onabort = () => reject(new DOMException("aborted", "AbortError"));
    request.onload = () => {
      const body = parse(request.responseText);
      if (request.status < 300 && body) resolve(body);
      else reject(refusal(request.status, body, request.getResponseHeader("Retry-After")));
    };
    signal.addEventListener("abort", () => request.abort(), { once: true });
    request.send(form);
  });
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** Download a one-time file as a Blob. Throws if it is incomplete; the link then stays valid. */
async function fetchFile(url, { signal, onProgress }) {
  const response = await reach(url, { signal, cache: "no-store" });
  if (!response.ok) throw refusal(response.status, await response.json().catch(() => ({})), null);
  const total = Number(response.headers.get("Content-Length"));
  const reader = response.body.getReader();
  const chunks = [];
  let loaded = 0;
  for (;;) {
    const { done, value } = await reader.read().catch((error) => {
      throw error.name === "AbortError" ? error : new LostError(error.message);
    });
    if (done) break;
    chunks.push(value);
    loaded += value.length;
    onProgress(loaded, total || loaded);
  }
  return new Blob(chunks, { type: response.headers.get("Content-Type") ?? "" });
}

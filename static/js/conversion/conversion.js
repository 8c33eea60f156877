// Run one conversion, from the check of the server to the downloaded result. Calls report(job), where
// job is one of
//   {step: "check"}  {step: "wait", retryIn}  {step: "upload", loaded, total, percent, secondsLeft}
//   {step: "queue", position}  {step: "work", stage, percent}  {step: "fetch", loaded, total, percent}

import { LostError, RefusedError } from "./api.js";
import { Collection } from "../result/collection.js";

export { createApi } from "./api.js";
export { withoutPending } from "../result/collection.js";
export { createResult } from "../result/result.js";

const FIRST_POLL_MS = 400;
const SLOWEST_POLL_MS = 1000;
const BUSY_WAIT_S = 5; // if the server sends no Retry-After
const LOST_POLLS = 8; // polls (about eight seconds) without an answer before the connection counts as lost
const RATE_AFTER_MS = 800;
const UNKNOWN_CODES = ["unknown_job", "rq_disabled"]; // in queue mode, in inline mode
const CANCEL_ATTEMPTS = 4;
const CANCEL_AGAIN_MS = 500;

/**
 * Resolve to a result (see collection.js). Throws RefusedError, LostError or AbortError.
 * `attempts` are objects of form fields. The next one is sent if the server answers
 * incomplete_upload, because it needs more of the file. Calls `onPart(result)` with results that
 * still lack some of the extras in `wanted`.
 */
export async function convert({ wanted, onPart, ...options }) {
  const { api, report, signal } = options;
  const collection = new Collection({ api, wanted, signal });
  const onMade = async (job) => {
    const part = await collection.addMade(job).catch(() => null);
    if (part?.pending.length && !signal.aborted) onPart(part);
  };
  const answer = await firstComplete({ ...options, onMade });
  return collection.finish(answer, report);
}

async function firstComplete({ attempts, resume, ...options }) {
  for (const [index, fields] of attempts.entries()) {
    try {
      return await new Conversion({ ...options, fields, resume: index ? null : resume }).run();
    } catch (error) {
      if (error.code !== "incomplete_upload" || index === attempts.length - 1) throw error;
    }
  }
}

class Conversion {
  #api;
  #fields;
  #jobId;
  #resume;
  #onJob;
  #onMade;
  #report;
  #signal;

  constructor({ api, fields, resume, onJob, onMade, report, signal }) {
    this.#api = api;
    this.#fields = fields;
    this.#resume = resume;
    this.#onJob = onJob;
    this.#onMade = onMade;
    this.#report = report;
    this.#signal = signal;
  }

  /** Convert; resolve to the server's response with the links. */
  async run() {
    let answer = this.#resume && (await this.#resumeJob(this.#resume));
    while (!answer) {
      await this.#waitForTurn();
      this.#jobId = uuid4();
      this.#onJob(this.#jobId);
      answer = await this.#attempt();
    }
    return answer;
  }

  // After a lost connection the job may still be running, or have finished.
  async #resumeJob(id) {
    try {
      return await this.#follow(id, { patience: 0 });
    } catch (error) {
      if (this.#signal.aborted || !(isUnknown(error) || error.name === "AbortError")) throw error;
      return null; // the server canceled it when the connection was lost
    }
  }

  async #waitForTurn() {
    this.#report({ step: "check" });
    while (await this.#hadToWait());
  }

  // Check whether the server is busy; if so, wait for its Retry-After.
  async #hadToWait() {
    const health = await this.#api.health(this.#signal);
    if (!(health.mode === "inline" && health.busy)) return false;
    await this.#countDown(health.retry_after || BUSY_WAIT_S);
    return true;
  }

  async #countDown(seconds) {
    for (let left = Math.ceil(seconds); left > 0; left -= 1) {
      this.#report({ step: "wait", retryIn: left });
      await pause(1000, this.#signal);
    }
  }

  // Upload once. Resolves to null if the server is busy.
  async #attempt() {
    const watch = new AbortController();
    const stop = () => watch.abort();
    this.#signal.addEventListener("abort", stop, { once: true });
    try {
      const body = await this.#upload(watch.signal);
      stop();
      return body.enqueued ? await this.#follow(body.job_id) : body;
    } catch (error) {
      stop();
      if (error instanceof RefusedError && error.code === "busy") {
        await this.#countDown(error.retryAfter || BUSY_WAIT_S);
        return null;
      }
      if (error instanceof LostError) return this.#afterLoss(error);
      throw error;
    } finally {
      this.#signal.removeEventListener("abort", stop);
    }
  }

  // In inline mode the POST returns the result; until then poll /jobs/ for progress.
  #upload(watchSignal) {
    const began = performance.now();
    let watching = null;
    const onProgress = (loaded, total) => {
      this.#report(uploadJob({ loaded, total, elapsed: performance.now() - began }));
      if (loaded >= total) watching ??= this.#follow(this.#jobId, { watchSignal }).catch(() => {});
    };
    const fields = { ...this.#fields, job_id: this.#jobId };
    return this.#api.convert(fields, { signal: this.#signal, onProgress });
  }

  // A busy server closes the connection before it has read the upload, which looks like a lost
  // connection. A connection may also be lost while the conversion continues.
  async #afterLoss(error) {
    const found = await this.#resumeJob(this.#jobId);
    if (found) return found;
    if (await this.#hadToWait()) return null;
    throw error;
  }

  /**
   * Poll until the job has finished; resolve to its record. `patience` is the number of polls at the
   * start in which the server may not know the job.
   */
  async #follow(id, { watchSignal = this.#signal, patience = 10 } = {}) {
    let delay = FIRST_POLL_MS;
    let silent = 0;
    for (;;) {
      await pause(delay, watchSignal);
      delay = Math.min(SLOWEST_POLL_MS, delay * 1.3);
      try {
        const job = await this.#api.findJob(id, watchSignal);
        silent = 0;
        patience = 0;
        if (job.status === "finished") return job;
        if (job.status === "failed") throw new RefusedError({ status: 422, ...job });
        if (job.status === "canceled") throw new DOMException("canceled", "AbortError");
        if (watchSignal.aborted) continue; // the next pause ends this loop
        this.#report(workJob(job));
        if (job.converted_url) this.#onMade(job);
      } catch (error) {
        if (error instanceof LostError && (silent += 1) <= LOST_POLLS) continue;
        if (isUnknown(error) && (patience -= 1) >= 0) continue;
        throw error;
      }
    }
  }
}

/** Cancel a job. Retry while it is unknown, because the server may still be reading its upload. */
export async function cancelJob(api, jobId) {
  for (let attempt = 0; attempt < CANCEL_ATTEMPTS; attempt += 1) {
    try {
      return await api.cancelJob(jobId);
    } catch (error) {
      if (!isUnknown(error)) return null; // the server can't be reached
    }
    await new Promise((resolve) => setTimeout(resolve, CANCEL_AGAIN_MS));
  }
  return null;
}

function isUnknown(error) {
  return UNKNOWN_CODES.includes(error.code);
}

function uploadJob({ loaded, total, elapsed }) {
  const secondsLeft = loaded && elapsed > RATE_AFTER_MS
    ? ((total - loaded) / loaded) * (elapsed / 1000)
    : null;
  return { step: "upload", loaded, total, secondsLeft, percent: share(loaded, total) };
}

function workJob({ status, stage, progress, position }) {
  if (status === "queued") return { step: "queue", position: position ?? 0 };
  return { step: "work", stage, percent: Math.min(99, Math.round(progress ?? 0)) };
}

function share(part, all) {
  return all ? Math.min(100, Math.floor((part / all) * 100)) : 0;
}

function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const abort = () => {
      clearTimeout(timer);
      reject(new DOMException("aborted", "AbortError"));
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", abort);
      resolve();
    }, milliseconds);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
}

/** Return a version 4 UUID; crypto.randomUUID is missing in pages loaded over http. */
function uuid4() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

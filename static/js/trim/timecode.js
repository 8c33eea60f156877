// Parse and format times, for users and for the server. Pure functions.

const NUMBER = /^\d+$/;
const SECONDS = /^\d+([.,]\d+)?$/;

/** Parse "1:02:03.250", "2:03.25", "3.25" or "3" to seconds; NaN if it is invalid. */
export function parseTimecode(text) {
  const parts = text.trim().split(":");
  const last = parts.pop();
  if (parts.length > 2 || !SECONDS.test(last) || !parts.every((part) => NUMBER.test(part))) {
    return NaN;
  }
  const seconds = Number(last.replace(",", "."));
  if (parts.length && seconds >= 60) return NaN;
  if (parts.length === 2 && Number(parts[1]) >= 60) return NaN;
  return parts.reduce((sum, part) => sum * 60 + Number(part), 0) * 60 + seconds;
}

/** Format seconds as "HH:MM:SS.mmm", the start_time of POST /convert/. */
export function formatTimecode(seconds) {
  const { h, m, s, ms } = split(seconds);
  return `${pad(h, 2)}:${pad(m, 2)}:${pad(s, 2)}.${pad(ms, 3)}`;
}

/** Format seconds as "0:03.250" for users; hours if there are any, milliseconds by default. */
export function formatClock(seconds, { thousandths = true } = {}) {
  const { h, m, s, ms } = split(thousandths ? seconds : Math.round(seconds));
  const minutes = h ? `${h}:${pad(m, 2)}` : `${m}`;
  return `${minutes}:${pad(s, 2)}${thousandths ? `.${pad(ms, 3)}` : ""}`;
}

function split(seconds) {
  const total = Math.max(0, Math.round(seconds * 1000));
  return {
    h: Math.floor(total / 3_600_000),
    m: Math.floor(total / 60_000) % 60,
    s: Math.floor(total / 1000) % 60,
    ms: total % 1000,
  };
}

function pad(number, digits) {
  return String(number).padStart(digits, "0");
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { formatClock, formatTimecode, parseTimecode } from "../../static/js/trim/timecode.js";

test("a typed time is parsed in all usual formats", () => {
  const spellings = {
    "3": 3, "3.25": 3.25, "3,25": 3.25, "0:03.250": 3.25, " 1:02 ": 62,
    "01:00:00": 3600, "1:02:03.5": 3723.5, "90": 90, "00:00:00.001": 0.001,
  };
  for (const [text, seconds] of Object.entries(spellings)) assert.equal(parseTimecode(text), seconds, text);
});

test("an invalid time is NaN", () => {
  for (const text of ["", "abc", "1:2:3:4", "1:60", "1:60:00", "-1", "1.2.3", ":", "1:", "1:1.5:3", "0x10", "1e3"]) {
    assert.ok(Number.isNaN(parseTimecode(text)), text);
  }
});

test("the server gets hours, minutes, seconds and milliseconds", () => {
  assert.equal(formatTimecode(0), "00:00:00.000");
  assert.equal(formatTimecode(2.5), "00:00:02.500");
  assert.equal(formatTimecode(1 / 24), "00:00:00.042");
  assert.equal(formatTimecode(36_000 + 59.9996), "10:01:00.000");
});

test("users see only as many fields as the time needs", () => {
  assert.equal(formatClock(3.25), "0:03.250");
  assert.equal(formatClock(62), "1:02.000");
  assert.equal(formatClock(3723.5), "1:02:03.500");
  assert.equal(formatClock(9.7, { thousandths: false }), "0:10");
});

test("a formatted time is parsed to the same time", () => {
  for (let ms = 0; ms < 8_000_000; ms += 123_457) {
    assert.equal(parseTimecode(formatTimecode(ms / 1000)), ms / 1000);
    assert.equal(parseTimecode(formatClock(ms / 1000)), ms / 1000);
  }
});

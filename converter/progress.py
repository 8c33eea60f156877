"""The record of each job in Django's cache: its progress, its outcome, and its cancel flag.

The process that converts (web or worker) writes the record, and any web process reads it.
"""

import time
from collections.abc import Callable
from typing import Any, Literal, NotRequired, TypedDict

from django.conf import settings
from django.core.cache import cache

from converter import broker
from converter.errors import JobIdTakenError
from converter.pipeline.errors import (
    ConversionCanceledError,
    ConversionError,
    ConversionTimeoutError,
)

FAILURE_TTL_S = 3600
INTERRUPTED = "The conversion was interrupted. Please try again."
WAITED_TOO_LONG = "The video waited too long in the queue. Please try again later."
# A running conversion writes its record when its percent changes, and at least every HEARTBEAT_S.
# If the record is older than this, it was killed. In queue mode broker.takeover_s is added.
HEARTBEAT_TIMEOUT_S = 60
HEARTBEAT_S = HEARTBEAT_TIMEOUT_S / 4
# Intervals, in s, for reading the cancel flag and writing progress. Pages poll less often.
CANCEL_POLL_S = REPORT_INTERVAL_S = 0.1
# s after an error of the cache before the next attempt.
CACHE_RETRY_S = 3.0

Status = Literal["queued", "started", "finished", "failed", "canceled"]
RUNNING = ("queued", "started")
NOTHING_DONE = ("decode", 0)


class Result(TypedDict, total=False):
    """A result of a job: its download token and facts, or an extra's `error` sentence.

    Without facts the file of the token is still being stored.
    """

    token: str
    facts: dict[str, Any]
    error: str


class Record(TypedDict):
    """A job in the cache; `at` is the Unix time in s at which it was written.

    While the job runs, `results` has those that are made already.
    """

    status: Status
    stage: NotRequired[str]
    progress: NotRequired[int]
    at: NotRequired[float]
    position: NotRequired[int]
    error: NotRequired[str]
    code: NotRequired[str]
    results: NotRequired[dict[str, Result]]


def _key(job_id: str) -> str:
    return f"job:{job_id}"


def _cancel_key(job_id: str) -> str:
    return f"cancel:{job_id}"


def _longest_life_s() -> int:
    return int(settings.QUEUE_TTL + settings.CONVERSION_TIMEOUT)


def enqueue(job_id: str) -> None:
    """Create the record of a waiting job. Raises JobIdTakenError if the id has a record."""
    _open(job_id, "queued")


def begin(job_id: str) -> "ProgressReporter":
    """Create the record of a job that starts now. Raises JobIdTakenError."""
    _open(job_id, "started")
    return ProgressReporter(job_id)


def resume(job_id: str) -> "ProgressReporter":
    """Mark the job of a record as started.

    A second attempt, after the first worker was killed, doesn't start below the first's percent.
    """
    reporter = ProgressReporter(job_id)
    reporter.read()
    reporter.write()
    return reporter


def _open(job_id: str, status: Status) -> None:
    if not cache.add(_key(job_id), _record(status, *NOTHING_DONE), _longest_life_s()):
        raise JobIdTakenError


def _record(status: Status, stage: str, percent: int) -> Record:
    return Record(status=status, stage=stage, progress=percent, at=time.time())


class ProgressReporter:
    """Write a job's progress to the cache and read its cancel flag; both are rate-limited.

    The conversion continues if the cache does not answer.
    """

    def __init__(self, job_id: str) -> None:
        self._job_id = job_id
        self._shown = NOTHING_DONE
        self._no_cache_until = 0.0
        self._read_flag_at = 0.0
        self._write_at = 0.0
        self._heartbeat_at = time.monotonic() + HEARTBEAT_S
        self._is_canceled = False
        self._results: dict[str, Result] = {}
        # s that the job waited, by the clocks of the web server and the worker.
        self.waited_s = 0.0

    def report(self, stage: str, percent: int) -> None:
        """Write the progress, at most every REPORT_INTERVAL_S within a stage."""
        last_stage, last_percent = self._shown
        if percent > last_percent:
            self._shown = (stage, percent)
        if self._shown[0] != last_stage or time.monotonic() >= self._write_at:
            self.write()

    def read(self) -> None:
        """Continue with the stage and percent of the record."""
        record = self._try(lambda: _read(self._job_id))
        if record:
            self._shown = (record["stage"], record["progress"])
            if record["status"] == "queued":
                self.waited_s = max(0.0, time.time() - record["at"])

    def show(self, results: dict[str, Result]) -> None:
        """Write the results so far to the record, now and with each later progress."""
        self._results = dict(results)
        self.write()

    def write(self) -> None:
        """Write the record now."""
        self._write_at = time.monotonic() + REPORT_INTERVAL_S
        self._heartbeat_at = time.monotonic() + HEARTBEAT_S
        record = _record("started", *self._shown)
        if self._results:
            record["results"] = self._results
        self._try(lambda: cache.set(_key(self._job_id), record, _longest_life_s()))

    def is_canceled(self) -> bool:
        """Return whether the job was canceled, at most CANCEL_POLL_S ago; also write the heartbeat.

        It is called continuously while ffmpeg runs.
        """
        if time.monotonic() >= self._heartbeat_at:
            self.write()
        if not self._is_canceled and time.monotonic() >= self._read_flag_at:
            self._read_flag_at = time.monotonic() + CANCEL_POLL_S
            self._is_canceled = bool(self._try(lambda: is_canceled(self._job_id)))
        return self._is_canceled

    def _try(self, call: Callable[[], Any]) -> Any:
        if time.monotonic() < self._no_cache_until:
            return None
        failures: tuple[type[Exception], ...] = (OSError, *broker.errors())
        try:
            return call()
        except failures:
            self._no_cache_until = time.monotonic() + CACHE_RETRY_S
            return None


def finish(job_id: str, results: dict[str, Result]) -> Record:
    """Write and return the finished job's record, kept as long as its links."""
    record = Record(status="finished", stage="verify", progress=100, results=results)
    cache.set(_key(job_id), record, settings.DOWNLOAD_TTL)
    return record


def fail(job_id: str, error: ConversionError) -> None:
    """Write the error to the record, which is kept for an hour."""
    status: Status = "canceled" if error.code == "canceled" else "failed"
    record = Record(status=status, stage="", progress=0, error=str(error), code=error.code)
    cache.set(_key(job_id), record, FAILURE_TTL_S)


def fail_if_open(job_id: str, error: ConversionError) -> ConversionError | None:
    """Fail the job and return the error; return None if its outcome is already known."""
    record = _read(job_id)
    if record is None or record["status"] not in RUNNING:
        return None
    error = ConversionCanceledError() if is_canceled(job_id) else error
    fail(job_id, error)
    return error


def requeue(job_id: str) -> None:
    """Mark the job as queued for its second attempt; keep its progress."""
    record = _read(job_id)
    if record is not None:
        again: Record = {**record, "status": "queued", "at": time.time()}
        cache.set(_key(job_id), again, _longest_life_s())


def forget(job_id: str) -> None:
    """Remove the record of a job that could not be enqueued."""
    cache.delete(_key(job_id))


def find(job_id: str) -> Record | None:
    """Return the job's record; a running job without a recent heartbeat counts as failed."""
    record = _read(job_id)
    if record is None or record["status"] not in RUNNING:
        return record
    if is_canceled(job_id):
        return {**record, "status": "canceled"}
    if time.time() - record["at"] <= _longest_silence_s(record["status"]):
        return record
    error = ConversionError(INTERRUPTED)
    if record["status"] == "queued":
        error = ConversionTimeoutError(WAITED_TOO_LONG)
    return {**record, "status": "failed", "code": error.code, "error": str(error)}


def _read(job_id: str) -> Record | None:
    record: Record | None = cache.get(_key(job_id))
    return record


def _longest_silence_s(status: Status) -> float:
    """Return the maximal age of a running job's record in s."""
    if status == "queued":
        return float(settings.QUEUE_TTL)
    return HEARTBEAT_TIMEOUT_S + broker.takeover_s()


def tokens(job_id: str) -> list[str]:
    """Return the download tokens of the job's results so far."""
    record = _read(job_id)
    results = record.get("results", {}) if record is not None else {}
    return [result["token"] for result in results.values() if "token" in result]


def is_running(job_id: str) -> bool:
    """Return whether the job waits or runs."""
    record = find(job_id)
    return record is not None and record["status"] in RUNNING


def is_finished(job_id: str) -> bool:
    """Return whether the job has finished."""
    record = _read(job_id)
    return record is not None and record["status"] == "finished"


def cancel(job_id: str) -> None:
    """Set the job's cancel flag, which its conversion reads ten times a second."""
    cache.set(_cancel_key(job_id), True, _longest_life_s())


def is_canceled(job_id: str) -> bool:
    """Return whether the job's cancel flag is set."""
    return bool(cache.get(_cancel_key(job_id)))

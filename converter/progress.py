"""What is known of each conversion while it runs and after, and how it is called off.

One record a job in Django's cache, written by whoever converts (web or worker) and read by any web
process: the page asks /jobs/<id>/ without knowing the mode.
"""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.cache import cache

from converter import broker

FAILURE_TTL_S = 3600
INTERRUPTED = "The conversion was interrupted. Please try again."
# A converter says something as its percent grows, and while it needs long for one; one that is
# silent for so long was killed. With a queue WORKER_TTL comes on top: until then its job may be
# given to another worker.
HEARTBEAT_TIMEOUT_S = 60
# So that a long way to the first frame is not taken for silence.
HEARTBEAT_S = HEARTBEAT_TIMEOUT_S / 4
# How often a converter looks whether it was called off, and says how far it is: a page asks less.
CANCEL_POLL_S = REPORT_INTERVAL_S = 0.1
# How long a converter lets the cache alone after it failed to answer.
CACHE_RETRY_S = 3.0

Record = dict[str, Any]
RUNNING = ("queued", "started")


def _key(job_id: str) -> str:
    return f"job:{job_id}"


def _cancel_key(job_id: str) -> str:
    return f"cancel:{job_id}"


def _longest_life_s() -> int:
    return settings.QUEUE_TTL + settings.CONVERSION_TIMEOUT


def begin(job_id: str, *, status: str) -> bool:
    """Open the record; False if there is one of that id already."""
    record = {"status": status, "stage": "decode", "progress": 0, "at": time.time()}
    return cache.add(_key(job_id), record, _longest_life_s())


def report(job_id: str, stage: str, percent: int) -> None:
    """Say how far the conversion is."""
    record = {"status": "started", "stage": stage, "progress": percent, "at": time.time()}
    cache.set(_key(job_id), record, _longest_life_s())


class ProgressReporter:
    """A running conversion's line to its record: progress out, cancel in.

    The conversion goes on while the shared cache is away. A second attempt at a job, after its
    first worker was killed, never shows less than the first.
    """

    def __init__(self, job_id: str) -> None:
        self._job_id = job_id
        self._let_alone_until = 0.0
        self._ask_again_at = 0.0
        self._tell_again_at = 0.0
        self._say_again_at = time.monotonic() + HEARTBEAT_S
        self._is_canceled = False
        record = self._try(lambda: cache.get(_key(job_id))) or {"stage": "decode", "progress": 0}
        self._shown = (record["stage"], record["progress"])

    def report(self, stage: str, percent: int) -> None:
        """Say how far the conversion is."""
        last_stage, last_percent = self._shown
        if percent > last_percent:
            self._shown = (stage, percent)
        now = time.monotonic()
        if self._shown[0] == last_stage and now < self._tell_again_at:
            return
        self._tell_again_at = now + REPORT_INTERVAL_S
        self._say_again_at = now + HEARTBEAT_S
        self._try(lambda: report(self._job_id, *self._shown))

    def is_canceled(self) -> bool:
        """Whether the job was called off, as known a tenth of a second ago.

        Asked all the time while ffmpeg runs, so this is where a silent conversion speaks.
        """
        if time.monotonic() >= self._say_again_at:
            self.report(*self._shown)
        if not self._is_canceled and time.monotonic() >= self._ask_again_at:
            self._ask_again_at = time.monotonic() + CANCEL_POLL_S
            self._is_canceled = bool(self._try(lambda: is_canceled(self._job_id)))
        return self._is_canceled

    def _try(self, call: Callable[[], Any]) -> Any:
        if time.monotonic() < self._let_alone_until:
            return None
        try:
            return call()
        except broker.errors():
            self._let_alone_until = time.monotonic() + CACHE_RETRY_S
            return None


def finish(job_id: str, result: Record) -> None:
    """The conversion's result, kept as long as its link."""
    record = {"status": "finished", "stage": "verify", "progress": 100, **result}
    cache.set(_key(job_id), record, settings.DOWNLOAD_TTL)


def fail(job_id: str, *, error: str, code: str) -> None:
    """Why there is no result, kept for an hour."""
    status = "canceled" if code == "canceled" else "failed"
    record = {"status": status, "stage": "", "progress": 0, "error": error, "code": code}
    cache.set(_key(job_id), record, FAILURE_TTL_S)


def fail_if_open(job_id: str, *, error: str, code: str) -> None:
    """`fail`, unless the outcome is known already."""
    record = cache.get(_key(job_id))
    if record is not None and record["status"] in RUNNING:
        fail(job_id, error=error, code="canceled" if is_canceled(job_id) else code)


def wait_again(job_id: str) -> None:
    """The conversion was cut short and waits for its second attempt; shown as far as it was."""
    record = cache.get(_key(job_id))
    if record is not None:
        again = {**record, "status": "queued", "at": time.time()}
        cache.set(_key(job_id), again, _longest_life_s())


def forget(job_id: str) -> None:
    """Take back `begin`: the conversion could not be enqueued."""
    cache.delete(_key(job_id))


def find(job_id: str) -> Record | None:
    """The job's record; one that nobody works on any more counts as failed."""
    record: Record | None = cache.get(_key(job_id))
    if record is None or record["status"] not in RUNNING:
        return record
    if is_canceled(job_id):
        return {**record, "status": "canceled"}
    if time.time() - record["at"] <= _patience_s(record["status"]):
        return record
    return {
        **record,
        "status": "failed",
        "code": "internal",
        "error": INTERRUPTED,
    }


def _patience_s(status: str) -> float:
    """How old a running job's record may grow."""
    if status == "queued":
        return settings.QUEUE_TTL
    return HEARTBEAT_TIMEOUT_S + (settings.WORKER_TTL if settings.USE_RQ else 0)


def is_running(job_id: str) -> bool:
    """Whether the job waits or is being converted."""
    record = find(job_id)
    return record is not None and record["status"] in RUNNING


def is_finished(job_id: str) -> bool:
    """Whether the job's result stands."""
    record = cache.get(_key(job_id))
    return record is not None and record["status"] == "finished"


def cancel(job_id: str) -> None:
    """Ask whoever converts to stop; it looks ten times a second."""
    cache.set(_cancel_key(job_id), True, _longest_life_s())


def is_canceled(job_id: str) -> bool:
    """Whether the job was called off."""
    return bool(cache.get(_cancel_key(job_id)))

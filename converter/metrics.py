"""Count requests, conversions and downloads for /metrics (exposition.py), if METRICS is on.

All processes add to the same counts, so none are lost when a process ends, such as a work horse
after its job. With USE_RQ they are in Redis, otherwise in a file that gunicorn's processes share.
While the store does not answer, a process keeps its counts in memory and adds them later.
"""

import contextlib
import fcntl
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import Resolver404, resolve

from converter import broker
from converter.pipeline.errors import ConversionError

# A count's name: the metric and the values of its labels.
Name = tuple[str, ...]
Counts = dict[Name, float]
Report = Callable[[str, int], None]
GetResponse = Callable[[HttpRequest], HttpResponseBase]

REQUESTS, REFUSALS = "chromi_requests", "chromi_refusals"
CONVERSIONS, STAGE_SECONDS = "chromi_conversions", "chromi_stage_seconds"
UPLOADED, DOWNLOADS, DOWNLOADED = (
    "chromi_upload_bytes",
    "chromi_downloads",
    "chromi_download_bytes",
)
# Upper bounds of the histogram's buckets in s. CONVERSION_TIMEOUT is 100; only waiting is longer.
BUCKETS_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 50.0, 100.0, 300.0, 1000.0)
# The name of the stage in which a job waits for a worker.
QUEUE = "queue"
# s after an error of the store before the next attempt.
RETRY_S = 3.0

_lock = threading.Lock()
pending: Counts = {}
retry_at = 0.0


def add(counts: Counts) -> None:
    """Add to the stored counts, or keep them in memory for the next call if the store fails."""
    global pending, retry_at
    if not settings.METRICS:
        return
    with _lock:
        _merge(pending, counts)
        if not pending or time.monotonic() < retry_at:
            return
        batch, pending = pending, {}
    try:
        _store(batch)
    except store_errors():
        with _lock:
            _merge(pending, batch)
            retry_at = time.monotonic() + RETRY_S


def store_errors() -> tuple[type[Exception], ...]:
    """Return the exceptions raised while the store does not answer."""
    return (OSError, *broker.errors())


def stored() -> Counts:
    """Return all counts. Raises one of store_errors()."""
    add({})
    counts = broker.counts()
    found = _read(_folder() / "counts.json") if counts is None else counts
    return {tuple(json.loads(name)): float(count) for name, count in found.items()}


def _merge(into: Counts, counts: Counts) -> None:
    for name, count in counts.items():
        into[name] = into.get(name, 0) + count


def _store(counts: Counts) -> None:
    named = {json.dumps(name): count for name, count in counts.items()}
    if not broker.add_counts(named):
        _add_to_file(named)


def _folder() -> Path:
    return Path(settings.CACHE_DIR) / "metrics"


def _read(path: Path) -> dict[str, float]:
    try:
        counts: dict[str, float] = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    return counts


def _add_to_file(counts: dict[str, float]) -> None:
    """Add to the counts in the file, under a lock. A killed process leaves the file unchanged."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        path, part = folder / "counts.json", folder / "counts.part"
        total = _read(path)
        for name, count in counts.items():
            total[name] = total.get(name, 0) + count
        part.write_text(json.dumps(total))
        part.replace(path)
    finally:
        os.close(descriptor)


class StageTimer:
    """Measure how long each stage of a conversion takes, in s."""

    def __init__(self, *, waited_s: float) -> None:
        self._stage, self._since = "", time.monotonic()
        self.seconds: dict[str, float] = {QUEUE: waited_s} if waited_s else {}

    def enter(self, stage: str) -> None:
        """Begin a stage, unless it is the current one, and end the current one; "" begins none."""
        if stage == self._stage:
            return
        now = time.monotonic()
        if self._stage:
            self.seconds[self._stage] = self.seconds.get(self._stage, 0) + now - self._since
        self._stage, self._since = stage, now

    def observe(self, report: Report) -> Report:
        """Return a function that enters the stage in this timer and then calls `report`."""

        def enter_and_report(stage: str, percent: int) -> None:
            self.enter(stage)
            report(stage, percent)

        return enter_and_report

    def counts(self) -> Counts:
        """End the current stage; return the seconds as additions to the histogram."""
        self.enter("")
        counts: Counts = {}
        for stage, seconds in self.seconds.items():
            bound = next((str(most) for most in BUCKETS_S if seconds <= most), "+Inf")
            counts[STAGE_SECONDS, stage, bound] = 1
            counts[STAGE_SECONDS, stage, "sum"] = seconds
        return counts


@contextlib.contextmanager
def conversion(mode: str, report: Report, *, waited_s: float) -> Iterator[Report]:
    """Count the block as one conversion, with its outcome and the seconds of its stages.

    Yields a function that calls `report` and also times the stages. `waited_s` is the time in s
    that the job waited for a worker.
    """
    timer, outcome = StageTimer(waited_s=waited_s), ConversionError.code
    try:
        yield timer.observe(report)
        outcome = "finished"
    except ConversionError as error:
        outcome = error.code
        raise
    finally:
        add({(CONVERSIONS, mode, outcome): 1, **timer.counts()})


def count_failure(mode: str, error: ConversionError) -> None:
    """Count a job that ended outside a conversion: killed twice, or canceled in the queue."""
    add({(CONVERSIONS, mode, error.code): 1})


def count_download(filename: str, sent_bytes: int, *, is_received: bool) -> None:
    """Count one transfer of a result."""
    outcome = "received" if is_received else "broken_off"
    add({(DOWNLOADS, filename, outcome): 1, (DOWNLOADED, filename): sent_bytes})


class MetricsMiddleware:
    """Count each request after its response was sent, so that no client waits for the store."""

    def __init__(self, get_response: GetResponse) -> None:
        if not settings.METRICS:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        close = response.close

        def close_and_count() -> None:
            try:
                close()
            finally:
                add(_counts_of(request, response))

        response.close = close_and_count  # type: ignore[method-assign]
        return response


def _counts_of(request: HttpRequest, response: HttpResponseBase) -> Counts:
    counts: Counts = {(REQUESTS, _view_of(request), str(response.status_code)): 1}
    code = getattr(response, "refusal", None)
    if code:
        counts[REFUSALS, code] = 1
    body = getattr(request, "counted_body", None)
    if body is not None:
        counts[UPLOADED,] = body.received
    return counts


def _view_of(request: HttpRequest) -> str:
    """Return the view's name, or "admin" or "static" for these; "none" for unknown paths."""
    if request.path_info.startswith(settings.STATIC_URL):
        return "static"
    try:
        match = request.resolver_match or resolve(request.path_info)
    except Resolver404:
        return "none"
    return match.namespace or match.url_name or "none"

"""Count what happens, for /metrics (exposition.py): off unless METRICS is on.

The counts of all processes are kept in one place: in Redis with USE_RQ, where web processes and
workers on any machine add to them, else in a file that gunicorn's processes share. So a process
that ends, or a work horse that lives for one job, takes no count with it. While the store does not
answer, a process keeps its counts in memory and adds them later.
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

# A count is named by its metric and the values of the metric's labels.
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
# The stage before the first one: how long the job waited for a worker.
QUEUE = "queue"
# How long a process does without the store after it failed to answer.
RETRY_S = 3.0

_lock = threading.Lock()
pending: Counts = {}
retry_at = 0.0


def add(counts: Counts) -> None:
    """Add to the stored counts; keep what the store does not take now for the next time."""
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
    """What is raised while the store does not answer."""
    return (OSError, *broker.errors())


def stored() -> Counts:
    """All counts so far. Raises one of store_errors()."""
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
    """Add to the file, one process and thread at a time; whoever is killed leaves it whole."""
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
    """How long each stage of a conversion takes, in s."""

    def __init__(self, *, waited_s: float) -> None:
        self._stage, self._since = "", time.monotonic()
        self.seconds: dict[str, float] = {QUEUE: waited_s} if waited_s else {}

    def enter(self, stage: str) -> None:
        """End the stage that runs, if it is another, and begin this one; "" begins none."""
        if stage == self._stage:
            return
        now = time.monotonic()
        if self._stage:
            self.seconds[self._stage] = self.seconds.get(self._stage, 0) + now - self._since
        self._stage, self._since = stage, now

    def watching(self, report: Report) -> Report:
        """`report`, which tells this timer of the stage first."""

        def enter_and_report(stage: str, percent: int) -> None:
            self.enter(stage)
            report(stage, percent)

        return enter_and_report

    def counts(self) -> Counts:
        """The seconds as additions to the histogram."""
        self.enter("")
        counts: Counts = {}
        for stage, seconds in self.seconds.items():
            bound = next((str(most) for most in BUCKETS_S if seconds <= most), "+Inf")
            counts[STAGE_SECONDS, stage, bound] = 1
            counts[STAGE_SECONDS, stage, "sum"] = seconds
        return counts


@contextlib.contextmanager
def conversion(mode: str, report: Report, *, waited_s: float) -> Iterator[Report]:
    """Count the block as one conversion with its outcome and the seconds of its stages.

    Yields `report`, which then also times the stages. `waited_s` is how long the job waited for a
    worker, 0 if it did not.
    """
    timer, outcome = StageTimer(waited_s=waited_s), ConversionError.code
    try:
        yield timer.watching(report)
        outcome = "finished"
    except ConversionError as error:
        outcome = error.code
        raise
    finally:
        add({(CONVERSIONS, mode, outcome): 1, **timer.counts()})


def count_failure(mode: str, error: ConversionError) -> None:
    """Count a job that failed outside of a conversion: killed twice, or canceled in the queue."""
    add({(CONVERSIONS, mode, error.code): 1})


def count_download(filename: str, sent_bytes: int, *, is_received: bool) -> None:
    """Count one transfer of a result."""
    outcome = "received" if is_received else "broken_off"
    add({(DOWNLOADS, filename, outcome): 1, (DOWNLOADED, filename): sent_bytes})


class MetricsMiddleware:
    """Count each request when all of its answer has been sent, so that no client waits for it."""

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
    """The view's name; "admin", "static" and "none" for the admin, a file of the page, neither."""
    if request.path_info.startswith(settings.STATIC_URL):
        return "static"
    try:
        match = request.resolver_match or resolve(request.path_info)
    except Resolver404:
        return "none"
    return match.namespace or match.url_name or "none"

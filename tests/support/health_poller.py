"""Measure the latency of a server under load, compared with an idle server."""

import contextlib
import functools
import statistics
import threading
from collections.abc import Callable, Iterator

from tests.support.live import Live
from tests.support.waiting import PATIENCE_S

TRIES = 3
HEALTH_P99_S = 0.25


class HealthPoller:
    """Request /health/ twenty times a second in a thread; `took_s` has each latency in s."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self.took_s: list[float] = []
        self.failed: list[object] = []

    def __enter__(self) -> "HealthPoller":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()

    def _ask(self) -> None:
        while not self._done.wait(0.05):
            try:
                answer = self._live.request("GET", "/health/", timeout=PATIENCE_S)
            except OSError as error:
                self.failed.append(error)
                continue
            self.took_s.append(answer.seconds)
            if answer.status != 200:
                self.failed.append(answer)

    @property
    def p99_s(self) -> float:
        return statistics.quantiles(self.took_s, n=100)[98]


class TooSlowError(AssertionError):
    """The server was too slow, or another process used the CPU."""


def retried_if_slow(test: Callable[..., None]) -> Callable[..., None]:
    """Run the test again after TooSlowError, up to TRIES times: a slow server is slow each time."""

    @functools.wraps(test)
    def run(**fixtures: object) -> None:
        for _ in range(TRIES - 1):
            with contextlib.suppress(TooSlowError):
                return test(**fixtures)
        return test(**fixtures)

    return run


def check_latency(took: float, *, limit: float, idle: float) -> None:
    """Raise TooSlowError if `took` s reaches both `limit` s and three times `idle` s."""
    if took >= max(limit, 3 * idle):
        raise TooSlowError(f"{took:.3f} s; an idle server took {idle:.3f} s")


@contextlib.contextmanager
def poll_health(live: Live, idle: Live, record_property, load: str) -> Iterator[HealthPoller]:
    """Poll both servers during the block; yield the idle server's poller.

    Asserts that `live` always answered 200, and checks its 99th percentile of latency.
    """
    with HealthPoller(idle) as idle_poller, HealthPoller(live) as poller:
        yield idle_poller
    record_property(f"health_p99_ms {load}", round(poller.p99_s * 1000))
    record_property(f"health_p99_ms {load}, idle server", round(idle_poller.p99_s * 1000))
    assert poller.failed == []
    check_latency(poller.p99_s, limit=HEALTH_P99_S, idle=idle_poller.p99_s)

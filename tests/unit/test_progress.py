"""A running conversion's line to its record."""

from types import SimpleNamespace

import pytest
from django.core.cache import cache

from converter import progress

JOB = "0b1f3c52-2c5b-4f5e-9e57-3c1fb3c1a9d0"


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """What progress takes for the time, on both its clocks."""
    now = [1000.0]
    times = SimpleNamespace(time=lambda: now[0], monotonic=lambda: now[0])
    monkeypatch.setattr(progress, "time", times)
    return now


def test_a_conversion_that_stays_long_at_one_percent_does_not_fail(clock):
    cache.clear()
    progress.begin(JOB, status="started")
    line = progress.ProgressReporter(JOB)
    line.report("encode", 7)
    for _ in range(200):
        clock[0] += 1
        line.is_canceled()
    record = progress.find(JOB)
    assert (record["status"], record["stage"], record["progress"]) == ("started", "encode", 7)
    clock[0] += progress.HEARTBEAT_TIMEOUT_S + 1  # nobody asks any more: it was killed
    assert progress.find(JOB)["status"] == "failed"


def test_progress_is_written_ten_times_a_second_and_a_new_stage_at_once(clock):
    cache.clear()
    progress.begin(JOB, status="started")
    line = progress.ProgressReporter(JOB)

    def told(stage: str, percent: int) -> int:
        line.report(stage, percent)
        return progress.find(JOB)["progress"]

    assert told("encode", 4) == 4
    assert told("encode", 5) == 4
    assert told("verify", 6) == 6
    clock[0] += progress.REPORT_INTERVAL_S
    assert told("verify", 7) == 7

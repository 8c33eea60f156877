"""ProgressReporter writes a job's progress and reads its cancel flag."""

from types import SimpleNamespace

import pytest
from django.core.cache import cache

from converter import progress

JOB = "0b1f3c52-2c5b-4f5e-9e57-3c1fb3c1a9d0"


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """Replace both clocks of progress.py; the list's only item is the time in s."""
    now = [1000.0]
    times = SimpleNamespace(time=lambda: now[0], monotonic=lambda: now[0])
    monkeypatch.setattr(progress, "time", times)
    return now


def test_a_conversion_that_stays_long_at_one_percent_does_not_fail(clock):
    cache.clear()
    reporter = progress.begin(JOB)
    reporter.report("encode", 7)
    for _ in range(200):
        clock[0] += 1
        reporter.is_canceled()
    record = progress.find(JOB)
    assert (record["status"], record["stage"], record["progress"]) == ("started", "encode", 7)
    clock[0] += progress.HEARTBEAT_TIMEOUT_S + 1  # no call any more: the process was killed
    assert progress.find(JOB)["status"] == "failed"


def test_a_job_that_waited_too_long_has_its_own_sentence(clock, settings):
    cache.clear()
    progress.enqueue(JOB)
    clock[0] += settings.QUEUE_TTL + 1
    record = progress.find(JOB)
    assert (record["status"], record["code"]) == ("failed", "timeout")
    assert "waited" in record["error"]


def test_progress_is_written_ten_times_a_second_and_a_new_stage_at_once(clock):
    cache.clear()
    reporter = progress.begin(JOB)

    def percent_after(stage: str, percent: int) -> int:
        reporter.report(stage, percent)
        return progress.find(JOB)["progress"]

    assert percent_after("encode", 4) == 4
    assert percent_after("encode", 5) == 4
    assert percent_after("verify", 6) == 6
    clock[0] += progress.REPORT_INTERVAL_S
    assert percent_after("verify", 7) == 7

"""The queue benchmark starts, kills what it says, and counts."""

import os
import re
import subprocess
import sys

from tests.support.live import ROOT
from tests.support.small import SMALL


def test_the_queue_benchmark_starts_kills_and_finds_nothing_lost():
    command = "-m benchmarks.queue.measure --jobs 6 --workers 2 --clients 3 --kill-every 2"
    done = subprocess.run(
        [sys.executable, *command.split(), "--p99-ms", "60000"],
        cwd=ROOT,
        env=os.environ | SMALL,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lost: 0, converted twice: 0, failed: 0\nfiles left: []\n" in done.stdout
    kills = re.search(r"kill -9: (\d) workers, (\d) work horses", done.stdout).groups()
    assert kills != ("0", "0")
    assert re.search(r"CPU seconds a job: .*; [\d.]+ core hours per 1,000 jobs", done.stdout)

"""The queue benchmark starts, kills what it says, and counts."""

import os
import re
import subprocess
import sys

from tests.support.files import ROOT
from tests.support.small import SMALL


def test_the_queue_benchmark_starts_kills_and_finds_nothing_lost():
    command = (
        "-m benchmarks.queue.measure --jobs 4 --workers 1 --clients 2 --kill-every 2 --processes 1"
    )
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
    assert "kill -9: 0 workers, 1 work horses\n" in done.stdout
    assert re.search(r"CPU seconds a job: .*; [\d.]+ core hours per 1,000 jobs", done.stdout)

"""The upload benchmark starts, and finds the GIF of a part the same."""

import subprocess
import sys

from tests.support.files import ROOT
from tests.support.parts import need_node


def test_the_upload_benchmark_starts_and_finds_the_same_gif():
    need_node()
    command = "-m benchmarks.upload.measure --megabytes 4 --only turned"
    done = subprocess.run(
        [sys.executable, *command.split()], cwd=ROOT, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[2].startswith("| H.264 VFR, turned (mp4) |")
    assert done.stdout.rstrip().endswith("| yes |")

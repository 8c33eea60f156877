"""The loop benchmark measures a clip of about a second."""

import os
import subprocess
import sys

import pytest

from tests.support.files import ROOT
from tests.support.loops import lighter_clip


@pytest.mark.long
@pytest.mark.parametrize(
    ("table", "columns", "rows"),
    [
        ("--seams", "frames | seam | worst", 3),
        ("--costs", "MB | CPU s | tree MB", 2),
    ],
)
def test_the_loop_benchmark_measures_a_small_clip(tmp_path, table, columns, rows):
    lighter_clip(tmp_path / "frog_480p30.mp4", count=26)
    command = [sys.executable, "benchmarks/loop", tmp_path, "--only", "six seconds", table]
    env = os.environ | {"LOOP_BENCH": str(tmp_path / "made"), "SECRET_KEY": "tests"}
    done = subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=280, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = done.stdout.splitlines()
    assert columns in lines[0]
    assert [line.startswith("| six seconds | ") for line in lines[2:]][:rows] == [True] * rows
    assert "blend" in lines[-1]

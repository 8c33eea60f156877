"""Environments in which servers and workers make smaller results, or work slowly.

The tests' settings modules call shrink(), which reads them.
"""

import os
import time

from converter.pipeline import profile, screen
from converter.pipeline.control import Control

SMALL_SIZE = (96, 54)  # px
SMALL = {"TEST_GIF": "{}x{}x6".format(*SMALL_SIZE)}  # px, px, s
BRIEF = {"TEST_GIF": "1280x720x1"}
# Slow enough to interrupt a conversion; it sleeps, so other tests can use the CPU.
SLOW = {"TEST_PAUSE_S": "0.04"}  # s per frame: 1 s per s of the clip


def shrink() -> None:
    """Apply TEST_GIF and TEST_PAUSE_S. Call it before modules that convert are imported."""
    if asked := os.environ.get("TEST_GIF"):
        width, height, seconds = map(int, asked.split("x"))
        profile.BACKGROUND = profile.ConversionProfile(
            width=width, height=height, fps=24, seconds=seconds
        )
        screen.SMALLEST = (width, height)  # allow themes for small screens
        screen.PICTURE_PIXELS = width * height
        screen.SECOND = dict.fromkeys(screen.SECOND, (screen.SMALLEST, screen.SMALLEST))
    if pause := float(os.environ.get("TEST_PAUSE_S", 0)):
        at = Control.report

        def slowly(control: Control, stage: str, done: float = 0.0) -> None:
            time.sleep(pause)
            at(control, stage, done)

        Control.report = slowly  # type: ignore[method-assign]

"""Servers and workers that cost less than the product: what they make is smaller, or slow to come.

Their environment says how; the tests' settings modules read it.
"""

import os
import time

from converter.pipeline import profile, screen
from converter.pipeline.control import Control

SMALL_SIZE = (96, 54)  # px
SMALL = {"TEST_GIF": "{}x{}x6".format(*SMALL_SIZE)}  # px, px, s
BRIEF = {"TEST_GIF": "1280x720x1"}
# Time enough to interrupt a conversion, and nobody's processor is busy meanwhile.
SLOW = {"TEST_PAUSE_S": "0.04"}  # a frame: 1 s for one of source


def shrink() -> None:
    """Let this process make what its environment says. Call it before what converts is imported."""
    if asked := os.environ.get("TEST_GIF"):
        width, height, seconds = map(int, asked.split("x"))
        profile.BACKGROUND = profile.ConversionProfile(
            width=width, height=height, fps=24, seconds=seconds
        )
        screen.SMALLEST = (width, height)  # a theme is as small as the screen that asks for it
        screen.SECOND = dict.fromkeys(screen.SECOND, (screen.SMALLEST, screen.SMALLEST))
    if pause := float(os.environ.get("TEST_PAUSE_S", 0)):
        at = Control.report

        def slowly(control: Control, stage: str, done: float = 0.0) -> None:
            time.sleep(pause)
            at(control, stage, done)

        Control.report = slowly  # type: ignore[method-assign]

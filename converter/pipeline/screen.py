"""Which pictures a theme needs for a screen: pure arithmetic on CSS px, picture px and scales.

Chrome never scales a theme's picture: up to a display scale of 1 it draws the picture at "100"
pixel for CSS px, above it the one at "200" at half its pixels (run in Chromium 156).
"""

import math
import re
from dataclasses import dataclass

from converter.pipeline.profile import Scale

_SCREEN = re.compile(r"(\d{2,5})x(\d{2,5})@(\d(?:\.\d{1,20})?)", re.ASCII)
MIN_SIDE, MAX_SIDE = 64, 16384
MIN_RATIO, MAX_RATIO = 0.25, 8.0
# (long side, short side) in px; a picture larger than this does not fit the house's memory.
SMALLEST, LARGEST = (1280, 720), (3840, 2160)
# A second display is seldom the larger one: its picture is there to not leave it blank.
SECOND = {"100": ((1920, 1080), (2560, 1440)), "200": ((2560, 1440), (2560, 1440))}

ROUNDING = 1e-3  # browsers say 1.100000023841858

Size = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Screen:
    """A screen's size in CSS px and its device pixels a CSS px."""

    width: int
    height: int
    ratio: float

    @property
    def scale(self) -> Scale:
        """Which of a theme's pictures Chrome draws on it."""
        return "100" if self.ratio <= 1 else "200"


def parse_screen(text: str) -> Screen:
    """The screen that "1512x982@2" describes. Raises ValueError.

    >>> parse_screen("1512x982@2")
    Screen(width=1512, height=982, ratio=2.0)
    """
    match = _SCREEN.fullmatch(text)
    if match is None:
        raise ValueError("not WIDTHxHEIGHT@RATIO")
    screen = Screen(width=int(match[1]), height=int(match[2]), ratio=float(match[3]))
    if not (
        MIN_SIDE <= screen.width <= MAX_SIDE
        and MIN_SIDE <= screen.height <= MAX_SIDE
        and MIN_RATIO <= screen.ratio <= MAX_RATIO
    ):
        raise ValueError("no such screen")
    return screen


def _hold(width: float, height: float, smallest: Size, largest: Size) -> Size:
    """The size with each side held between the two, either way up, and even (4:2:0)."""
    upright = height > width
    sides = (height, width) if upright else (width, height)
    long, short = (
        int(min(most, max(least, -(-side // 2) * 2)))
        for side, least, most in zip(sides, smallest, largest, strict=True)
    )
    return (short, long) if upright else (long, short)


def _covering(side: int, ratio: float, scale: int) -> int:
    """Picture px that cover `side` CSS px, whose last device pixel may be a part of one."""
    device = math.ceil(side * ratio - ROUNDING)
    return math.ceil(device * scale / ratio - ROUNDING)


def picture_sizes(screen: Screen) -> dict[Scale, Size]:
    """Size in px of the picture at each scale, the screen's own first; that one covers it whole.

    >>> picture_sizes(parse_screen("1512x982@2"))
    {'200': (3024, 1964), '100': (1920, 1080)}
    >>> picture_sizes(parse_screen("1920x1080@1"))
    {'100': (1920, 1080), '200': (2560, 1440)}
    """
    own = screen.scale
    other: Scale = "200" if own == "100" else "100"
    css = {"100": 1, "200": 2}
    width = _covering(screen.width, screen.ratio, css[own])
    height = _covering(screen.height, screen.ratio, css[own])
    return {
        own: _hold(width, height, SMALLEST, LARGEST),
        other: _hold(screen.width * css[other], screen.height * css[other], *SECOND[other]),
    }


def smaller(size: Size) -> Size:
    """The same shape at half the pixels, even: what is left when memory does not do for `size`."""
    width, height = (max(2, round(side * 0.5**0.5 / 2) * 2) for side in size)
    return width, height

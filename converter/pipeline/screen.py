"""Compute the picture sizes for a screen, in px, from its CSS px and display scale.

Chrome scales an uploaded picture to cover the page, so any size works. It never scales a theme's
picture: up to a display scale of 1 it draws the "100" picture with one pixel per CSS px, above it
the "200" picture with two (tested with Chromium 156).
"""

import math
import re
from dataclasses import dataclass

from converter.pipeline.profile import Scale

_SCREEN = re.compile(r"(\d{1,9})x(\d{1,9})@(\d{1,9}(?:\.\d{1,20})?)", re.ASCII)
MIN_SIDE, MAX_SIDE = 64, 16384
MIN_RATIO, MAX_RATIO = 0.25, 8.0
# (long side, short side) in px; a larger picture does not fit the memory of 512 MB.
SMALLEST, LARGEST = (1280, 720), (3840, 2160)
# Limit for the picture for Chrome: the CPU time for playing it is proportional to its pixels.
PICTURE_PIXELS = 1536 * 864
# Limits for the picture of the other scale. It is for a second display, which is seldom larger.
SECOND = {"100": ((1920, 1080), (2560, 1440)), "200": ((2560, 1440), (2560, 1440))}

ROUNDING = 1e-3  # browsers report ratios such as 1.100000023841858

Size = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class Screen:
    """A screen's size in CSS px and its device pixels per CSS px."""

    width: int
    height: int
    ratio: float

    @property
    def scale(self) -> Scale:
        """Return the scale of the theme's picture that Chrome draws on this screen."""
        return "100" if self.ratio <= 1 else "200"


def parse_screen(text: str) -> Screen:
    """Parse a screen such as "1512x982@2" and limit its values. Raises ValueError.

    Values outside the limits are valid, because a page that is zoomed to 500 % reports "@10".

    >>> parse_screen("1512x982@2")
    Screen(width=1512, height=982, ratio=2.0)
    """
    match = _SCREEN.fullmatch(text)
    if match is None:
        raise ValueError("not WIDTHxHEIGHT@RATIO")
    width, height = (min(MAX_SIDE, max(MIN_SIDE, int(match[n]))) for n in (1, 2))
    ratio = min(MAX_RATIO, max(MIN_RATIO, float(match[3])))
    return Screen(width=width, height=height, ratio=ratio)


def _limit(width: float, height: float, smallest: Size, largest: Size) -> Size:
    """Return the size with even sides (4:2:0) between those of the limits, (long, short)."""
    upright = height > width
    sides = (height, width) if upright else (width, height)
    long, short = (
        int(min(most, max(least, -(-side // 2) * 2)))
        for side, least, most in zip(sides, smallest, largest, strict=True)
    )
    return (short, long) if upright else (long, short)


def _covering(side: int, ratio: float, scale: int) -> int:
    """Return the number of picture px that cover `side` CSS px, rounded up to device pixels."""
    device = math.ceil(side * ratio - ROUNDING)
    return math.ceil(device * scale / ratio - ROUNDING)


def chrome_picture_size(screen: Screen) -> Size:
    """Return the size in px of the picture for Chrome: the screen's size, with even sides.

    It is scaled to at least SMALLEST and to at most PICTURE_PIXELS pixels.

    >>> chrome_picture_size(parse_screen("1512x982@2"))
    (1428, 928)
    >>> chrome_picture_size(parse_screen("1366x768@1"))
    (1366, 768)
    """
    width, height = screen.width * screen.ratio, screen.height * screen.ratio
    long, short = max(width, height), min(width, height)
    enough = max(1.0, SMALLEST[0] / long, SMALLEST[1] / short)
    most = (PICTURE_PIXELS / (width * height)) ** 0.5
    if most < enough:
        return int(width * most / 2) * 2, int(height * most / 2) * 2
    return _even_up(width * enough), _even_up(height * enough)


def _even_up(side: float) -> int:
    return math.ceil(side / 2 - ROUNDING) * 2


def picture_sizes(screen: Screen) -> dict[Scale, Size]:
    """Return the size in px of a theme's picture for each scale, the screen's scale first.

    The picture of the screen's scale covers the whole screen, up to LARGEST.

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
        own: _limit(width, height, SMALLEST, LARGEST),
        other: _limit(screen.width * css[other], screen.height * css[other], *SECOND[other]),
    }


def smaller(size: Size) -> Size:
    """Return the size with half the pixels, the same shape and even sides."""
    width, height = (max(2, round(side * 0.5**0.5 / 2) * 2) for side in size)
    return width, height

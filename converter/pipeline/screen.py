"""Compute which picture sizes a screen needs, in picture px from CSS px and display scales.

Chrome scales the picture for "Upload an image" to cover the page, so its size is a choice. It
never scales a theme's picture: up to a display scale of 1 it draws the picture at "100" pixel for
CSS px, above it the one at "200" at half its pixels (run in Chromium 156).
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
# The picture for Chrome has at most so many pixels: what playing it costs goes with them.
PICTURE_PIXELS = 1536 * 864
# A second display is seldom the larger one: its picture only keeps it from being blank.
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
    """Parse a screen such as "1512x982@2" as the nearest one that there can be. Raises ValueError.

    A page zoomed to 500 % says "@10": a screen never costs the GIF.

    >>> parse_screen("1512x982@2")
    Screen(width=1512, height=982, ratio=2.0)
    """
    match = _SCREEN.fullmatch(text)
    if match is None:
        raise ValueError("not WIDTHxHEIGHT@RATIO")
    width, height = (min(MAX_SIDE, max(MIN_SIDE, int(match[n]))) for n in (1, 2))
    ratio = min(MAX_RATIO, max(MIN_RATIO, float(match[3])))
    return Screen(width=width, height=height, ratio=ratio)


def _hold(width: float, height: float, smallest: Size, largest: Size) -> Size:
    """Return the size, even (4:2:0), with each side between the limits' sides, either way up."""
    upright = height > width
    sides = (height, width) if upright else (width, height)
    long, short = (
        int(min(most, max(least, -(-side // 2) * 2)))
        for side, least, most in zip(sides, smallest, largest, strict=True)
    )
    return (short, long) if upright else (long, short)


def _covering(side: int, ratio: float, scale: int) -> int:
    """Return how many picture px cover `side` CSS px, the last device pixel included."""
    device = math.ceil(side * ratio - ROUNDING)
    return math.ceil(device * scale / ratio - ROUNDING)


def chrome_picture_size(screen: Screen) -> Size:
    """Return the size in px of the picture for Chrome: the screen's shape, even sides.

    As many pixels as the screen has, at least SMALLEST and at most PICTURE_PIXELS.

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
    """Return the size in px of a theme's picture at each scale, the screen's own first.

    The screen's own covers it whole, up to LARGEST.

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
    """Return the same shape with half the pixels and even sides, for when memory is short."""
    width, height = (max(2, round(side * 0.5**0.5 / 2) * 2) for side in size)
    return width, height

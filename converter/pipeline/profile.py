"""The numbers of the output format, defined once."""

from dataclasses import dataclass
from typing import Literal

Fit = Literal["cover", "contain"]
Quality = Literal["high", "small"]
DEFAULT_QUALITY: Quality = "high"
# How the last frame leads to the first: a cut, or a blend.
Loop = Literal["cut", "blend"]
# CSS px and device pixels per CSS px, in the format of parse_screen in screen.py.
DEFAULT_SCREEN = "1920x1080@1"
# The display scale, in percent, of each of a theme's pictures.
Scale = Literal["100", "200"]
DEFAULT_THEME_NAME = "Chromi theme"
# Chromium's limit for an extension's name, in UTF-16 units.
THEME_NAME_LENGTH = 75


@dataclass(frozen=True, kw_only=True)
class ConversionProfile:
    """The output format: picture size in px, length in s, frames per second."""

    width: int
    height: int
    fps: int
    seconds: float

    @property
    def frames(self) -> int:
        """Return the number of frames of a full-length clip."""
        return round(self.seconds * self.fps)


BACKGROUND = ConversionProfile(width=1280, height=720, fps=24, seconds=6)


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The selected part of a source: the start in s, and the visible part (focus from 0 to 1)."""

    start_s: float = 0.0
    fit: Fit = "cover"
    focus_x: float = 0.5
    focus_y: float = 0.5

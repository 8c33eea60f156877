"""The numbers of the product, said once; all code and documents receive them from here."""

from dataclasses import dataclass
from typing import Literal

Fit = Literal["cover", "contain"]
Quality = Literal["high", "small"]
DEFAULT_QUALITY: Quality = "high"
# How the last frame leads to the first: as it is, or mixed into it.
Loop = Literal["cut", "blend"]
# CSS px and device pixels a CSS px, as parse_screen of screen.py reads it.
DEFAULT_SCREEN = "1920x1080@1"
# A theme's pictures: in percent of the display scale that each is drawn for.
Scale = Literal["100", "200"]
DEFAULT_THEME_NAME = "Chromi theme"
# Chromium allows no more UTF-16 units in an extension's name.
THEME_NAME_LENGTH = 75


@dataclass(frozen=True, kw_only=True)
class ConversionProfile:
    """What comes out: picture size in px, length in s, frames a second."""

    width: int
    height: int
    fps: int
    seconds: int

    @property
    def frames(self) -> int:
        """How many frames a full-length clip has."""
        return self.seconds * self.fps


BACKGROUND = ConversionProfile(width=1280, height=720, fps=24, seconds=6)


@dataclass(frozen=True, kw_only=True)
class Selection:
    """What of the source is shown: from when (s), and which part of the picture (focus 0 to 1)."""

    start_s: float = 0.0
    fit: Fit = "cover"
    focus_x: float = 0.5
    focus_y: float = 0.5

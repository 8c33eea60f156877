"""The README.txt inside a theme's zip."""

from collections.abc import Iterable
from typing import Protocol

TRIED_ON = "Chromium 156, on display scales of 100, 125, 150 and 200 %"


class _Picture(Protocol):
    @property
    def scale(self) -> str: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...


def readme(*, name: str, pictures: Iterable[_Picture]) -> str:
    """How to load the theme, and what it is; lines end as Windows likes them."""
    shown = [
        f"- at {picture.scale} %: {picture.width}x{picture.height} pixels" for picture in pictures
    ]
    lines = [
        name,
        "A Chrome theme: six seconds of video behind every New Tab page. Made with Chromi.",
        "",
        "To use it:",
        "1. Unzip it into a folder that stays: Chrome reads the theme from there.",
        "2. Open chrome://extensions and switch on Developer mode (top right).",
        "3. Press Load unpacked and choose the folder that this file is in.",
        "4. Open a new tab.",
        "",
        "To remove it: Settings > Appearance > Theme > Reset to default.",
        "",
        "The pictures in it, by display scale (all scales above 100 % use the second):",
        *shown,
        "Chrome never scales a theme's picture: on a larger screen the border's colour goes on.",
        "",
        f"Tried on: {TRIED_ON}.",
        "",
    ]
    return "\r\n".join(lines)

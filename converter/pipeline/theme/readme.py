"""Write the README.txt inside a theme's zip."""

from collections.abc import Iterable
from typing import Protocol

TRIED_ON = "Chromium 156, at display scales of 100, 125, 150 and 200 %"


class _Picture(Protocol):
    @property
    def scale(self) -> str: ...
    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...


def readme(*, name: str, pictures: Iterable[_Picture]) -> str:
    """Return the text: how to install the theme, its contents; lines end in CRLF for Windows."""
    shown = [
        f"- at {picture.scale} %: {picture.width}x{picture.height} pixels" for picture in pictures
    ]
    lines = [
        name,
        "A Chrome theme: six seconds of video behind every New Tab page. Made with Chromi.",
        "",
        "To install it:",
        "1. Open chrome://extensions and switch on Developer mode (top right).",
        "2. Drop this zip, not unzipped, on that page.",
        "3. Open a new tab.",
        "",
        "If the drop does not work:",
        "1. Unzip it into a folder that you will keep: Chrome reads the theme from there.",
        "2. On chrome://extensions press Load unpacked and choose that folder.",
        "",
        "To remove it: open a new tab, Customize Chrome, Reset to default.",
        "",
        "The pictures, by display scale (every scale above 100 % uses the second):",
        *shown,
        "They are animated AVIF files named .png, because Chrome drops .avif files from a zip.",
        "Chrome never scales a theme's picture: a larger screen shows the border's colour.",
        "It is not for the Chrome Web Store: packing a theme freezes its picture.",
        "",
        f"Tried on: {TRIED_ON}.",
        "",
    ]
    return "\r\n".join(lines)

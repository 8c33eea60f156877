"""What a New Tab page of real Chromium shows of the numbered clip."""

import contextlib
import io
import itertools
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Page, Playwright

from tests.support.browser import switches
from tests.support.themes import CLIP_SIZE, GREEN, MAGENTA, number_in
from tests.support.waiting import PATIENCE_S

WINDOW = (1000, 700)
# Pillow, libyuv and swscale round differently, and libyuv's BT.709 blue is 6 % too low.
NEAR = 14


@contextlib.contextmanager
def new_tab(
    playwright: Playwright,
    chromium: str,
    profile: Path,
    *,
    scale: float,
    theme: Path | None = None,
) -> Iterator[Page]:
    """Open a New Tab page in a Chromium with that profile, perhaps with a theme's folder."""
    context = playwright.chromium.launch_persistent_context(
        profile,
        executable_path=chromium,
        headless=False,  # Playwright's headless flag would disable extensions
        no_viewport=True,
        args=switches.new_tab(theme=theme, scale=scale, window=WINDOW),
        ignore_default_args=["--disable-extensions", "--force-color-profile=srgb"],
    )
    (page,) = context.pages
    page.goto("chrome://new-tab-page/")
    yield page
    context.close()


def upload(picture: Path, profile: Path) -> None:
    """Write what Chromium 156 writes into a new profile when its dialog has taken the picture.

    It copies the file byte for byte and sets one preference; run with the real dialog.
    """
    folder = profile / "Default"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(picture, folder / "background.jpg")
    preferences = {"ntp": {"custom_background_local_to_device": True}}
    (folder / "Preferences").write_text(json.dumps(preferences))


def shot(page: Page) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(page.screenshot(scale="device"))).convert("RGB"))


@dataclass(frozen=True)
class Seen:
    """The numbers of the frames seen, and whether the last picture covers the page."""

    numbers: list[int]
    covers: bool

    @property
    def moves(self) -> bool:
        return len(set(self.numbers)) >= 3

    @property
    def loops(self) -> bool:
        """Return whether an earlier frame followed a later one, as it does only in a loop."""
        return any(later < earlier for earlier, later in itertools.pairwise(self.numbers))


def watch(page: Page, *, drawn: tuple[float, float]) -> Seen:
    """Watch the page until the picture has moved, looped and covers it, on a busy machine slowly.

    `drawn` is the picture's size on the page in device px; Chrome centres it.
    """
    seen = Seen([], False)
    end = time.monotonic() + PATIENCE_S
    while not (seen.moves and seen.loops and seen.covers) and time.monotonic() < end:
        picture = shot(page)
        height, width = picture.shape[:2]
        left, top = (width - drawn[0]) / 2, (height - drawn[1]) / 2
        number = number_in(picture, left=left, top=top, scale=drawn[0] / CLIP_SIZE[0])
        if number is not None:  # None: not painted yet
            seen = Seen([*seen.numbers, number], is_covered(picture))
        page.wait_for_timeout(130)  # not a multiple of the loop's length
    return seen


def is_covered(picture: np.ndarray) -> bool:
    """Return whether the clip's two colours reach the corners; its surroundings have their mean."""
    last = picture.shape[0] - 4
    edges = [(3, MAGENTA), (picture.shape[1] - 4, GREEN)]
    return all(
        is_shade(picture[row, column].astype(int), colour)
        for column, colour in edges
        for row in (3, last)
    )


def is_shade(pixel: np.ndarray, colour: tuple[int, int, int]) -> bool:
    """Return whether the pixel has the colour, possibly darkened by Chrome's shadow at the top."""
    light = pixel.max() / max(colour)
    return 0.6 < light < 1.1 and np.abs(pixel - np.array(colour) * light).max() < NEAR

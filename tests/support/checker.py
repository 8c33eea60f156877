"""Compare a GIF with the expected picture; return one sentence per fault."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.support.clips import COLOURS, MAGENTA, Picture, grey

GREY_SPREAD = 40  # largest distance between red, green and blue of a grey pixel
MAGENTA_SHARE = 0.3  # share of pixels in the canary's colour from which the canary was read
TOLERANCE = 10  # grey levels: 0.5 s of source time, which is three frames at PACE


def faults(gif: Path, asked: Picture) -> list[str]:
    """List the differences between the GIF and `asked`."""
    with Image.open(gif) as picture:
        count = getattr(picture, "n_frames", 1)
        found = [] if _within(count, asked.frames) else [f"{count} frames, not {asked.frames}"]
        for number, seconds in asked.seconds:
            if number >= count:
                found.append(f"no frame {number}")
            elif abs((level := _grey(_pixels(picture, number))) - grey(seconds)) > TOLERANCE:
                found.append(f"frame {number} shows {(level - 30) / 20:.2f} s, not {seconds:.2f} s")
        first = _pixels(picture, 0)
    if asked.corners and (seen := _corners(first)) != asked.corners:
        found.append(f"corners {seen}, not {asked.corners}")
    if (
        asked.patch
        and max(abs(a - b) for a, b in zip(_patch(first), asked.patch, strict=True)) > 0.06
    ):
        found.append(f"patch {_patch(first)}, not {asked.patch}")
    return found


def _within(count: int, span: tuple[int, int] | None) -> bool:
    return span is None or span[0] <= count <= span[1]


def _pixels(picture: Image.Image, number: int) -> np.ndarray:
    """Return frame `number`, (height, width, 3) int."""
    picture.seek(number)
    return np.asarray(picture.convert("RGB"), int)


def _grey(pixels: np.ndarray) -> float:
    """Return the mean level of the picture's middle."""
    height, width = pixels.shape[:2]
    return float(
        pixels[height * 15 // 32 : height * 17 // 32, width * 15 // 32 : width * 17 // 32].mean()
    )


def _corners(pixels: np.ndarray) -> str:
    height, width = pixels.shape[:2]
    places = [(y, x) for y in (height // 8, height * 7 // 8) for x in (width // 8, width * 7 // 8)]
    means = [pixels[y - 3 : y + 4, x - 3 : x + 4].mean((0, 1)) for y, x in places]
    return "".join(
        min(COLOURS, key=lambda name: float(np.abs(mean - COLOURS[name]).sum())) for mean in means
    )


def _patch(pixels: np.ndarray) -> tuple[float, float]:
    """Return the width and height of the grey patch, as shares of the picture's.

    They are measured next to the middle lines, where two corner colours may blend to grey.
    """
    flat = np.ptp(pixels, axis=2) < GREY_SPREAD
    height, width = flat.shape
    return float(flat[height * 7 // 16].mean()), float(flat[:, width * 7 // 16].mean())


def magenta(picture: Image.Image) -> float:
    """Return the share of the first frame's pixels in the canary's colour, unique to it."""
    pixels = _pixels(picture, 0)
    near = np.abs(pixels - MAGENTA).max(axis=2) < 40
    return float(near.mean())

"""Colour arithmetic: sRGB levels, YCbCr planes as Pillow makes them, OKLab distances."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
RGB = tuple[int, int, int]

# https://bottosson.github.io/posts/oklab/: linear sRGB to cone responses, their cube roots to Lab
TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
FROM_LMS, FROM_LAB = np.linalg.inv(TO_LMS), np.linalg.inv(TO_LAB)
_GAMMA = 2.2

# JFIF: YCbCr with full range, as Pillow's "YCbCr" mode
_RGB = np.array([[1, 0, 1.402], [1, -0.344136, -0.714136], [1, 1.772, 0]], np.float32)
_CENTRE = np.array([0, 128, 128], np.float32)
_CUT = np.array([0.492, 0.461, 0.461], np.float32)
"""The mean of the fractions that Pillow cuts off when it rounds to levels."""


def planes_of(rgb: Bytes) -> list[Bytes]:
    """Convert an sRGB picture (height, width, 3) uint8 to Y, Cb and Cr, (height, width) uint8."""
    return [np.asarray(plane) for plane in Image.fromarray(rgb).convert("YCbCr").split()]


def ycc_levels(rgb: Bytes) -> Bytes:
    """Convert sRGB colours (n, 3) uint8 to YCbCr (n, 3) uint8 with Pillow, as `planes_of` does.

    >>> ycc_levels(np.array([[255, 0, 0], [9, 9, 9]], np.uint8)).tolist()
    [[76, 84, 255], [9, 128, 128]]
    """
    levels: Bytes = np.stack(planes_of(rgb[None]), 2)[0]
    return levels


def rgb_of(ycc: Floats) -> Floats:
    """Return the mean sRGB (n, 3), 0 to 255, of the colours with these levels in Pillow."""
    rgb: Floats = np.clip((ycc + _CUT - _CENTRE) @ _RGB.T, 0, 255)
    return rgb


def oklab(rgb: Floats) -> Floats:
    """Convert sRGB colours (n, 3), 0 to 255, to OKLab (n, 3), with a gamma of 2.2.

    >>> oklab(np.array([[255, 255, 255]], np.float32)).round(3).tolist()
    [[1.0, 0.0, 0.0]]
    """
    linear = (rgb / np.float32(255)) ** np.float32(_GAMMA)
    lab: Floats = np.cbrt(linear @ TO_LMS.T.astype(np.float32)) @ TO_LAB.T.astype(np.float32)
    return lab


def srgb(lab: Floats) -> Bytes:
    """Convert OKLab colours (n, 3) to the nearest sRGB colours (n, 3) uint8.

    >>> srgb(oklab(np.array([[200, 30, 90]], np.float32))).tolist()
    [[200, 30, 90]]
    """
    linear = np.clip((lab.astype(float) @ FROM_LAB.T) ** 3 @ FROM_LMS.T, 0, 1)
    levels: Bytes = np.rint(linear ** (1 / _GAMMA) * 255).astype(np.uint8)
    return levels

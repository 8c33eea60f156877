"""Hold and heal: which pixels are worth drawing again, given what is on screen."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from converter.pipeline.colours import Bytes

Shorts = NDArray[np.int16]
AnyArray = TypeVar("AnyArray", Bytes, Shorts)

BLOCK = 8  # px
HEAL = 2
"""How much a block's mean error counts in each of its pixels, besides the pixel's own error."""
LARGEST_DRIFT = 3
"""Levels: a block that is farther off has moved; its pixels speak for themselves."""
JOINED = 4
"""A pixel is drawn if more than so many of the 3x3 pixels round it, itself included, want it."""
URGENT = 4
"""Times the threshold: worth drawing on its own."""
FILL_SHARE = 0.6
"""Where more than this share of a block is drawn, the rest is drawn too if that does no harm:"""
FILL_LOSS = 8
"""squared levels a filled pixel may lose; holes cost more bytes than they save."""

_LARGEST = 90  # levels: errors are cut here, so that the sum of squares fits in 16 bits


def spread(blocks: AnyArray, shape: tuple[int, ...]) -> AnyArray:
    """Each block's value at each of its pixels; shape: (height, width) of the picture."""
    wide = np.repeat(blocks, BLOCK, 1)[:, : shape[1]]
    return np.repeat(wide, BLOCK, 0)[: shape[0]]


def errors(plane: Bytes, shown: Bytes) -> Shorts:
    """What a plane's pixels are off the screen's, plus HEAL times what their block is on average.

    >>> errors(np.full((8, 8), 12, np.uint8), np.full((8, 8), 11, np.uint8))[0, 0].item()
    3
    """
    error = plane.astype(np.int16)
    error -= shown
    quarters = np.clip(error, -31, 31)
    quarters *= 4
    quarters += 128
    mean = np.asarray(Image.fromarray(quarters.astype(np.uint8)).reduce(BLOCK))
    drift = mean.astype(np.int16) - 128  # in quarters of a level
    drift[np.abs(drift) > 4 * LARGEST_DRIFT] = 0
    error += spread(np.rint(drift * (HEAL / 4)).astype(np.int16), plane.shape)
    return error


def cost(y: Shorts, cb: Shorts, cr: Shorts) -> Shorts:
    """Squared error of each pixel: luma whole, chroma half.

    >>> cost(*np.array([[[4]], [[2]], [[0]]], np.int16)).item()
    18
    """
    total: Shorts | None = None
    for part, error in enumerate((y, cb, cr)):
        square = np.clip(error, -_LARGEST, _LARGEST)
        square *= square
        if part:
            square >>= 1
        total = square if total is None else total + square
    assert total is not None  # noqa: S101  (for the type checker)
    return total


def worth_drawing(gain: Shorts, threshold: int) -> Bytes:
    """Mask (height, width) of 0 and 1: pixels that gain more than the threshold, in company.

    Lone pixels break the runs of what stays and cost more bytes than they are worth.
    """
    wanted = (gain > threshold).view(np.uint8)
    alone = (gain > URGENT * threshold).view(np.uint8)
    return wanted & ((_around(wanted) > JOINED).view(np.uint8) | alone)


def fill(mask: Bytes, gain: Shorts) -> Bytes:
    """The mask with blocks completed that are nearly all drawn."""
    share = np.asarray(Image.fromarray(mask * np.uint8(255)).reduce(BLOCK))
    full = spread((share > 255 * FILL_SHARE).view(np.uint8), mask.shape)
    return mask | full & (gain > -FILL_LOSS).view(np.uint8)


def _around(mask: Bytes) -> Bytes:
    """How many of the 3x3 pixels round each are 1."""
    row = mask.copy()
    row[:, 1:] += mask[:, :-1]
    row[:, :-1] += mask[:, 1:]
    total = row.copy()
    total[1:] += row[:-1]
    total[:-1] += row[1:]
    return total

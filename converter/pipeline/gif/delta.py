"""Hold and heal: which pixels are worth drawing again, given what is on screen."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from converter.pipeline.colours import Bytes, Floats

Shorts = NDArray[np.int16]
AnyArray = TypeVar("AnyArray", Bytes, Shorts)

BLOCK = 8  # px
BAND = 10 * BLOCK
"""Rows worked on at a time where a step needs whole numbers: so they stay in the cache."""
NOISE = 8
"""Levels: a pixel that changes by no more may be noise,"""
STILL = 2
"""levels: in a block whose mean changes by no more."""
HEAL = 2
"""How much a block's mean error counts in each of its pixels, besides the pixel's own error."""
LARGEST_DRIFT = 3
"""Levels: a block that is farther off has moved; its pixels speak for themselves."""
PLAIN, ROUGH = 4.0, 12.0
"""Activity (levels): up to PLAIN an error shows whole, from ROUGH on texture hides half of it."""
JOINED = 4
"""A pixel is drawn if more than so many of the 3x3 pixels round it, itself included, want it."""
URGENT = 4
"""Times its limit: worth drawing on its own."""
FILL_SHARE = 0.6
"""Where more than this share of a block is drawn, the rest is drawn too if that does no harm:"""
FILL_LOSS = 8
"""squared levels a filled pixel may lose; holes cost more bytes than they save."""

_LARGEST = 90  # levels: errors are cut here, so that the sum of squares fits in 16 bits


def bands(height: int) -> Iterator[slice]:
    """The rows of a picture in whole blocks, some at a time."""
    return (slice(top, min(top + BAND, height)) for top in range(0, height, BAND))


def spread(blocks: AnyArray, shape: tuple[int, ...]) -> AnyArray:
    """Each block's value at each of its pixels; shape: (height, width) of the picture."""
    wide = np.repeat(blocks, BLOCK, 1)[:, : shape[1]]
    return np.repeat(wide, BLOCK, 0)[: shape[0]]


def block_means(plane: Bytes) -> Bytes:
    """The mean level of each block, rounded."""
    return np.asarray(Image.fromarray(plane).reduce(BLOCK))


def steadied(planes: Sequence[Bytes], coming: Sequence[Bytes]) -> list[Bytes]:
    """The planes, half way to the coming frame's where nothing but noise lies between them.

    A flicker that is gone with the next frame is not worth drawing: encoders let their frames
    pulse. What moves or changes its light stays as it is: its pixels or its block change more.
    """
    change = [np.maximum(p, c) - np.minimum(p, c) for p, c in zip(planes, coming, strict=True)]
    is_noise = (np.maximum(np.maximum(*change[:2]), change[2]) <= NOISE).view(np.uint8)
    before, after = (block_means(part[0]) for part in (planes, coming))
    is_still = (np.maximum(before, after) - np.minimum(before, after) <= STILL).view(np.uint8)
    is_noise &= spread(is_still, planes[0].shape)
    result = []
    for plane, later, by in zip(planes, coming, change, strict=True):
        half = (by >> 1) * is_noise
        down = -(later < plane).view(np.uint8)  # 0 or 255: the two's complement turns `half` round
        result.append(plane + ((half ^ down) - down))
    return result


def activity(luma: Bytes) -> Floats:
    """Mean deviation of luma in each block (levels): how much texture there is to hide an error.

    From means that run smoothly from block to block: a steep gradient is not texture.
    """
    means = Image.fromarray(luma).reduce(BLOCK)
    mean = np.asarray(means.resize(luma.shape[1::-1], Image.Resampling.BILINEAR))
    return block_means(np.maximum(luma, mean) - np.minimum(luma, mean)).astype(np.float32)


def limits(active: Floats, threshold: float) -> Shorts:
    """Squared levels that drawing a pixel of each block must gain."""
    hidden = np.clip((active - PLAIN) / (ROUGH - PLAIN), 0, 1)
    scaled: Shorts = (threshold * (1 + hidden)).astype(np.int16)
    return scaled


def uniform(planes: Sequence[Bytes]) -> NDArray[np.bool_]:
    """Return which blocks have one level in each of the planes (height, width)."""
    found: NDArray[np.bool_] = np.logical_and.reduce([_has_one_level(plane) for plane in planes])
    return found


def _has_one_level(plane: Bytes) -> NDArray[np.bool_]:
    """Return which blocks of a plane have one level, eight pixels compared as one number."""
    missing = [(0, -size % BLOCK) for size in plane.shape]
    whole = np.pad(plane, missing, "edge") if missing != [(0, 0)] * 2 else plane
    rows = np.ascontiguousarray(whole).view(np.uint64).reshape(len(whole) // BLOCK, BLOCK, -1)
    first = (rows[:, 0] & np.uint64(255)) * np.uint64(0x0101010101010101)
    one: NDArray[np.bool_] = (rows == first[:, None]).all(1)
    return one


def drift(plane: Bytes, shown: Bytes) -> Shorts:
    """HEAL times what each block is off the screen's on average, 0 where it has moved (levels).

    >>> drift(np.full((8, 8), 12, np.uint8), np.full((8, 8), 11, np.uint8)).item()
    2
    """
    quarters = plane.astype(np.int16)
    quarters -= shown
    np.clip(quarters, -31, 31, out=quarters)
    quarters *= 4
    quarters += 128
    off = block_means(quarters.astype(np.uint8)).astype(np.int16) - 128
    off[np.abs(off) > 4 * LARGEST_DRIFT] = 0
    healing: Shorts = np.rint(off * (HEAL / 4)).astype(np.int16)
    return healing


def loss(planes: Sequence[Bytes], shown: Sequence[Bytes], drifts: Sequence[Shorts]) -> Shorts:
    """Squared error (height, width) of what is shown, its block's drift in it; chroma counts half.

    >>> one = [np.full((1, 1), level, np.uint8) for level in (4, 2, 0)]
    >>> loss(one, [np.zeros((1, 1), np.uint8)] * 3, [np.zeros((1, 1), np.int16)] * 3).item()
    18
    """
    total = np.empty(planes[0].shape, np.int16)
    for rows in bands(len(total)):
        blocks = slice(rows.start // BLOCK, -(-rows.stop // BLOCK))
        for number, (plane, screen, off) in enumerate(zip(planes, shown, drifts, strict=True)):
            error = plane[rows].astype(np.int16)
            error -= screen[rows]
            error += spread(off[blocks], error.shape)
            np.clip(error, -_LARGEST, _LARGEST, out=error)
            error *= error
            if number == 0:
                total[rows] = error
            else:
                error >>= 1
                total[rows] += error
    return total


def worth_drawing(gain: Shorts, limit: Shorts) -> Bytes:
    """Mask (height, width) of 0 and 1: pixels that gain more than their limit, in company.

    Lone pixels break the runs of what stays and cost more bytes than they are worth.
    """
    wanted = (gain > limit).view(np.uint8)
    alone = (gain > URGENT * limit).view(np.uint8)
    return wanted & ((_around(wanted) > JOINED).view(np.uint8) | alone)


def fill(mask: Bytes, gain: Shorts) -> Bytes:
    """The mask with blocks completed that are nearly all drawn."""
    share = block_means(mask * np.uint8(255))
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

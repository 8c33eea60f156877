"""Select the pixels of a frame that are worth redrawing over the canvas."""

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
"""Rows processed at a time by steps with wider integers, so that they stay in the CPU cache."""
NOISE = 8
"""Largest change of a pixel, in levels, that may be noise"""
STILL = 2
"""in a block whose mean changes by at most this many levels."""
HEAL = 2
"""Weight of a block's mean error in each of its pixels, in addition to the pixel's own error."""
LARGEST_DRIFT = 3
"""Levels: a block with a larger mean error has moved, and its mean error is not used."""
PLAIN, ROUGH = 4.0, 12.0
"""Activity (levels): up to PLAIN an error is fully visible, from ROUGH on texture hides half."""
JOINED = 4
"""A pixel is redrawn if more than this many of the 3x3 pixels around it gain enough."""
URGENT = 4
"""Factor of the limit from which a pixel is redrawn on its own."""
FILL_SHARE = 0.6
"""Share of redrawn pixels above which a block is completed, except for pixels that lose more"""
FILL_LOSS = 8
"""than this, in squared levels. Holes cost more bytes than they save."""

_LARGEST = 90  # levels: errors are clipped here, so that the sum of squares fits in 16 bits


def bands(height: int) -> Iterator[slice]:
    """Yield the rows of a picture in bands of whole blocks."""
    return (slice(top, min(top + BAND, height)) for top in range(0, height, BAND))


def spread(blocks: AnyArray, shape: tuple[int, ...]) -> AnyArray:
    """Repeat each block's value for each of its pixels; shape: (height, width) of the picture."""
    wide = np.repeat(blocks, BLOCK, 1)[:, : shape[1]]
    return np.repeat(wide, BLOCK, 0)[: shape[0]]


def block_means(plane: Bytes) -> Bytes:
    """Return the mean level of each block, rounded."""
    return np.asarray(Image.fromarray(plane).reduce(BLOCK))


def steadied(planes: Sequence[Bytes], coming: Sequence[Bytes]) -> list[Bytes]:
    """Average the planes with those of the next frame where they differ only by noise.

    Video encoders let unchanged areas flicker, and such flicker is not worth redrawing. Motion and
    changes of light stay as they are, because their pixels or their block's mean change more.
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
    """Return the mean deviation of luma in each block (levels), a measure of texture.

    The deviation is from interpolated block means, so that a steep gradient is not texture.
    """
    means = Image.fromarray(luma).reduce(BLOCK)
    mean = np.asarray(means.resize(luma.shape[1::-1], Image.Resampling.BILINEAR))
    return block_means(np.maximum(luma, mean) - np.minimum(luma, mean)).astype(np.float32)


def limits(active: Floats, threshold: float) -> Shorts:
    """Return the squared levels that redrawing a pixel of each block must gain."""
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
    """Return HEAL times the mean error of each block in levels; 0 for blocks that moved.

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
    """Return the squared error (height, width) with the block's drift; chroma has half weight.

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
    """Return a mask (height, width) of 0 and 1: groups of pixels that gain more than their limit.

    Isolated pixels interrupt runs of transparent pixels and cost too many bytes.
    """
    wanted = (gain > limit).view(np.uint8)
    alone = (gain > URGENT * limit).view(np.uint8)
    return wanted & ((_around(wanted) > JOINED).view(np.uint8) | alone)


def fill(mask: Bytes, gain: Shorts) -> Bytes:
    """Return the mask with mostly redrawn blocks completed."""
    share = block_means(mask * np.uint8(255))
    full = spread((share > 255 * FILL_SHARE).view(np.uint8), mask.shape)
    return mask | full & (gain > -FILL_LOSS).view(np.uint8)


def _around(mask: Bytes) -> Bytes:
    """Count the ones among the 3x3 pixels around each pixel."""
    row = mask.copy()
    row[:, 1:] += mask[:, :-1]
    row[:, :-1] += mask[:, 1:]
    total = row.copy()
    total[1:] += row[:-1]
    total[:-1] += row[1:]
    return total

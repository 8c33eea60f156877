"""Select the pixels of a frame that are worth redrawing over the canvas.

Planes are in blocks (n, 64), see blocks.py; the Y, Cb and Cr planes of a picture are (3, n, 64).
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from converter.pipeline.colours import Bytes, Floats
from converter.pipeline.gif.blocks import (
    BLOCK,
    Area,
    Numbers,
    in_blocks,
    means,
    parts,
)

Shorts = NDArray[np.int16]

NOISE = 8
"""Largest change of a pixel, in levels, that may be noise"""
STILL = 2
"""in a block whose mean changes by at most this many levels."""
PLAIN, ROUGH = 4.0, 12.0
"""Activity (levels): up to PLAIN an error is fully visible, and from ROUGH on the limit grows by"""
HIDDEN = 2.5
"""this share, because texture hides a part. Edges of flat graphics hide nothing: see encoder."""
NEUTRAL = 10
"""Largest distance of Cb and Cr from 128 of near-greys, in which a tint is easily seen."""
JOINED = 4
"""A pixel is redrawn if more than this many of the 3x3 pixels around it gain enough."""
URGENT = 4
"""Factor of the limit from which a pixel is redrawn on its own."""
FILL_SHARE = 0.6
"""Share of redrawn pixels above which a block is completed, except for pixels that lose more"""
FILL_LOSS = 32
"""than this, in quarters of squared levels. Holes cost more bytes than they save."""

_LARGEST = 90  # half levels: errors are clipped here, so that the sum of squares fits in 16 bits


def steadied(planes: Bytes, coming: Bytes) -> Bytes:
    """Average the planes (3, n, 64) with those of the next frame where they differ only by noise.

    Video encoders let unchanged areas flicker, and such flicker is not worth redrawing. Motion and
    changes of light stay as they are, because their pixels or their block's mean change more.
    """
    result = np.empty_like(planes)
    for part in parts(planes.shape[1]):
        now, later = planes[:, part], coming[:, part]
        change = np.maximum(now, later)
        change -= np.minimum(now, later)
        before, after = means(now[0]), means(later[0])
        is_still = np.maximum(before, after) - np.minimum(before, after) <= STILL
        is_noise = np.maximum.reduce(change) <= NOISE
        is_noise &= is_still
        change >>= 1
        change *= is_noise.view(np.uint8)
        down = -(later < now).view(np.uint8)  # 0 or 255: the two's complement negates `change`
        change ^= down
        change -= down
        np.add(now, change, out=result[:, part])
    return result


def activity(luma: Bytes, across: int) -> Floats:
    """Return the mean deviation of luma in each block (n, 1) in levels, a measure of texture.

    The deviation is from interpolated block means, so that a steep gradient is not texture.
    across: blocks in a row of the picture.
    """
    coarse = means(luma).reshape(-1, across)
    size = across * BLOCK, len(coarse) * BLOCK
    smooth = Image.fromarray(coarse).resize(size, Image.Resampling.BILINEAR)
    mean = in_blocks(np.asarray(smooth))
    return means(np.maximum(luma, mean) - np.minimum(luma, mean)).astype(np.float32)


def limits(active: Floats, threshold: float, hidden: float = HIDDEN) -> Shorts:
    """Return the loss that redrawing a pixel of each block must remove; threshold: levels².

    hidden: the share by which the limit grows in texture.
    """
    rough = np.clip((active - PLAIN) / (ROUGH - PLAIN), 0, 1)
    scaled: Shorts = (4 * threshold * (1 + hidden * rough)).astype(np.int16)
    return scaled


def uniform(planes: Bytes, blocks: Numbers) -> Numbers:
    """Return which of the blocks (numbers) have one level in each of the planes (3, n, 64)."""
    for words in planes.view(np.uint64):  # eight pixels are compared as one number
        first = words[blocks, 0]
        blocks = blocks[first == (first & np.uint64(255)) * np.uint64(0x0101010101010101)]
        blocks = blocks[(words[blocks] == words[blocks, :1]).all(1)]
    return blocks


def loss(planes: Bytes, shown: Bytes) -> Shorts:
    """Return the squared error (n, 64) of what is shown, in quarters of squared levels.

    The error in half levels is 3/4 of the pixel's, 3/4 of the mean of its aligned 2x2 square and
    5/4 of the mean of its 4x4 square, so that a mixture of colours counts as its mean. Chroma has
    half weight, and the full one where the picture (not what is shown) is nearly grey.

    >>> planes = np.array([4, 2, 0], np.uint8)[:, None, None].repeat(64, 2)
    >>> loss(planes, np.zeros_like(planes))[0, 0].item()
    139
    """
    total = np.empty(planes.shape[1:], np.int16)
    for part in parts(len(total)):
        error = _visible(np.subtract(planes[:, part], shown[:, part], dtype=np.int16))
        np.clip(error, -_LARGEST, _LARGEST, out=error)
        error *= error
        chroma = planes[1:, part] - np.uint8(128 - NEUTRAL)  # wraps around below
        is_grey = np.maximum(chroma[0], chroma[1]) <= 2 * NEUTRAL
        error[1:] >>= 1 - is_grey.view(np.uint8)
        np.add(error[0], error[1], out=total[part])
        total[part] += error[2]
    return total


def _visible(error: Shorts) -> Shorts:
    """Return the visible part, in half levels, of errors in levels (3, n, 64)."""
    twos = _halved(error.reshape(-1, 2, BLOCK))
    fours = _halved(twos.reshape(-1, 2, BLOCK // 2))
    fours *= 5
    fours >>= 2
    twos *= 3
    twos += _doubled(fours, np.uint64).reshape(twos.shape)
    seen = _doubled(twos, np.complex128).reshape(error.shape)
    seen += 12 * error
    seen += 8
    seen >>= 4
    return seen


def _halved(rows: Shorts) -> Shorts:
    """Return the sums of the 2x2 squares of pairs of rows (n, 2, width)."""
    total = rows[:, 0] + rows[:, 1]
    halved: Shorts = total[:, ::2] + total[:, 1::2]
    return halved


def _doubled(rows: Shorts, doubled_row: type[np.generic]) -> Shorts:
    """Repeat each value of rows (n, width) in a 2x2 square, (n, 2, 2 * width).

    doubled_row: a type with as many bytes as a row of the result, which is copied as one number.
    """
    wide = rows.view(np.uint16).astype(np.uint32)
    wide |= wide << 16
    twice = np.empty((len(rows), 2), doubled_row)
    twice[:] = wide.view(doubled_row)
    return twice.view(np.int16)


def worth_drawing(gain: Shorts, limit: Shorts, area: Area) -> Bytes:
    """Return a mask (m, 64) of 0 and 1: groups of pixels that gain more than their block's limit.

    Isolated pixels interrupt runs of transparent pixels and cost too many bytes. Pixels outside of
    the area count as not gaining enough.
    """
    wanted = (gain > limit).view(np.uint8)
    alone = (gain > URGENT * limit).view(np.uint8)
    joined = (_around(area.in_rows(wanted)) > JOINED).view(np.uint8)
    return wanted & (area.in_blocks(joined) | alone)


def fill(mask: Bytes, gain: Shorts) -> Bytes:
    """Return the mask with mostly redrawn blocks completed."""
    full = (means(mask * np.uint8(255)) > 255 * FILL_SHARE).view(np.uint8)
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

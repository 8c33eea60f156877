"""Dither: mix each cell's colour from two palette colours with a Bayer matrix."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converter.pipeline.colours import Bytes, Floats
from converter.pipeline.gif.blocks import BLOCK, Numbers
from converter.pipeline.gif.palette import apart

LEVELS = 16
"""Steps of the share of two colours, and of the noise."""
CANDIDATES = 13
"""Palette colours tried for a cell: the nearest to its group, and the neighbours of that colour."""
FARTHEST = 0.14
"""Largest OKLab distance of two colours that may be mixed."""
CHROMA_COST = 0.07
"""Cost of noise in hue relative to noise in lightness, which is more visible."""
UNSEEN = 5e-6
"""Squared OKLab distance that mixing must gain: less is invisible, but the noise costs bytes."""
BUSY, CALM = 5.0, 2.0
"""Mean deviation of luma in a block (levels): from BUSY on no dither, below CALM full dither."""

_CHUNK = 2048  # rows of a table computed at a time, so that they stay in the CPU cache
_BRIGHTER = -(np.arange(LEVELS) < np.arange(LEVELS + 1)[:, None]).astype(np.uint8)
"""255 at the levels where the brighter of two colours is drawn, for each share 0..LEVELS of it."""
_FORBIDDEN = 1e9  # price above any gain, but finite: 0 * inf is not a number

BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.intp)
"""Thresholds (4, 4): each level once, so every 4x4 square has its cell's mean colour."""

_NOISE = np.tile(BAYER, (BLOCK // 4, BLOCK // 4)).ravel() - LEVELS // 2
THRESHOLDS = _NOISE * np.arange(LEVELS + 1)[:, None] // LEVELS + LEVELS // 2
"""The thresholds (64,) 0..15 of the pixels of a block for each strength 0..LEVELS."""


def strength(active: Floats, reach: float) -> Numbers:
    """Return the strength of the noise in blocks (n, 1) as (n,), 0..LEVELS; texture needs none.

    reach: 1, or more if the palette fits so badly that texture is dithered too.
    """
    share = np.clip((BUSY - active[:, 0] / np.float32(reach)) / (BUSY - CALM), 0, 1)
    levels: Numbers = (share * LEVELS).astype(np.intp)
    return levels


def mixing_table(
    lab: Floats, palette: Floats, near: Numbers, *, price: float, unseen: float
) -> tuple[Bytes, Floats]:
    """Return the index to draw, (n, LEVELS) uint8, for each cell colour (n, 3) and noise level.

    palette: (k, 3) OKLab, darkest first; near: (n,) a palette number close to each cell's colour.
    price: cost of noise, as a factor of its squared distance. unseen: least gain of a mixture.
    Also returns each cell's squared distance (n,) to its nearest colour. The brighter of two
    colours gets the low thresholds, so that patterns continue from cell to cell.
    """
    candidates = _candidates(palette, price)
    table = np.empty((len(lab), LEVELS), np.uint8)
    distance = np.empty(len(lab), np.float32)
    for at in range(0, len(lab), _CHUNK):
        part = slice(at, at + _CHUNK)
        low, high, share, distance[part] = _best_pairs(lab[part], near[part], candidates, unseen)
        change = _BRIGHTER.take(share, 0)
        change &= _repeated(low ^ high)
        np.bitwise_xor(change, _repeated(low), out=table[part])
    return table, distance


def _repeated(numbers: Bytes) -> Bytes:
    """Return each number (n,) at all levels (n, LEVELS); much faster than broadcasting."""
    return np.repeat(numbers, LEVELS).reshape(-1, LEVELS)


@dataclass(frozen=True)
class Candidates:
    """The colours tried for the cells near each of k palette colours, as rows to be copied."""

    numbers: Bytes  # (k, count): their palette numbers
    axes: tuple[Floats, ...]  # three of (k, count): their OKLab coordinates
    between: Floats  # (k * count, count): squared distance of each of the candidates to all
    prices: Floats  # (k * count, count): cost of the noise of mixing each of them with all


def _candidates(palette: Floats, price: float) -> Candidates:
    """Return the candidates of each palette colour (k, 3): its neighbours and itself."""
    between = apart(palette)
    count = min(CANDIDATES, len(palette))
    neighbours = np.argpartition(between, count - 1, axis=1)[:, :count]
    lightness = apart(palette[:, :1])
    chroma_cost = np.float32(CHROMA_COST)
    prices = np.float32(price) * (chroma_cost * between + (1 - chroma_cost) * lightness)
    prices[between > FARTHEST**2] = _FORBIDDEN
    pairs = neighbours[:, :, None] * len(palette) + neighbours[:, None]
    return Candidates(
        neighbours.astype(np.uint8),
        tuple(axis[neighbours] for axis in palette.T),
        between.ravel()[pairs].reshape(-1, count),
        prices.ravel()[pairs].reshape(-1, count),
    )


def _best_pairs(
    lab: Floats, near: Numbers, candidates: Candidates, unseen: float
) -> tuple[Bytes, Bytes, NDArray[np.int8], Floats]:
    """Return darker and brighter colour, the latter's share 0..LEVELS, and the distance.

    All are (n,), for n cell colours (n, 3); the distance is squared, to the nearest colour. With
    `a` the nearest colour, `b` another and `t` its share, the mean misses the cell's colour by
    |r|^2 - 2t r.v + t^2 |v|^2, where r = cell - a and v = b - a; noise costs t (1 - t)
    prices[a, b].
    """
    count = candidates.numbers.shape[1]
    squares = np.zeros((len(lab), count), np.float32)
    for axis, theirs in zip(lab.T, candidates.axes, strict=True):
        off = theirs.take(near, 0)
        off -= axis[:, None]
        off *= off
        squares += off
    rows = np.arange(0, squares.size, count)
    best = squares.argmin(1)
    error = squares.take(rows + best)
    pair = near * count + best
    length = candidates.between.take(pair, 0)
    along = length + error[:, None]
    along -= squares  # 2 r.v
    share = along / (length + np.float32(1e-12))
    share /= 2
    np.minimum(np.maximum(share, 0, out=share), 0.5, out=share)
    length *= share
    length -= along
    change = np.multiply(length, share, out=length)
    noise = candidates.prices.take(pair, 0)
    noise *= share
    noise *= 1 - share
    change += noise
    chosen = change.argmin(1)
    gains = change.take(rows + chosen) < -unseen
    a = candidates.numbers.take(near * count + best)
    b = np.where(gains, candidates.numbers.take(near * count + chosen), a)
    steps = np.rint(share.take(rows + chosen) * LEVELS).astype(np.int8)
    return np.minimum(a, b), np.maximum(a, b), np.where(b > a, steps, LEVELS - steps), error

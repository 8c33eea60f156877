"""Dither: mix each cell's colour from two palette colours with a Bayer matrix."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from converter.pipeline.colours import Bytes, Floats
from converter.pipeline.gif.census import Numbers
from converter.pipeline.gif.delta import spread
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

BAYER = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.int16)
"""Thresholds (4, 4): each level once, so every 4x4 square has its cell's mean colour."""


@lru_cache(maxsize=2)
def tiled_noise(height: int, width: int) -> NDArray[np.int16]:
    """Tile BAYER over a canvas, centred on 0: -8..7."""
    tiles = np.tile(BAYER, (height // 4 + 1, width // 4 + 1))[:height, :width]
    centred: NDArray[np.int16] = tiles - np.int16(LEVELS // 2)
    return centred


def strength(active: Floats, reach: float) -> NDArray[np.int16]:
    """Return the strength of the noise in each block, 0..LEVELS; texture needs none.

    reach: 1, or more if the palette fits so badly that texture is dithered too.
    """
    share = np.clip((BUSY - active / np.float32(reach)) / (BUSY - CALM), 0, 1)
    levels: NDArray[np.int16] = (share * LEVELS).astype(np.int16)
    return levels


def thresholds(noise: NDArray[np.int16], strong: NDArray[np.int16]) -> NDArray[np.int16]:
    """Scale noise (height, width), -8..7, by each block's strength; return thresholds 0..15."""
    scaled = noise * spread(strong, noise.shape)
    scaled //= LEVELS
    scaled += LEVELS // 2
    return scaled


def mixing_table(
    lab: Floats, palette: Floats, near: Numbers, *, price: float, unseen: float
) -> tuple[Bytes, Floats]:
    """Return the index to draw, (n, LEVELS) uint8, for each cell colour (n, 3) and noise level.

    palette: (k, 3) OKLab, darkest first; near: (n,) a palette number close to each cell's colour.
    price: cost of noise, as a factor of its squared distance. unseen: least gain of a mixture.
    Also returns each cell's squared distance (n,) to its nearest colour. The brighter of two
    colours gets the low thresholds, so that patterns continue from cell to cell.
    """
    between = apart(palette)
    count = min(CANDIDATES, len(palette))
    neighbours = np.argpartition(between, count - 1, axis=1)[:, :count]
    lightness = apart(palette[:, :1])
    chroma_cost = np.float32(CHROMA_COST)
    prices = np.float32(price) * (chroma_cost * between + (1 - chroma_cost) * lightness)
    prices[between > FARTHEST**2] = np.inf
    table = np.empty((len(lab), LEVELS), np.uint8)
    distance = np.empty(len(lab), np.float32)
    for at in range(0, len(lab), _CHUNK):
        part = slice(at, at + _CHUNK)
        low, high, share, distance[part] = _best_pairs(
            lab[part], palette, neighbours[near[part]], between, prices, unseen
        )
        brighter = np.arange(LEVELS) < share[:, None]
        table[part] = np.where(brighter, high[:, None], low[:, None])
    return table, distance


def _best_pairs(
    lab: Floats,
    palette: Floats,
    candidates: Numbers,
    between: Floats,
    prices: Floats,
    unseen: float,
) -> tuple[Numbers, Numbers, Numbers, Floats]:
    """Return darker and brighter colour and the latter's share 0..LEVELS for each cell colour.

    With `a` the nearest colour, `b` another and `t` its share, the mean misses the cell's colour by
    |r|^2 - 2t r.v + t^2 |v|^2, where r = cell - a and v = b - a; noise costs t (1 - t)
    prices[a, b].
    """
    rows = np.arange(len(lab))
    squares = np.zeros(candidates.shape, np.float32)
    for axis in range(3):
        off = palette[:, axis][candidates]
        off -= lab[:, axis, None]
        squares += off * off
    best = squares.argmin(1)
    a, error = candidates[rows, best], squares[rows, best]
    pair = a[:, None] * len(palette) + candidates
    length = between.ravel()[pair]
    along = (error[:, None] + length - squares) / 2  # r.v
    share = np.clip(along / (length + np.float32(1e-12)), 0, 0.5)
    with np.errstate(invalid="ignore"):
        change = share * (share * length - 2 * along) + prices.ravel()[pair] * share * (1 - share)
    change[rows, best] = 0
    change = np.where(np.isnan(change), np.float32(0), change)
    chosen = change.argmin(1)
    b = np.where(change[rows, chosen] < -unseen, candidates[rows, chosen], a)
    steps = np.rint(share[rows, chosen] * LEVELS).astype(np.intp)
    return np.minimum(a, b), np.maximum(a, b), np.where(b > a, steps, LEVELS - steps), error

"""Count a picture's colours in cells, so that later steps handle thousands instead of a million."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from converter.pipeline.colours import Bytes, Floats, oklab, rgb_of

Numbers = NDArray[np.intp]

SAMPLE = 3
"""Bins and mean colours come from every third pixel of every third row of a picture"""
LARGE = 1 << 16
"""with more than this number of pixels, and from every pixel of a smaller one."""
MOST_ROWS = 1 << 16
"""Maximal number of cells, since a row number has 16 bits; noise is counted in coarser cells."""


@dataclass(frozen=True)
class Grid:
    """The bins of the levels 0..255 of Y, Cb and Cr; a cell is one bin of each."""

    bins: tuple[Bytes, Bytes, Bytes]
    sizes: tuple[int, int, int]
    means: tuple[Floats, Floats, Floats]

    @property
    def total(self) -> int:
        """Return the number of cells, most of which are empty."""
        return self.sizes[0] * self.sizes[1] * self.sizes[2]

    def keys(self, planes: Sequence[Bytes]) -> NDArray[np.uint32]:
        """Return the cell number (height, width) of each pixel of three (height, width) planes."""
        first, *rest = (
            np.asarray(Image.fromarray(plane).point(bins.tolist()))
            for bins, plane in zip(self.bins, planes, strict=True)
        )
        keys = first.astype(np.uint32)
        for size, binned in zip(self.sizes[1:], rest, strict=True):
            keys *= np.uint32(size)
            keys += binned
        return keys

    def split(self, cells: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """Return the bin numbers of the cells."""
        rest, third = np.divmod(cells, self.sizes[2])
        first, second = np.divmod(rest, self.sizes[1])
        return first, second, third

    def colours(self, cells: Numbers) -> Floats:
        """Return the approximate mean sRGB colours (n, 3) of the cells."""
        parts = zip(self.means, self.split(cells), strict=True)
        return rgb_of(np.stack([means[bins] for means, bins in parts], 1))


def make_grid(counts: list[Numbers], most: int) -> Grid:
    """Return a grid of about `most` cells from the counts (256,) of each plane's levels.

    Levels that don't occur get no bins and frequent ones get more, so a dark clip keeps every
    shade. Each level gets its own bin if all fit.
    """
    used = [count > 0 for count in counts]
    exact = np.prod([u.sum() for u in used], dtype=float) <= most
    weights = [
        u * (1.0 if exact else 0.5 + np.minimum(1.5, np.sqrt(200 * count / max(1, count.sum()))))
        for u, count in zip(used, counts, strict=True)
    ]
    room = np.prod([w.sum() for w in weights])
    scale = 1.0 if exact else (most / room) ** (1 / 3)
    bins, sizes, means = [], [], []
    for count, weight in zip(counts, weights, strict=True):
        size = max(1, int(weight.sum() * scale))
        place = (np.cumsum(weight) - weight / 2) / max(weight.sum(), 1e-9) * size
        number = np.unique(np.minimum(place.astype(np.intp), size - 1), return_inverse=True)[1]
        share = count + 1e-3
        mean = np.bincount(number, share * np.arange(256)) / np.bincount(number, share)
        bins.append(number.astype(np.uint8))
        sizes.append(len(mean))
        means.append(mean.astype(np.float32))
    return Grid((bins[0], bins[1], bins[2]), (sizes[0], sizes[1], sizes[2]), tuple(means))  # type: ignore[arg-type]


@dataclass(frozen=True)
class Census:
    """The occupied cells of a picture, as rows of a table, and the row of each pixel."""

    rows: NDArray[np.uint16]  # (height, width): the pixel's row; 0 for unmasked pixels
    counts: NDArray[np.float64]  # (n,): pixels to be redrawn
    lab: Floats  # (n, 3): mean colour
    coarse: Numbers  # (n,): the group of neighbouring cells


def take_census(
    rgb: Bytes,
    planes: Sequence[Bytes],
    mask: Bytes,
    urgent: Bytes | None,
    *,
    most: int,
    calm: float,
) -> Census:
    """Count the colours of the masked pixels (mask (height, width) uint8, 0 or 1).

    Pixels that are not `urgent` (same shape, 0 or 1) have the weight `calm` instead of 1.
    """
    step = SAMPLE if mask.size > LARGE else 1
    chosen = mask[::step, ::step].astype(bool)
    if not chosen.any():
        chosen = np.ones_like(chosen)
    levels = [np.bincount(p[::step, ::step][chosen], minlength=256) for p in planes]
    grid = make_grid(levels, most)
    keys = grid.keys(planes)
    asked = keys * np.uint32(3)  # a multiple of 3: not masked; 1 more: masked; 2 more: urgent
    asked += mask if urgent is None else mask + (urgent & mask)
    kinds = np.bincount(asked.ravel(), minlength=3 * grid.total).reshape(-1, 3)
    cells = np.flatnonzero(kinds[:, 1] + kinds[:, 2])
    if len(cells) > MOST_ROWS:
        return take_census(rgb, planes, mask, urgent, most=most // 2, calm=calm)
    calm = 1.0 if urgent is None else calm
    weights = calm * kinds[cells, 1] + kinds[cells, 2]
    row_of = np.zeros(grid.total, np.uint16)
    row_of[cells] = np.arange(len(cells))
    rows = np.take(row_of, keys)
    mean = _means(
        rgb[::step, ::step], rows[::step, ::step], mask[::step, ::step], grid.colours(cells)
    )
    coarse = np.zeros(len(cells), np.intp)
    for bins in grid.split(cells):
        coarse = coarse * 256 + ((bins + 1) >> 1)  # black's bin is not grouped
    return Census(rows, weights, oklab(mean), np.unique(coarse, return_inverse=True)[1])


def _means(rgb: Bytes, rows: NDArray[np.uint16], asked: Bytes, about: Floats) -> Floats:
    """Return the mean sRGB colour of each row's masked pixels; `about` if there is none."""
    at = np.flatnonzero(asked)
    row = rows.ravel()[at]
    colours = rgb.reshape(-1, 3)[at]
    counts = np.bincount(row, minlength=len(about))
    seen = counts > 0
    for channel in range(3):
        total = np.bincount(row, colours[:, channel], len(about))
        about[seen, channel] = total[seen] / counts[seen]
    return about

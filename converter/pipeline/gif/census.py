"""Count a picture's colours in cells, so that later steps handle thousands instead of a million."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from converter.pipeline.colours import Bytes, Floats, oklab, rgb_of
from converter.pipeline.gif.blocks import Numbers, parts

MOST_ROWS = 1 << 16
"""Maximal number of cells, since a row number has 16 bits; noise is counted in coarser cells."""

_CHUNK = 1 << 14  # pixels whose cell numbers are computed at a time, in the CPU cache


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

    def keys(self, planes: Bytes) -> Numbers:
        """Return the cell number (n,) of each pixel of three planes (3, n)."""
        first, second, third = (
            np.frombuffer(plane.tobytes().translate(bins.tobytes()), np.uint8)
            for bins, plane in zip(self.bins, planes, strict=True)
        )
        keys = np.empty(len(first), np.intp)
        for part in parts(len(keys), _CHUNK):
            key = first[part].astype(np.uint32)
            key *= np.uint32(self.sizes[1])
            key += second[part]
            key *= np.uint32(self.sizes[2])
            key += third[part]
            keys[part] = key
        return keys

    def split(self, cells: Numbers) -> list[Numbers]:
        """Return the bin numbers of the cells in the three planes."""
        first, second = cells // (self.sizes[1] * self.sizes[2]), cells // self.sizes[2]
        return [first, second - first * self.sizes[1], cells - second * self.sizes[2]]

    def colours(self, bins: list[Numbers]) -> Floats:
        """Return the approximate mean sRGB colours (n, 3) of the cells with these bins."""
        parts = zip(self.means, bins, strict=True)
        return rgb_of(np.stack([means[number] for means, number in parts], 1))

    def groups(self, bins: list[Numbers]) -> Numbers:
        """Return the group number (n,) of the cells with these bins, from 0 without gaps.

        A group is two bins of each plane; the first bin, which may be black, is not grouped.
        """
        group = np.zeros(len(bins[0]), np.intp)
        sizes = [(size >> 1) + 1 for size in self.sizes]
        for number, size in zip(bins, sizes, strict=True):
            group *= size
            group += (number + 1) >> 1
        is_used = np.zeros(sizes[0] * sizes[1] * sizes[2], np.bool_)
        is_used[group] = True
        return (np.cumsum(is_used) - 1)[group]


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

    rows: NDArray[np.uint16]  # (pixels,): the pixel's row; 0 for pixels of unoccupied cells
    counts: NDArray[np.float64]  # (n,): sum of the pixels' weights
    rgb: Floats  # (n, 3): mean colour in sRGB, 0 to 255
    lab: Floats  # (n, 3): the same in OKLab
    coarse: Numbers  # (n,): the group of neighbouring cells


def take_census(planes: Bytes, weights: Bytes, *, at: Numbers, rgb: Bytes, most: int) -> Census:
    """Count the colours of pixels with Y, Cb and Cr planes (3, pixels) and weights (pixels,).

    Pixels with weight 0 are not counted. Mean colours come from a sample: the pixels `at` (k,),
    with sRGB colours rgb (k, 3). most: approximate number of cells.
    """
    grid = make_grid([np.bincount(plane[at], minlength=256) for plane in planes], most)
    keys = grid.keys(planes)
    counts = np.bincount(keys, weights, grid.total)
    cells = np.flatnonzero(counts)
    if len(cells) > MOST_ROWS:
        return take_census(planes, weights, at=at, rgb=rgb, most=most // 2)
    row_of = np.zeros(grid.total, np.uint16)
    row_of[cells] = np.arange(len(cells))
    rows = row_of.take(keys)
    bins = grid.split(cells)
    mean = _means(rgb, rows[at], grid.colours(bins))
    return Census(rows, counts[cells].astype(np.float64), mean, oklab(mean), grid.groups(bins))


def _means(rgb: Bytes, rows: NDArray[np.uint16], about: Floats) -> Floats:
    """Return the mean of the sRGB colours (k, 3) of each row; `about` (n, 3) if it has none."""
    counts = np.bincount(rows, minlength=len(about))
    seen = counts > 0
    safe = np.maximum(counts, 1)
    for channel in range(3):
        mean = np.bincount(rows, rgb[:, channel], len(about)) / safe
        np.copyto(about[:, channel], mean, where=seen, casting="same_kind")
    return about

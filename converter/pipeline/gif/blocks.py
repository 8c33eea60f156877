"""Store pictures as 8x8 blocks, the pixels of a block in sequence, so that steps can skip blocks.

Planes in blocks are (n, 64) arrays: n blocks, row by row from the top left. A value per block is
(n, 1). Pictures whose sizes are not multiples of 8 px are padded with their last row and column.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from converter.pipeline.colours import Bytes

Numbers = NDArray[np.intp]

BLOCK = 8  # px
PIXELS = BLOCK * BLOCK
PART = 512
"""Blocks processed at a time by most steps, so that temporary arrays stay in the CPU cache."""


def parts(count: int, size: int = PART) -> Iterator[slice]:
    """Yield 0..count in slices of up to `size`."""
    return (slice(start, start + size) for start in range(0, count, size))


def padded(frame: Bytes) -> Bytes:
    """Return the frame (height, width, ...) in whole blocks."""
    missing = [(0, -size % BLOCK) for size in frame.shape[:2]]
    if missing == [(0, 0)] * 2:
        return frame
    return np.pad(frame, missing + [(0, 0)] * (frame.ndim - 2), "edge")


def in_blocks(plane: Bytes) -> Bytes:
    """Return a padded plane (height, width) as blocks (n, 64).

    >>> in_blocks(np.repeat(np.array([[1, 2]], np.uint8), 8, 1).repeat(8, 0))[:, :3].tolist()
    [[1, 1, 1], [2, 2, 2]]
    """
    words = np.ascontiguousarray(plane).view(np.uint64)  # eight pixels are copied as one number
    rows = words.reshape(len(plane) // BLOCK, BLOCK, -1)
    return np.ascontiguousarray(rows.transpose(0, 2, 1)).view(np.uint8).reshape(-1, PIXELS)


def in_rows(blocks: Bytes, across: int) -> Bytes:
    """Return blocks (n, 64), `across` of them in a row, as a plane (height, width)."""
    words = blocks.view(np.uint64).reshape(-1, across, BLOCK)
    rows = np.ascontiguousarray(words.transpose(0, 2, 1)).view(np.uint8)
    return rows.reshape(-1, across * BLOCK)


def means(blocks: Bytes) -> Bytes:
    """Return the mean level (n, 1) of each block, rounded."""
    total = np.add.reduce(blocks, 1, dtype=np.uint16, keepdims=True)
    total += PIXELS // 2
    return (total >> 6).astype(np.uint8)


@dataclass(frozen=True)
class Area:
    """Blocks of a picture, of which all arrays (m, 64) that belong to the area have the pixels."""

    chosen: Numbers  # (m,): block numbers
    count: int  # blocks of the whole picture
    across: int  # blocks in a row of the picture

    @classmethod
    def everything(cls, frame: Bytes) -> "Area":
        """Return the area of all blocks of a frame (height, width, ...)."""
        down, across = (-(-size // BLOCK) for size in frame.shape[:2])
        return cls(np.arange(down * across), down * across, across)

    def narrowed(self, blocks: Numbers) -> "Area":
        """Return the area of some of the whole picture's blocks."""
        return Area(blocks, self.count, self.across)

    def in_rows(self, blocks: Bytes, rest: int = 0) -> Bytes:
        """Return the area's blocks as a plane of the whole picture, `rest` elsewhere."""
        if len(self.chosen) < self.count:
            whole = np.full((self.count, PIXELS), rest, np.uint8)
            whole[self.chosen] = blocks
            blocks = whole
        return in_rows(blocks, self.across)

    def in_blocks(self, plane: Bytes) -> Bytes:
        """Return the area's blocks of a plane of the whole picture."""
        blocks = in_blocks(plane)
        return blocks if len(self.chosen) == self.count else blocks.take(self.chosen, 0)

    def box(self) -> int:
        """Return the number of pixels in the smallest rectangle of blocks round the area."""
        down, right = np.divmod(self.chosen, self.across)
        return int((np.ptp(down) + 1) * (np.ptp(right) + 1)) * PIXELS

    def sampled(self, mask: Bytes, step: int) -> tuple[Numbers, Numbers]:
        """Select masked pixels in every `step`th row and column of the picture, if there are any.

        mask: (m, 64), 0 or 1. Return the positions of these pixels, or else of all masked ones, in
        the area, and in the padded picture.
        """
        asked = mask & _lattice(self.count, self.across, step).take(self.chosen, 0)
        at = np.flatnonzero((asked if asked.any() else mask).view(np.bool_))
        down, right = np.divmod(self.chosen, self.across)
        width = self.across * BLOCK
        first = down * (BLOCK * width) + right * BLOCK
        inside = (np.arange(BLOCK)[:, None] * width + np.arange(BLOCK)).ravel()
        return at, first.take(at >> 6) + inside.take(at & (PIXELS - 1))


@lru_cache(maxsize=2)
def _lattice(count: int, across: int, step: int) -> Bytes:
    """Return blocks (count, 64) with 1 in every `step`th row and column, elsewhere 0."""
    plane = np.zeros((count // across * BLOCK, across * BLOCK), np.uint8)
    plane[::step, ::step] = 1
    return in_blocks(plane)

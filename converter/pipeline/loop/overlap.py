"""The frames that a loop's overlap is mixed with, on disk: an overlap of 1 s takes 66 MB."""

import contextlib
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image

from converter.pipeline.colours import Bytes
from converter.pipeline.loop.plan import LoopPlan

BAND = 64
"""Rows that are mixed at a time, which limits the memory of the products."""


class Overlap:
    """A plan and its material, in a file from which one frame at a time is read back."""

    def __init__(self, plan: LoopPlan, frames: Iterable[Bytes], file: IO[bytes]) -> None:
        """Write `frames`, each (height, width, 3) uint8, to `file`."""
        self._plan = plan
        self._file = file
        self._shapes: list[tuple[int, ...]] = []
        self._ends = [0]
        for frame in frames:
            self._shapes.append(frame.shape)
            self._ends.append(self._ends[-1] + file.write(np.ascontiguousarray(frame).data))

    def mix(self, frame: Bytes, number: int, pad: Callable[[Bytes], Bytes]) -> Bytes:
        """Return frame `number` of the loop; `pad` gives the material its bars."""
        place = number - self._plan.at
        if not 0 <= place < len(self._shapes):
            return frame
        return mixed(frame, pad(self._read(place)), self._plan.weights[place])

    def _read(self, place: int) -> Bytes:
        self._file.seek(self._ends[place])
        pixels = self._file.read(self._ends[place + 1] - self._ends[place])
        return np.frombuffer(pixels, np.uint8).reshape(self._shapes[place])


@contextlib.contextmanager
def stored_overlap(plan: LoopPlan, frames: Iterable[Bytes], *, folder: Path) -> Iterator[Overlap]:
    """Store the plan's material in `folder`, in a file without a name, while the block lasts."""
    with tempfile.TemporaryFile(dir=folder) as file:
        yield Overlap(plan, frames, file)


def mixed(frame: Bytes, material: Bytes, weights: Bytes) -> Bytes:
    """Return `frame` mixed with `material`, both (height, width, 3), by the material's weights.

    >>> black, white = np.zeros((1, 2, 3), np.uint8), np.full((1, 2, 3), 200, np.uint8)
    >>> mixed(black, white, np.array([[0, 255]], np.uint8))[0, :, 0].tolist()
    [0, 200]
    """
    height, width = frame.shape[:2]
    share = np.asarray(Image.fromarray(weights).resize((width, height), Image.Resampling.BILINEAR))
    if not share.any():
        return frame
    result = np.empty_like(frame)
    for top in range(0, height, BAND):
        rows = slice(top, top + BAND)
        part = share[rows, :, None].astype(np.int32)
        product = (material[rows].astype(np.int16) - frame[rows]) * part
        product += 127
        product //= 255
        product += frame[rows]
        result[rows] = product
    return result

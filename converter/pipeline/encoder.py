"""encode_gif: frames in, a looping GIF out, in one pass; each frame draws only what it must.

For each frame: hold.py says which pixels are worth drawing again, cells.py counts their colours,
palette.py makes up to 255 colours for just those, dither.py mixes them, hold.py drops what gains
too little, gifwriter.py writes the rest. CONVERSION_SETTINGS.md has each constant's measurement.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from converter.pipeline import cells, colours, dither, hold, palette
from converter.pipeline.colours import Bytes, Floats
from converter.pipeline.gifwriter import TRANSPARENT, FrameWriter
from converter.pipeline.timeline import delay_cs


@dataclass(frozen=True)
class Tuning:
    """What a quality means: how much error is left alone, for the sake of bytes."""

    threshold: int
    """Squared levels (hold.cost) that drawing a pixel must gain."""
    target: float
    """OKLab distance squared, x 1e-5, of drawn colours: palettes have as many as reach it."""
    most_colours: int = palette.MOST_COLOURS


QUALITIES = {
    "high": Tuning(threshold=14, target=7.0),
    "small": Tuning(threshold=44, target=22.0, most_colours=160),
}

FEWEST_COLOURS = 24
EVENNESS = 0.8
"""Power of a colour's pixel count in the palette: below 1, small saturated things get more."""
CALM_SHARE = 0.2
"""What pixels count in the palette that are off by less than PRESSING thresholds."""
PRESSING = 3
MOST_CELLS = 1 << 18
OCCUPIED = 24000
"""Cells with pixels that a frame may have before the next one gets a coarser grid."""
FEW_PIXELS = 4000
"""Frames that redraw fewer say nothing about how many colours the clip needs."""


def encode_gif(
    frames: Iterable[NDArray[np.uint8]], output: Path, *, fps: int, quality: str = "high"
) -> int:
    """Write frames, each (height, width, 3) uint8 sRGB, to a looping GIF89a at output.

    Returns the number of frames. `frames` is read once, one at a time; a frame is no longer needed
    once the next is asked for. What `frames` raises passes on, and the writer's thread has ended.
    """
    screen = Screen(QUALITIES[quality])
    count = 0
    with Path(output).open("wb") as file, FrameWriter(file) as writer:
        for count, frame in enumerate(frames, 1):
            drawn = screen.draw(frame)
            writer.add(drawn, screen_size=frame.shape[1::-1], delay=delay_cs(count - 1, fps=fps))
    return count


class Screen:
    """What a decoder shows after the frames so far, and the palette carried on."""

    def __init__(self, tuning: Tuning) -> None:
        self.tuning = tuning
        self.planes: list[Bytes] = []  # Y, Cb, Cr on screen; empty before the first frame
        self.palette: Floats | None = None
        self.size = tuning.most_colours
        self.most_cells = MOST_CELLS

    def draw(self, frame: Bytes) -> "Drawing":
        """Show a frame (height, width, 3); what comes back is how."""
        planes = colours.planes_of(frame)
        if not self.planes:
            everything = np.ones(planes[0].shape, np.uint8)
            index, rgb = self._quantise(frame, planes, everything, None)
            self.planes = _shown(index, rgb)
            return Drawing(index, rgb, 0, 0)
        errors = [hold.errors(p, s) for p, s in zip(planes, self.planes, strict=True)]
        loss = hold.cost(*errors)
        mask = hold.worth_drawing(loss, self.tuning.threshold)
        box = bounds(mask)
        if box is None:
            return Drawing.nothing()
        mask, loss = np.ascontiguousarray(mask[box]), np.ascontiguousarray(loss[box])
        parts = [np.ascontiguousarray(plane[box]) for plane in planes]
        urgent = (loss > PRESSING * self.tuning.threshold).view(np.uint8)
        index, rgb = self._quantise(frame[box], parts, mask, urgent)
        new = _shown(index, rgb)
        left = [
            error[box] + (old[box] - n.astype(np.int16))
            for error, old, n in zip(errors, self.planes, new, strict=True)
        ]
        gain = loss - hold.cost(*left)
        mask = hold.fill(mask & hold.worth_drawing(gain, self.tuning.threshold), gain)
        bits = -mask  # 0 or 255
        for old, n in zip(self.planes, new, strict=True):
            old[box] ^= (old[box] ^ n) & bits
        return Drawing(index | ~bits, rgb, box[1].start, box[0].start).cropped()

    def _quantise(
        self, frame: Bytes, planes: list[Bytes], mask: Bytes, urgent: Bytes | None
    ) -> tuple[Bytes, Bytes]:
        """Indices (height, width) and palette (k, 3) sRGB; only the masked part matters."""
        census = cells.take_census(
            frame, planes, mask, urgent, most=self.most_cells, calm=CALM_SHARE
        )
        group, count = palette.grouped(census.lab, census.counts, census.coarse)
        self.palette = palette.make_palette(group, count**EVENNESS, self.size, self.palette)
        rgb = colours.srgb(self.palette)
        lab = colours.oklab(rgb.astype(np.float32))
        near = palette.nearest(group, lab)[0][census.coarse]
        table, distance = dither.mixing_table(census.lab, lab, near)
        self._adapt(census, float((distance * census.counts).sum() / census.counts.sum()), mask)
        place = census.rows.astype(np.intp)
        place *= dither.LEVELS
        place += dither.thresholds(planes[0])
        return np.take(table.ravel(), place), rgb

    def _adapt(self, census: cells.Census, error: float, mask: Bytes) -> None:
        """Size the next frame's palette and grid by how this one's did."""
        if len(census.counts) > OCCUPIED:
            self.most_cells = max(MOST_CELLS // 8, self.most_cells // 2)
        elif len(census.counts) < OCCUPIED // 3:
            self.most_cells = min(2 * MOST_CELLS, self.most_cells * 2)
        if np.count_nonzero(mask) > FEW_PIXELS and self.palette is not None:
            step = np.clip((error * 1e5 / self.tuning.target) ** 0.75, 0.7, 1.5)
            size = round(len(self.palette) * float(step))
            self.size = min(self.tuning.most_colours, max(FEWEST_COLOURS, size))


def bounds(mask: Bytes) -> tuple[slice, slice] | None:
    """Rows and columns of the smallest rectangle round the mask's ones; None if it has none."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _shown(index: Bytes, rgb: Bytes) -> list[Bytes]:
    """Y, Cb, Cr planes of indices (height, width) into a palette (k, 3)."""
    levels = np.zeros((256, 3), np.uint8)
    levels[: len(rgb)] = colours.ycc_levels(rgb)
    picture = Image.fromarray(index)
    return [np.array(picture.point(levels[:, part].tolist())) for part in range(3)]


@dataclass(frozen=True)
class Drawing:
    """One frame's change of the screen: indices, TRANSPARENT where it stays, and a palette."""

    index: Bytes  # (height, width)
    palette: Bytes  # (k, 3) sRGB
    left: int  # px
    top: int

    @classmethod
    def nothing(cls) -> "Drawing":
        """One transparent pixel: a frame that only lasts."""
        return cls(np.full((1, 1), TRANSPARENT, np.uint8), np.zeros((0, 3), np.uint8), 0, 0)

    def cropped(self) -> "Drawing":
        """Without transparent borders."""
        box = bounds((self.index != TRANSPARENT).view(np.uint8))
        if box is None:
            return self.nothing()
        rows, columns = box
        return Drawing(
            self.index[box], self.palette, self.left + columns.start, self.top + rows.start
        )

"""encode_gif: frames in, a looping GIF out, in one pass; each frame draws only what it must.

For each frame: delta.py takes flicker out and says which pixels are worth drawing again, cells.py
counts their colours, palette.py makes up to 255 colours for just those, dither.py mixes them,
delta.py drops what gains too little, gifwriter.py writes the rest. CONVERSION_SETTINGS.md has each
constant's measurement.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from converter.pipeline import colours
from converter.pipeline.colours import Bytes, Floats
from converter.pipeline.gif import delta, dither, palette
from converter.pipeline.gif.census import take_census
from converter.pipeline.gif.timing import delay_cs
from converter.pipeline.gif.writer import TRANSPARENT, FrameWriter


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """What a quality means: how much error is left alone, for the sake of bytes."""

    threshold: int
    """Squared levels (delta.loss) that drawing a pixel must gain."""
    target: float
    """Misfit (see there) of drawn colours: palettes have as many as reach it."""
    price: float
    """What the noise of mixing costs, in its own squared distance."""
    most_colours: int = palette.MOST_COLOURS


QUALITIES = {
    "high": Tuning(threshold=11, target=8.0, price=1.4),
    "small": Tuning(threshold=26, target=30.0, price=10.0, most_colours=160),
}

FEWEST_COLOURS = 24
EVENNESS = 0.8
"""Power of a colour's pixel count in the palette: below 1, small saturated things get more."""
CALM_SHARE = 0.2
"""What pixels count in the palette that are off by less than PRESSING limits."""
PRESSING = 3
MOST_CELLS = 1 << 18
OCCUPIED = 26000
"""Cells with pixels that a frame should have: with more, the next one gets a coarser grid."""
FEW_PIXELS = 4000
"""Frames that redraw fewer say nothing about how many colours the clip needs."""
TAIL = 0.4
"""How much the worst served pixels count in a palette's misfit, beside the mean."""
STRAINED = 14.0
"""Mean misfit at which a palette is strained; see Screen.strain."""
EASE, LEAST_EASE, MOST_EASE = 0.35, 0.7, 1.7
"""The less a palette is strained, the more error is held, by this power and within these."""
REACH = 8.0
"""How far a strained palette's mixing reaches into texture, at most."""


def encode_gif(
    frames: Iterable[NDArray[np.uint8]], output: Path, *, fps: int, quality: str = "high"
) -> int:
    """Write frames, each (height, width, 3) uint8 sRGB, to a looping GIF89a at output.

    Returns the number of frames. `frames` is read once, one frame ahead. What it raises passes on,
    and the writer's thread has ended.
    """
    screen = Screen(QUALITIES[quality])
    count = 0
    with Path(output).open("wb") as file, FrameWriter(file) as writer:
        for count, (frame, planes) in enumerate(_steadied(frames), 1):
            drawn = screen.draw(frame, planes)
            writer.add(drawn, screen_size=frame.shape[1::-1], delay=delay_cs(count - 1, fps=fps))
    return count


def _steadied(frames: Iterable[Bytes]) -> Iterator[tuple[Bytes, list[Bytes]]]:
    """Each frame with its Y, Cb and Cr planes, of which delta.steadied took the noise."""
    last: tuple[Bytes, list[Bytes]] | None = None
    for frame in frames:
        planes = colours.planes_of(frame)
        if last is not None:
            yield last[0], delta.steadied(last[1], planes)
        last = frame, planes
    if last is not None:
        yield last


class Screen:
    """What a decoder shows after the frames so far, and the palette carried on."""

    def __init__(self, tuning: Tuning) -> None:
        self.tuning = tuning
        self.planes: list[Bytes] = []  # Y, Cb, Cr on screen; empty before the first frame
        self.palette: Floats | None = None
        self.usual = 0.0  # by what it missed the colours it was made for, squared
        self.size = tuning.most_colours
        self.most_cells = MOST_CELLS
        self.strain = 1.0
        """How poor the last palette was, 1 being STRAINED. A poor one (few colours for much) lets
        little error be held, since every frame's colours can mend some of the last one's."""

    def draw(self, frame: Bytes, planes: Sequence[Bytes]) -> "Drawing":
        """Show a frame (height, width, 3) with its planes (height, width); what is back is how."""
        active = delta.activity(planes[0])
        if not self.planes:
            everything = np.ones(planes[0].shape, np.uint8)
            noise = dither.tiled_noise(*everything.shape)
            index, rgb = self._quantise(frame, planes, everything, None, active, noise)
            self.planes = _shown(index, rgb)
            return Drawing(index, rgb, 0, 0)
        drifts = [delta.drift(p, s) for p, s in zip(planes, self.planes, strict=True)]
        loss = delta.loss(planes, self.planes, drifts)
        limit = delta.spread(delta.limits(active, self._threshold()), loss.shape)
        mask = delta.worth_drawing(loss, limit)
        box = bounds(mask)
        if box is None:
            return Drawing.nothing()
        box, blocks = in_blocks(box, loss.shape)
        noise = dither.tiled_noise(*loss.shape)[box]
        mask, loss = np.ascontiguousarray(mask[box]), np.ascontiguousarray(loss[box])
        limit = np.ascontiguousarray(limit[box])
        planes = [np.ascontiguousarray(plane[box]) for plane in planes]
        urgent = (loss > PRESSING * limit).view(np.uint8)
        index, rgb = self._quantise(frame[box], planes, mask, urgent, active[blocks], noise)
        new = _shown(index, rgb)
        gain = loss - delta.loss(planes, new, [off[blocks] for off in drifts])
        mask = delta.fill(mask & delta.worth_drawing(gain, limit), gain)
        bits = -mask  # 0 or 255
        for old, n in zip(self.planes, new, strict=True):
            old[box] ^= (old[box] ^ n) & bits
        return Drawing(index | ~bits, rgb, box[1].start, box[0].start).cropped()

    def _threshold(self) -> float:
        """The tuning's threshold, eased: what an easy palette gets right shows small errors."""
        return float(self.tuning.threshold * np.clip(self.strain**-EASE, LEAST_EASE, MOST_EASE))

    def _quantise(
        self,
        frame: Bytes,
        planes: Sequence[Bytes],
        mask: Bytes,
        urgent: Bytes | None,
        active: Floats,
        noise: NDArray[np.int16],
    ) -> tuple[Bytes, Bytes]:
        """Indices (height, width) and palette (k, 3) sRGB; only the masked part matters.

        urgent: the part of the mask that the palette serves first; None: all. active: of each
        block (delta.activity). noise: of each pixel's place (dither.tiled_noise).
        """
        census = take_census(frame, planes, mask, urgent, most=self.most_cells, calm=CALM_SHARE)
        group, count = palette.grouped(census.lab, census.counts, census.coarse)
        weights = count**EVENNESS
        self.palette = palette.make_palette(
            group, weights, self.size, self.palette, usual=self.usual
        )
        rgb = colours.srgb(self.palette)
        lab = colours.oklab(rgb.astype(np.float32))
        near, missed = palette.nearest(group, lab)
        self.usual = float(np.average(missed, weights=weights))
        table, distance = dither.mixing_table(
            census.lab,
            lab,
            near[census.coarse],
            price=self.tuning.price * self.strain**-0.5,
            unseen=dither.UNSEEN / self.strain,
        )
        mean, tail = misfit(distance, census.counts)
        self.strain = max(1.0, mean) / STRAINED
        self._adapt(len(distance), mean ** (1 - TAIL) * tail**TAIL, int(np.count_nonzero(mask)))
        strong = dither.strength(active, min(REACH, max(1.0, (2 * self.strain) ** 2)))
        index = np.empty(mask.shape, np.uint8)
        for rows in delta.bands(len(index)):
            place = census.rows[rows].astype(np.intp)
            place *= dither.LEVELS
            blocks = slice(rows.start // delta.BLOCK, -(-rows.stop // delta.BLOCK))
            place += dither.thresholds(noise[rows], strong[blocks])
            np.take(table.ravel(), place, out=index[rows], mode="clip")
        return index, rgb

    def _adapt(self, occupied: int, felt: float, drawn: int) -> None:
        """Size the next frame's palette and grid by how this one's did."""
        # Above 1, since of twice as many cells not twice as many are occupied.
        finer = min(2.0, max(0.5, (OCCUPIED / occupied) ** 1.2))
        most = int(self.most_cells * finer)
        self.most_cells = min(2 * MOST_CELLS, max(MOST_CELLS // 8, most))
        if drawn > FEW_PIXELS and self.palette is not None:
            step = min(1.5, max(0.7, (felt / self.tuning.target) ** 0.75))
            size = round(len(self.palette) * step)
            self.size = min(self.tuning.most_colours, max(FEWEST_COLOURS, size))


def misfit(distance: Floats, counts: NDArray[np.float64]) -> tuple[float, float]:
    """Mean squared OKLab distance (x 1e-5) of pixels from their colours; and the same of the tail.

    The tail is the mean over pixels weighted by that distance, halved: about the mean where misses
    are of one kind, far above it where a few colours are badly served (text, thin things).

    >>> misfit(np.array([2e-5, 2e-5], np.float32), np.ones(2))
    (2.0, 1.0)
    """
    total = float((distance * counts).sum())
    mean = total / float(counts.sum())
    tail = float((distance * distance * counts).sum()) / max(total, 1e-12) / 2
    return round(mean * 1e5, 6), round(tail * 1e5, 6)


Box = tuple[slice, slice]


def bounds(mask: Bytes) -> Box | None:
    """Rows and columns of the smallest rectangle round what is not 0; None if there is nothing."""
    found = Image.fromarray(mask).getbbox()
    if found is None:
        return None
    left, top, right, bottom = found
    return slice(top, bottom), slice(left, right)


def in_blocks(box: Box, shape: tuple[int, ...]) -> tuple[Box, Box]:
    """The box grown to whole blocks of a picture (height, width), and those blocks' numbers."""
    rows, columns = (slice(s.start // delta.BLOCK, -(-s.stop // delta.BLOCK)) for s in box)
    grown = [
        slice(s.start * delta.BLOCK, min(s.stop * delta.BLOCK, size))
        for s, size in zip((rows, columns), shape, strict=True)
    ]
    return (grown[0], grown[1]), (rows, columns)


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

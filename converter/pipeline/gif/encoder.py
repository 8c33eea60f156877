"""Encode frames as a looping GIF in one pass; each frame draws only the pixels that changed.

For each frame blocks.py arranges the pixels, delta.py removes flicker and selects the pixels to
redraw, census.py counts their colours, palette.py makes up to 255 colours for them, dither.py mixes
those, delta.py drops pixels that gain too little, and writer.py writes the rest.
CONVERSION_SETTINGS.md has the measurement of each constant.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from converter.pipeline import colours
from converter.pipeline.colours import Bytes, Floats
from converter.pipeline.gif import delta, dither, palette
from converter.pipeline.gif.blocks import Area, in_blocks, padded, parts
from converter.pipeline.gif.census import take_census
from converter.pipeline.gif.timing import delay_cs
from converter.pipeline.gif.writer import TRANSPARENT, FrameWriter


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """The parameters of a quality: how much error is accepted to save bytes."""

    threshold: int
    """Squared levels (delta.loss) that redrawing a pixel must remove."""
    target: float
    """Misfit (see `misfit`) that a palette may have; it gets as few colours as reach it."""
    price: float
    """Cost of the noise of mixing two colours, as a factor of their squared distance."""
    most_colours: int = palette.MOST_COLOURS


QUALITIES = {
    "high": Tuning(threshold=6, target=5.0, price=0.8),
    "small": Tuning(threshold=25, target=20.0, price=1.5, most_colours=160),
}

FEWEST_COLOURS = 24
EVENNESS = 0.9
"""Exponent of a colour's pixel count in the palette: below 1, small saturated areas get more."""
PRESSING = 6
"""Limits from which the error of a pixel is urgent."""
URGENT_WEIGHT = 10
"""Weight of an urgent pixel in the palette; others have 1."""
SAMPLE = 3
"""Bins and mean colours come from every third pixel of every third row of an area"""
LARGE = 1 << 16
"""with more than this number of pixels, and from every pixel of a smaller one."""
MOST_CELLS = 1 << 18
OCCUPIED = 26000
"""Target for the number of occupied cells: with more, the next frame gets a coarser grid."""
FEW_PIXELS = 4000
"""Frames that redraw fewer pixels do not change the size of the palette."""
TAIL = 0.25
"""Share of the worst-fitting pixels in a palette's misfit."""
STRAINED = 14.0
"""Mean misfit at which Canvas.strain is 1."""
LEAST_STRAIN = 0.5
"""Lower bound of the first frame's strain, which is estimated: each of its errors stays visible."""
EASE, LEAST_EASE, MOST_EASE = 0.35, 1.0, 1.7
"""The less a palette is strained, the higher the threshold: exponent and bounds of the factor."""
MIXING_EASE, MOST_MIXING = 1.5, 1.9
"""Mixing costs more if the palette is less strained: exponent and upper bound of the factor."""
MOSTLY = 0.45
"""Share of improved pixels from which a frame draws all selected ones: holes save few bytes."""
REACH = 8.0
"""Upper bound of the factor by which a strained palette mixes in more texture."""


def encode_gif(
    frames: Iterable[NDArray[np.uint8]], output: Path, *, fps: int, quality: str = "high"
) -> int:
    """Write frames, each (height, width, 3) uint8 sRGB, to a looping GIF89a at output.

    Return the number of frames. Read `frames` once, one frame ahead. Exceptions of `frames` pass
    through after the writer's thread has ended.
    """
    canvas = Canvas(QUALITIES[quality])
    count = 0
    with Path(output).open("wb") as file, FrameWriter(file) as writer:
        for count, (frame, planes) in enumerate(_steadied(frames), 1):
            drawn = canvas.draw(frame, planes)
            writer.add(drawn, screen_size=frame.shape[1::-1], delay=delay_cs(count - 1, fps=fps))
    return count


def _steadied(frames: Iterable[Bytes]) -> Iterator[tuple[Bytes, Bytes]]:
    """Yield each frame with its planes (see `planes_of`), without their noise (delta.steadied)."""
    last: tuple[Bytes, Bytes] | None = None
    for frame in frames:
        planes = planes_of(frame)
        if last is not None:
            yield last[0], delta.steadied(last[1], planes)
        last = frame, planes
    if last is not None:
        yield last


def planes_of(frame: Bytes) -> Bytes:
    """Return the Y, Cb and Cr planes of a frame (height, width, 3) in blocks (3, n, 64)."""
    return np.stack([in_blocks(plane) for plane in colours.planes_of(padded(frame))])


class Canvas:
    """The picture that a decoder shows after the frames so far, and the previous palette."""

    def __init__(self, tuning: Tuning) -> None:
        self.tuning = tuning
        self.planes: Bytes | None = None  # Y, Cb, Cr shown (3, n, 64); None before the first frame
        self.palette: Floats | None = None
        self.usual = 0.0  # mean squared distance of its colours from the pixels
        self.size = tuning.most_colours
        self.most_cells = MOST_CELLS
        self.strain = 1.0
        """Misfit of the last palette relative to STRAINED. A low strain raises the threshold."""

    def draw(self, frame: Bytes, planes: Bytes) -> "DeltaFrame":
        """Draw a frame (height, width, 3) with its planes (3, n, 64); return the change.

        Blocks without a pixel whose error is above its limit are left out of all further steps.
        """
        area = Area.everything(frame)
        active = delta.activity(planes[0], area.across)
        if self.planes is None:
            mask = np.ones(planes[0].shape, np.uint8)
            index, rgb = self._quantise(frame, planes, mask, mask, active, area)
            self.planes = _shown(index, rgb)
            return DeltaFrame.of(index, rgb, area, frame)
        loss = delta.loss(planes, self.planes)
        # Where few colours suffice, the activity is that of edges, which hide no errors.
        hidden = delta.HIDDEN * min(1.0, self.strain)
        limit = delta.limits(active, self._threshold(), hidden)
        plain = delta.uniform(planes, area.chosen)
        limit[np.setdiff1d(plain, delta.uniform(self.planes, plain), assume_unique=True)] = 0
        area = area.narrowed(np.flatnonzero((loss > limit).any(1)))
        planes, loss = planes.take(area.chosen, 1), loss.take(area.chosen, 0)
        limit, active = limit.take(area.chosen, 0), active.take(area.chosen, 0)
        mask = delta.worth_drawing(loss, limit, area)
        if not mask.any():
            return DeltaFrame.nothing()
        urgent = mask & (loss > PRESSING * limit).view(np.uint8)
        index, rgb = self._quantise(frame, planes, mask, urgent, active, area)
        new = _shown(index, rgb)
        gain = loss - delta.loss(planes, new)
        improved = mask & delta.worth_drawing(gain, limit, area)
        if np.count_nonzero(improved) < MOSTLY * area.box():
            mask = improved
        mask = delta.fill(mask, gain)
        bits = -mask  # 0 or 255
        for shown, plane in zip(self.planes, new, strict=True):
            old = shown.take(area.chosen, 0)
            plane ^= old
            plane &= bits
            plane ^= old
            shown[area.chosen] = plane
        return DeltaFrame.of(index | ~bits, rgb, area, frame).cropped()

    def _threshold(self) -> float:
        """Return the tuning's threshold, adapted to the strain of the palette."""
        return float(self.tuning.threshold * np.clip(self.strain**-EASE, LEAST_EASE, MOST_EASE))

    def _quantise(
        self, frame: Bytes, planes: Bytes, mask: Bytes, urgent: Bytes, active: Floats, area: Area
    ) -> tuple[Bytes, Bytes]:
        """Return indices (m, 64) and a palette (k, 3) sRGB for the masked pixels of an area.

        frame: the whole picture (height, width, 3). planes: (3, m, 64). mask, urgent: (m, 64), 0
        or 1; urgent pixels have a larger weight in the palette. active: (m, 1).
        """
        weights = mask + urgent * np.uint8(URGENT_WEIGHT - 1)
        at, pixels = area.sampled(mask, SAMPLE if mask.size > LARGE else 1)
        census = take_census(
            planes.reshape(3, -1),
            weights.ravel(),
            at=at,
            rgb=padded(frame).reshape(-1, 3)[pixels],
            most=self.most_cells,
        )
        group, count = palette.grouped(census.lab, census.counts, census.coarse)
        weights = count**EVENNESS
        self.palette = palette.make_palette(
            group, weights, self.size, self.palette, usual=self.usual
        )
        near, missed = palette.nearest(group, self.palette)
        self.usual = float(np.average(missed, weights=weights))
        if self.planes is None:
            self.strain = max(LEAST_STRAIN, self.usual * 1e5 / STRAINED)
        near = near[census.coarse]
        rgb = palette.levels(self.palette, census.rgb, census.counts, near)
        self.palette = colours.oklab(rgb.astype(np.float32))
        table, distance = dither.mixing_table(
            census.lab,
            self.palette,
            near,
            price=self.tuning.price * min(MOST_MIXING, self.strain**-MIXING_EASE),
            unseen=dither.UNSEEN / self.strain**2,
        )
        mean, tail = misfit(distance, census.counts)
        self.strain = max(1.0, mean) / STRAINED
        self._adapt(len(distance), mean ** (1 - TAIL) * tail**TAIL, int(np.count_nonzero(mask)))
        strong = dither.strength(active, min(REACH, max(1.0, (2 * self.strain) ** 2)))
        rows = census.rows.reshape(mask.shape)
        index = np.empty(mask.shape, np.uint8)
        for part in parts(len(index)):
            place = rows[part].astype(np.intp)
            place *= dither.LEVELS
            place += dither.THRESHOLDS[strong[part]]
            np.take(table.ravel(), place, out=index[part], mode="clip")
        return index, rgb

    def _adapt(self, occupied: int, felt: float, drawn: int) -> None:
        """Set the sizes of the next palette and grid from this frame's misfit."""
        # The exponent is above 1: twice as many cells are not twice as many occupied cells.
        finer = min(2.0, max(0.5, (OCCUPIED / occupied) ** 1.2))
        most = int(self.most_cells * finer)
        self.most_cells = min(2 * MOST_CELLS, max(MOST_CELLS // 8, most))
        if drawn > FEW_PIXELS and self.palette is not None:
            step = min(1.5, max(0.7, (felt / self.tuning.target) ** 0.75))
            size = round(len(self.palette) * step)
            self.size = min(self.tuning.most_colours, max(FEWEST_COLOURS, size))


def misfit(distance: Floats, counts: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean squared OKLab distance (x 1e-5) of pixels from their colours, and the tail.

    The tail is the mean weighted by that distance, halved: about the mean if all errors are alike,
    far above it if a few colours fit badly (text, thin objects).

    >>> misfit(np.array([2e-5, 2e-5], np.float32), np.ones(2))
    (2.0, 1.0)
    """
    total = float((distance * counts).sum())
    mean = total / float(counts.sum())
    tail = float((distance * distance * counts).sum()) / max(total, 1e-12) / 2
    return round(mean * 1e5, 6), round(tail * 1e5, 6)


Box = tuple[slice, slice]


def bounds(mask: Bytes) -> Box | None:
    """Return rows and columns of the smallest rectangle round all pixels above 0, or None."""
    found = Image.fromarray(mask).getbbox()
    if found is None:
        return None
    left, top, right, bottom = found
    return slice(top, bottom), slice(left, right)


def _shown(index: Bytes, rgb: Bytes) -> Bytes:
    """Return the Y, Cb, Cr planes (3, m, 64) of indices (m, 64) into a palette (k, 3)."""
    levels = np.zeros((3, 256), np.uint8)
    levels[:, : len(rgb)] = colours.ycc_levels(rgb).T
    pixels, planes = index.tobytes(), np.empty((3, *index.shape), np.uint8)
    for plane, level in zip(planes, levels, strict=True):
        plane.ravel()[:] = np.frombuffer(pixels.translate(level.tobytes()), np.uint8)
    return planes


@dataclass(frozen=True)
class DeltaFrame:
    """A frame's change of the canvas: a palette, and indices, TRANSPARENT for unchanged pixels."""

    index: Bytes  # (height, width)
    palette: Bytes  # (k, 3) sRGB
    left: int  # px
    top: int

    @classmethod
    def of(cls, index: Bytes, rgb: Bytes, area: Area, frame: Bytes) -> "DeltaFrame":
        """Return the change of a frame (height, width, ...) with an area's indices (m, 64)."""
        height, width = frame.shape[:2]
        return cls(area.in_rows(index, TRANSPARENT)[:height, :width], rgb, 0, 0)

    @classmethod
    def nothing(cls) -> "DeltaFrame":
        """Return a frame of one transparent pixel, which changes nothing."""
        return cls(np.full((1, 1), TRANSPARENT, np.uint8), np.zeros((0, 3), np.uint8), 0, 0)

    def cropped(self) -> "DeltaFrame":
        """Return the frame without transparent borders."""
        box = bounds((self.index != TRANSPARENT).view(np.uint8))
        if box is None:
            return self.nothing()
        rows, columns = box
        return DeltaFrame(
            self.index[box], self.palette, self.left + columns.start, self.top + rows.start
        )

"""Compute palettes: k-means in OKLab over counted colours, continued from frame to frame."""

import heapq
import itertools

import numpy as np
from numpy.typing import NDArray

from converter.pipeline.colours import Floats, srgb
from converter.pipeline.gif.blocks import Numbers

MOST_COLOURS = 255  # the last index is transparent
ROUNDS = 2
"""k-means rounds per frame: 5 gain 0.03 dB over 2, since each frame continues from the last."""

FIRST_ROUNDS = 10
"""k-means rounds of a new palette: errors of the first frame stay visible."""
NEW_SCENE = 3
"""Factor of the usual misfit from which a new palette is made: two rounds can't adapt the old."""
BADLY = 0.5
"""Exponent of a colour's relative squared distance in its weight in the next mean."""
EXACT_SHARE = 0.5
"""A palette colour becomes the colour of a cell that has more than this share of its pixels."""
MOVED = 24
"""Colours that may move to where the error is largest, per round."""

_ROWS = 256
"""Rows per matrix product: 256 x 3 x 255 is below the size at which OpenBLAS starts threads."""

Weights = NDArray[np.float64]


def nearest(colours: Floats, palette: Floats) -> tuple[Numbers, Floats]:
    """Return the number of, and squared distance to, the nearest palette colour for colours (n, 3).

    >>> nearest(np.array([[0, 0, 1]], np.float32), np.eye(3, dtype=np.float32))[0].tolist()
    [2]
    """
    half = (palette**2).sum(1) / 2
    minus = np.ascontiguousarray(-palette.T)
    numbers = np.empty(len(colours), np.intp)
    for at in range(0, len(colours), _ROWS):
        distance = colours[at : at + _ROWS] @ minus
        distance += half
        distance.argmin(1, out=numbers[at : at + _ROWS])
    return numbers, squares(colours - palette[numbers])


def squares(off: Floats) -> Floats:
    """Return the squared length (n,) of each row (n, 3), column by column: sum(1) is slow."""
    a, b, c = off.T
    total: Floats = a * a + b * b + c * c
    return total


def apart(colours: Floats) -> Floats:
    """Return the squared distances (k, k) between colours (k, axes)."""
    total = np.zeros((len(colours), len(colours)), np.float32)
    for axis in colours.T:  # sum(2) over three is slow, too
        off = axis[:, None] - axis
        off *= off
        total += off
    return total


def grouped(lab: Floats, counts: Weights, group: Numbers) -> tuple[Floats, Weights]:
    """Return the mean colour and total count of each group of cells."""
    total: Weights = np.bincount(group, counts).astype(np.float64)
    safe = np.maximum(total, 1e-9)
    mean = [np.bincount(group, counts * lab[:, axis]) / safe for axis in range(3)]
    return np.stack(mean, 1).astype(np.float32), total


def make_palette(
    lab: Floats, weights: Weights, size: int, last: Floats | None, *, usual: float = np.inf
) -> Floats:
    """Return at most `size` colours (k, 3), darkest first, for weighted colours (n, 3).

    `last`, the previous frame's palette, is continued unless it is far too small or the scene is
    new: its mean squared distance is far above the `usual` one. If there are at most `size`
    colours, all are in the palette.
    """
    if len(lab) <= size:
        return np.ascontiguousarray(lab[np.argsort(lab[:, 0], kind="stable")])
    rounds = ROUNDS
    if last is None or len(last) < size // 2 or _is_new(lab, weights, last, usual):
        last, rounds = variance_cut(lab, weights, size), FIRST_ROUNDS
    elif len(last) > size:  # remove the least used
        used = np.bincount(nearest(lab, last)[0], weights, len(last))
        last = last[np.sort(np.argsort(-used, kind="stable")[:size])]
    elif len(last) < size:  # add the worst fitting
        worst = np.argsort(-weights * nearest(lab, last)[1], kind="stable")
        last = np.concatenate([last, lab[worst[: size - len(last)]]])
    colours = refine(last, lab, weights, rounds=rounds)
    return np.ascontiguousarray(colours[np.argsort(colours[:, 0], kind="stable")])


def _is_new(lab: Floats, weights: Weights, last: Floats, usual: float) -> bool:
    some = slice(None, None, 4)
    missed = np.average(nearest(lab[some], last)[1], weights=weights[some])
    return bool(missed > NEW_SCENE * usual)


def refine(colours: Floats, lab: Floats, weights: Weights, *, rounds: int) -> Floats:
    """Run k-means; after each round move colours with little effect to where the error is largest.

    k-means alone never moves a colour to a small saturated area that has just appeared.
    """
    colours = colours.copy()
    for _ in range(rounds):
        number, distance = nearest(lab, colours)
        served: Weights = np.bincount(number, weights, len(colours)).astype(np.float64)
        used = served > 0
        relative = distance / max(float(np.average(distance, weights=weights)), 1e-12)
        heavy = weights * np.clip(relative, 0.1, 100) ** BADLY
        mass = np.bincount(number, heavy, len(colours))[used]
        for axis in range(3):
            total = np.bincount(number, heavy * lab[:, axis], len(colours))
            colours[used, axis] = total[used] / mass
        _move(colours, served, lab, weights, distance)
    return colours


def _move(
    colours: Floats, served: Weights, lab: Floats, weights: Weights, distance: Floats
) -> None:
    """Move up to MOVED colours, and all unused ones, if this reduces the error.

    The pixels of a moved colour get its neighbour. It moves to the worst fitting of lab (n, 3), by
    their weighted squared distances (n,) from their colours.
    """
    between = apart(colours)
    np.fill_diagonal(between, np.inf)
    heirs = between.argmin(1)
    missed = np.where(served > 0, served * between.min(1), 0.0)
    left = distance.copy()
    gone, stays = np.zeros((2, len(colours)), bool)
    for colour in np.argsort(missed, kind="stable")[: max(MOVED, np.count_nonzero(served == 0))]:
        if stays[colour] or gone[heirs[colour]]:  # one of two similar colours has to stay
            continue
        worst = (weights * left).argmax()
        mended = np.minimum(left, squares(lab - lab[worst]))
        if missed[colour] >= (weights * (left - mended)).sum():
            return
        colours[colour], left = lab[worst], mended
        gone[colour] = True
        stays[heirs[colour]] |= served[colour] > 0


def levels(palette: Floats, rgb: Floats, counts: Weights, near: Numbers) -> NDArray[np.uint8]:
    """Return the sRGB levels (k, 3) of a palette (k, 3) that is drawn for counted cells.

    rgb (n, 3): each cell's mean colour, 0 to 255; counts (n,): its pixels; near (n,): its palette
    number. A colour becomes the sRGB mean of its pixels: the mean of k-means weighs badly served
    pixels more and is one of OKLab, which shifted the saturated colours of testsrc2 by up to 11
    levels. If one cell has most of the pixels, the colour is exactly that cell's, so flat areas
    have their colour.
    """
    served = np.bincount(near, counts, len(palette))
    shown = srgb(palette)
    used = served > 0
    for channel in range(3):
        mean = np.bincount(near, counts * rgb[:, channel], len(palette))[used] / served[used]
        shown[used, channel] = np.rint(mean)
    cells = np.flatnonzero(counts > EXACT_SHARE * np.maximum(served, 1e-9)[near])
    shown[near[cells]] = np.rint(rgb[cells])
    return shown


def variance_cut(lab: Floats, weights: Weights, size: int) -> Floats:
    """Split the group with the largest spread along its widest axis until there are `size`."""
    moments = np.concatenate([np.ones((len(lab), 1)), lab, lab**2], 1) * (weights + 1e-9)[:, None]
    order = itertools.count()  # for equal spreads: first in, first out
    heap: list[tuple[float, int, Numbers, int, Floats]] = []

    def push(members: Numbers) -> None:
        total = moments[members].sum(0)
        mean = total[1:4] / total[0]
        spread = total[4:] - mean * total[1:4]
        worst = -float(spread.max()) if len(members) > 1 else 0.0
        heapq.heappush(heap, (worst, next(order), members, int(spread.argmax()), mean))

    push(np.arange(len(lab)))
    while len(heap) < size and heap[0][0] < 0:
        _, _, members, axis, mean = heapq.heappop(heap)
        high = lab[members, axis] > mean[axis]
        if high.all() or not high.any():
            high = np.arange(len(members)) >= len(members) // 2
        push(members[high])
        push(members[~high])
    return np.array([entry[4] for entry in heap], np.float32)

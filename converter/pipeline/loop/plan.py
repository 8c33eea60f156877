"""Plan how the end of a loop leads into its beginning, from small pictures of the source.

The overlap is the part of the loop that is mixed with material: frames that the source shows just
after the selection, or just before it. A plain dissolve shows two pictures at once everywhere, and
blurs moving things. So each region of the picture changes within a few frames, at a frame at which
both pictures are similar there.
"""

import functools
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from converter.pipeline.colours import Bytes, Floats, oklab
from converter.pipeline.profile import ConversionProfile

SMALL_WIDTH = 160
"""px of the pictures that the plan is made from."""
MARGIN_S = 1.5
"""How much of the source before and after the selection may become material, s."""
OVERLAPS_S = (0.5, 0.75, 0.875, 1.0, 1.25, 1.375, 1.5)
"""Lengths that an overlap may have, s. At 24 fps all are whole eighths of a second, so that a start
moved by one is exact in the microseconds that ffmpeg gets."""
WIDTHS = (3, 6)
"""How many frames a region may take to change; the better one is used."""
STILL = 0.02
"""Step (OKLab distance x 100) up to which two frames count as the same picture."""
SMOOTH = 1.2
"""A seam of up to this many median steps is left as it is."""
EVEN = 1.4
"""The shortest overlap is used whose steps are at most this many median steps."""
SHARP, SOFT_COST = 0.9, 20.0
"""A frame with less than SHARP of its gradient in a cut costs the plan SOFT_COST median steps times
the difference. 0.9 of a small picture's gradient is about 0.85 of a full-size picture's."""
GRID = (32, 18)
"""Columns and rows of the regions."""
MASK = (80, 45)
"""Columns and rows of the weights."""
NEIGHBOURS = 2.0
"""Sigma, in regions, of the blur that makes neighbouring regions change together."""
TRIED = 3
"""How many candidates are planned in full: those with the best rough plans."""
ROUGH_ROUNDS = 15
"""Iterations that make a rough plan's steps even."""
STARTS = 3
"""How many orders of the regions are tried."""
SWITCHES = 24
"""How many switch frames are tried for each region before the steps are made even."""
GROUPS = 64
"""Groups of regions that change together before the steps are made even."""
ROUNDS = 60
"""Iterations that make the steps even."""
MOST_MOVE = 0.7
"""Frames by which the first iteration moves a switch frame at most; later ones move it less."""
PEAK = 20.0
"""How strongly the largest steps lead an iteration."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LoopPlan:
    """The loop's number of frames, and its overlap.

    at: number of the overlap's first frame. offset: number of the material's first frame, counted
    from the selection's start; negative before it. weights: of the material in each frame of the
    overlap, (overlap, rows, columns) uint8, where 255 is the material alone.
    """

    frames: int
    at: int
    offset: int
    weights: Bytes

    @property
    def overlap(self) -> int:
        """How many frames are mixed."""
        return len(self.weights)


@dataclass(frozen=True)
class Candidate:
    """A way to close the loop, in numbers of small frames.

    The overlap changes from the frames that begin at `old` to those that begin at `new`.
    """

    frames: int
    overlap: int
    old: int
    new: int
    ends_on_material: bool


class SmallPictures:
    """The plan's pictures in OKLab, and per region their differences and gradients.

    Each is computed once. difference, edges: the mean difference of two pictures, and the mean
    horizontal gradient of the lightness of one, in each region.
    """

    def __init__(self, lab: Callable[[int], Floats]) -> None:
        """Take a function that returns the picture (height, width, 3) of a number."""
        seen = functools.cache(lab)  # no reference to self: a cycle would keep the pictures
        self.lab = seen
        self.difference = functools.cache(
            lambda one, other: _regions(_distance(seen(one), seen(other)))
        )
        self.edges = functools.cache(lambda number: _regions(_edges(seen(number))))

    def step(self, one: int, other: int) -> float:
        """Return the mean difference of two pictures."""
        return float(self.difference(one, other).mean())

    def median_step(self, first: int, count: int) -> float:
        """Return the median step of `count` pictures from `first` on, of those that differ."""
        steps = [self.step(number, number + 1) for number in range(first, first + count - 1)]
        return float(np.median([step for step in steps if step > STILL] or [STILL]))


@dataclass(frozen=True)
class RegionSteps:
    """The overlap's n + 1 steps in each region, (n + 1, regions), in median steps.

    of_old, of_new: the step of either picture alone. apart: the difference of both pictures, which
    a region that changes adds. loss_of_old, loss_of_new: the part of the cut's gradient that a
    frame loses where it shows either picture, (n, regions); the mean is the whole frame's part.
    """

    of_old: Floats
    of_new: Floats
    apart: Floats
    loss_of_old: Floats
    loss_of_new: Floats


def small_profile(profile: ConversionProfile) -> ConversionProfile:
    """Return the profile of the plan's pictures: small, and MARGIN_S longer at each end."""
    return ConversionProfile(
        width=SMALL_WIDTH,
        height=round(SMALL_WIDTH * profile.height / profile.width),
        fps=profile.fps,
        seconds=profile.seconds + 2 * MARGIN_S,
    )


def plan_loop(frames: Sequence[Bytes], *, lead: int, profile: ConversionProfile) -> LoopPlan | None:
    """Return the best plan for a loop of `profile`, or None where a cut is as good or all there is.

    `frames` are the source's from `lead` before the selection on, of `small_profile`.
    """
    own = min(profile.frames, len(frames) - lead)
    if own < profile.fps:
        return None
    pictures = SmallPictures(lambda number: picture_lab(frames[number]))
    unit = pictures.median_step(lead, own)
    if pictures.step(lead + own - 1, lead) <= SMOOTH * unit:
        return None
    candidates = _candidates(len(frames), lead=lead, own=own, profile=profile)
    if not candidates:
        return None
    steps = [region_steps(pictures, candidate, unit=unit) for candidate in candidates]
    rough = [max(EVEN, _rough_cost(of_candidate)) for of_candidate in steps]
    plans = []
    for number in sorted(np.argsort(rough, kind="stable")[:TRIED]):
        candidate = candidates[number]
        for width in WIDTHS:
            weights = new_weights(steps[number], width)
            plans.append((_cost(pictures, candidate, weights, unit=unit), candidate, weights))
        if min(cost for cost, _, _ in plans) <= EVEN:
            break
    _, candidate, weights = min(plans, key=lambda plan: plan[0])
    material = weights if candidate.ends_on_material else 1 - weights
    first = candidate.new if candidate.ends_on_material else candidate.old
    return LoopPlan(
        frames=candidate.frames,
        at=candidate.frames - candidate.overlap if candidate.ends_on_material else 0,
        offset=first - lead,
        weights=np.rint(material * 255).astype(np.uint8),
    )


def _candidates(total: int, *, lead: int, own: int, profile: ConversionProfile) -> list[Candidate]:
    """Return the ways to close the loop, the shortest overlap first: whole ones, else shorter ones.

    The material of a whole loop comes from after the selection or from before it.
    """
    whole, shorter = [], []
    for seconds in OVERLAPS_S:
        overlap = round(seconds * profile.fps)
        if 2 * overlap > own:
            continue
        if total - lead - own >= overlap:
            whole.append(Candidate(own, overlap, lead + own, lead, ends_on_material=False))
        if lead >= overlap:
            old, new = lead + own - overlap, lead - overlap
            whole.append(Candidate(own, overlap, old, new, ends_on_material=True))
        left = min(own, total - lead - overlap)
        shorter.append(Candidate(left, overlap, lead + left, lead, ends_on_material=False))
    return whole or shorter


def _cost(pictures: SmallPictures, candidate: Candidate, weights: Floats, *, unit: float) -> float:
    """Return the largest step of the mixed pictures, in median steps, plus the cost of softness."""
    old = [pictures.lab(candidate.old + k) for k in range(-1, candidate.overlap)]
    new = [pictures.lab(candidate.new + k) for k in range(candidate.overlap + 1)]
    mixed = mix(old, new, weights)
    worst = max(map(step_between, [old[0], *mixed], [*mixed, new[-1]])) / unit
    return worst + _cost_of_softness(mixed, old[1:] if candidate.ends_on_material else new[:-1])


def _rough_cost(steps: RegionSteps) -> float:
    """Return the largest step of a rough plan, in median steps, or more if its frames are soft."""
    price = np.full(len(steps.apart), 1 / len(steps.apart), np.float32)
    plans = (
        _evened(
            _first_switches(steps, width, price=price, is_even=True), steps, width, ROUGH_ROUNDS
        )
        for width in WIDTHS
    )
    return min(worst for worst, _, _ in plans)


def new_weights(steps: RegionSteps, width: int) -> Floats:
    """Return weights of the new picture, 0 to 1, (n frames, rows, columns) of MASK.

    Each region changes within `width` frames.
    """
    moment = np.arange(1, len(steps.apart), dtype=np.float32)[:, None, None]
    switch_frames = _resized(_switch_frames(steps, width).reshape(GRID[::-1]), MASK)
    weights: Floats = np.clip((moment - switch_frames) / np.float32(width) + 0.5, 0, 1)
    return weights


def region_steps(pictures: SmallPictures, candidate: Candidate, *, unit: float) -> RegionSteps:
    """Return the steps of a candidate's pictures. `unit` is the clip's median step."""
    old = range(candidate.old - 1, candidate.old + candidate.overlap)
    new = range(candidate.new, candidate.new + candidate.overlap + 1)
    of_old = np.stack([pictures.difference(a, b) for a, b in itertools.pairwise(old)])
    of_new = np.stack([pictures.difference(a, b) for a, b in itertools.pairwise(new)])
    apart = np.stack([pictures.difference(a, b) for a, b in zip(old[1:], new, strict=False)])
    between = (apart[1:] + apart[:-1]) / 2
    edges_of_old = np.stack([pictures.edges(number) for number in old[1:]])
    edges_of_new = np.stack([pictures.edges(number) for number in new[:-1]])
    kept = edges_of_old if candidate.ends_on_material else edges_of_new
    frame = kept.mean(axis=1, keepdims=True) + np.float32(1e-6)
    scale = np.float32(1 / unit)
    return RegionSteps(
        of_old=np.concatenate([of_old, of_old[-1:]]) * scale,
        of_new=np.concatenate([of_new[:1], of_new]) * scale,
        apart=np.concatenate([apart[:1], between, apart[-1:]]) * scale,
        loss_of_old=(kept - edges_of_old) / frame,
        loss_of_new=(kept - edges_of_new) / frame,
    )


def _switch_frames(steps: RegionSteps, width: int) -> Floats:
    """Return the frame at which each region changes, in fractions: the best of STARTS tries.

    Each try makes those steps dearer that were large in the one before.
    """
    count = len(steps.apart)
    price = np.full(count, 1 / count, np.float32)
    least, best = np.inf, np.empty(0, np.float32)
    for number in range(STARTS):
        first = _first_switches(steps, width, price=price, is_even=number == 0)
        worst, switches, step = _evened(first, steps, width, ROUNDS)
        if worst < least:
            least, best = worst, switches
        peaks = np.exp((step / step.max() - 1) * 8)
        price = ((price + peaks / peaks.sum()) / 2).astype(np.float32)
    return best


def _first_switches(steps: RegionSteps, width: int, *, price: Floats, is_even: bool) -> Floats:
    """Return each region's switch frame before the steps are made even.

    The best switch frame of a region is one at which both pictures are similar there and little
    moves; the regions change in the order of these frames. `price` is of each step.
    """
    count = len(steps.apart) - 1
    moments = np.linspace(width / 2, count + 1 - width / 2, SWITCHES, dtype=np.float32)
    seen = np.stack([_blurred(cost) for cost in _costs(steps, moments, width, price=price)])
    order = np.argsort(_blurred(moments[seen.argmin(axis=0)]), kind="stable")
    switches = np.empty(order.size, np.float32)
    if is_even:
        load = steps.apart.mean(axis=0)[order] + 1e-6
        done = np.cumsum(load)
        switches[order] = width / 2 + (count + 1 - width) * (done - load / 2) / done[-1]
        return switches
    places = np.arange(order.size) + 0.5
    switches[order] = np.interp(places, _done(steps, order), np.arange(count + 2))
    return np.clip(switches, width / 2, count + 1 - width / 2).astype(np.float32)


def _costs(steps: RegionSteps, moments: Floats, width: int, *, price: Floats) -> Floats:
    """Return the steps, and the pictures seen at once, of each moment and region."""
    share = _shares(moments, len(steps.apart), width).T
    during, change = (share[:, 1:] + share[:, :-1]) / 2, np.diff(share, axis=1)
    costs = (
        ((1 - during) * price) @ steps.of_old
        + (during * price) @ steps.of_new
        + (change * price + during * (1 - during) / len(steps.apart)) @ steps.apart
    )
    return costs.astype(np.float32)


def _shares(switches: Floats, count: int, width: int) -> Floats:
    """Return the new picture's share at the moments 0 to `count`, (count + 1, switches)."""
    moment = np.arange(count + 1, dtype=np.float32)[:, None]
    shares: Floats = np.clip((moment - switches) / np.float32(width) + np.float32(0.5), 0, 1)
    return shares


def _done(steps: RegionSteps, order: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return how many regions, in their order, have changed at the moments 0 to n + 1.

    The largest step is as small as possible if each region changes within one frame (dynamic
    programming over groups of regions of equal load).
    """
    load = np.cumsum(steps.apart.mean(axis=0)[order] + 1e-6)
    ends = np.concatenate([[0], np.searchsorted(load, np.linspace(0, load[-1], GROUPS + 1)[1:])])
    ends[-1] = order.size

    def upto(values: Floats) -> Floats:
        sums = np.cumsum(values[:, order], axis=1) / order.size
        return np.concatenate([np.zeros((len(values), 1), np.float32), sums], axis=1)[:, ends]

    worst = np.full(GROUPS + 1, np.inf)
    worst[0] = 0
    origins = []
    later = np.arange(GROUPS + 1)[:, None] > np.arange(GROUPS + 1)
    for old, new, apart in zip(
        upto(steps.of_old), upto(steps.of_new), upto(steps.apart), strict=True
    ):
        before, after = (new - old) / 2 - apart, (new - old) / 2 + apart
        step = np.where(later, np.inf, old[-1] + before[:, None] + after)
        largest = np.maximum(worst[:, None], step) + 1e-3 * step
        origins.append(largest.argmin(axis=0))
        worst = largest.min(axis=0)
    groups = [GROUPS]
    for origin in reversed(origins):
        groups.append(origin[groups[-1]])
    done: NDArray[np.float64] = ends[groups[::-1]] + np.arange(len(groups)) * 1e-6
    return done


def _evened(
    switches: Floats, steps: RegionSteps, width: int, rounds: int
) -> tuple[float, Floats, Floats]:
    """Return the largest step, the switch frames moved so that it is small, and the steps.

    Each iteration moves the switch frames, together with their neighbours', down the gradient of
    the largest steps (their softmax).
    """
    count = len(steps.apart)
    lost = steps.loss_of_new - steps.loss_of_old
    least, best, steps_of_best = np.inf, switches, steps.apart[:, 0]
    for number in range(rounds):
        share = _shares(switches, count, width)
        during, change = (share[1:] + share[:-1]) / 2, share[1:] - share[:-1]
        step = ((1 - during) * steps.of_old + during * steps.of_new + change * steps.apart).mean(1)
        loss = (steps.loss_of_old + share[1:-1] * lost).mean(1)
        soft = EVEN + SOFT_COST * (loss - (1 - SHARP))
        worst = max(step.max(), soft.max())
        if worst < least:
            least, best, steps_of_best = worst, switches, step
        moves = ((share > 0) & (share < 1)).astype(np.float32)
        moves[0] = moves[-1] = 0
        earlier, later = moves[:-1], moves[1:]
        pull = (steps.of_new - steps.of_old) / 2 * (earlier + later) + steps.apart * (
            later - earlier
        )
        slope = np.exp((step - worst) * PEAK) @ pull
        slope += np.exp((soft - worst) * PEAK) @ (SOFT_COST * lost * moves[1:-1])
        slope = _blurred(-slope)
        reach = MOST_MOVE * (1 - number / rounds) / (np.abs(slope).max() + 1e-9)
        switches = np.clip(switches - reach * slope, width / 2, count - width / 2)
    return least, best, steps_of_best


def mix(old: Sequence[Floats], new: Sequence[Floats], weights: Floats) -> list[Floats]:
    """Return the overlap's n OKLab pictures.

    `old` is the frame before the overlap and its n frames, `new` its n frames and the next one.
    """
    size = old[0].shape[1::-1]
    return [
        a + (b - a) * _resized(weight, size)[..., None]
        for a, b, weight in zip(old[1:], new, weights, strict=False)
    ]


def _cost_of_softness(shown: Sequence[Floats], in_cut: Sequence[Floats]) -> float:
    """Return what the softest of the shown pictures costs, beside its picture in a cut."""
    pairs = zip(shown, in_cut, strict=False)
    softest = min((_gradient(a) + 1e-6) / (_gradient(b) + 1e-6) for a, b in pairs)
    return SOFT_COST * max(0, SHARP - softest)


def _gradient(lab: Floats) -> float:
    """Return the mean horizontal gradient of the lightness."""
    return float(_edges(lab).mean())


def _edges(lab: Floats) -> Floats:
    """Return the horizontal gradient of the lightness at each pixel; the last column has none."""
    edges: Floats = np.zeros(lab.shape[:2], np.float32)
    edges[:, :-1] = np.abs(np.diff(lab[..., 0], axis=1))
    return edges


def picture_lab(frame: Bytes) -> Floats:
    """Return OKLab (height, width, 3) x 100 of a picture (height, width, 3) sRGB."""
    lab: Floats = oklab(frame.reshape(-1, 3).astype(np.float32)).reshape(frame.shape) * 100
    return lab


def _distance(a: Floats, b: Floats) -> Floats:
    """Return the difference of two OKLab pictures at each pixel."""
    distance: Floats = np.sqrt(((a - b) ** 2).sum(axis=2))
    return distance


def step_between(a: Floats, b: Floats) -> float:
    """Return the mean difference of two OKLab pictures."""
    return float(_distance(a, b).mean())


def _regions(picture: Floats) -> Floats:
    """Return the means of a picture (height, width) over the regions of GRID, row by row."""
    return np.asarray(Image.fromarray(picture).resize(GRID, Image.Resampling.BOX)).ravel()


def _resized(picture: Floats, size: tuple[int, int]) -> Floats:
    """Return a picture (height, width) at another size (width, height), bilinear."""
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))


def _blurred(values: Floats) -> Floats:
    """Return a value per region blurred by a Gaussian of NEIGHBOURS; edges are repeated."""
    columns, rows = GRID
    blurred = _blurring(rows) @ values.reshape(rows, columns) @ _blurring(columns).T
    return blurred.ravel().astype(np.float32)


@functools.cache
def _blurring(count: int) -> Floats:
    """Return the matrix (count, count) that blurs a row of regions."""
    reach = int(3 * NEIGHBOURS)
    matrix = np.zeros((count, count), np.float32)
    for place in range(count):
        for k in range(-reach, reach + 1):
            matrix[place, min(max(place + k, 0), count - 1)] += np.exp(-((k / NEIGHBOURS) ** 2) / 2)
    blurring: Floats = (matrix / matrix[0].sum()).astype(np.float32)
    return blurring

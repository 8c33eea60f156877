"""Plan how the end of a loop leads into its beginning, from small pictures of the source.

The overlap is the stretch of the loop that is mixed with material: frames that the source shows
just after the selection, or just before it. Each region of the picture changes over within a few
frames, and the regions do so one after the other: a plain dissolve shows two pictures at once
everywhere, and blurs what moves. A region's turn comes when both pictures are most alike there.
"""

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from converter.pipeline.colours import Bytes, Floats, oklab
from converter.pipeline.profile import ConversionProfile

SMALL_WIDTH = 160
"""px of the pictures that the plan is made from."""
MARGIN_S = 1
"""How much of the source before and after the selection may become material, s."""
OVERLAPS_S = (0.5, 0.75, 1.0)
"""Lengths that an overlap may have, s. At 24 fps all are whole eighths of a second, so that a start
moved by one is exact in the microseconds that ffmpeg gets."""
CHANGE_SHARE = 0.25
"""How much of the overlap one region takes to change over."""
STILL = 0.02
"""Step (OKLab distance x 100) up to which two frames count as the same picture."""
SMOOTH = 1.2
"""Up to this many median steps from the last frame to the first nobody sees a seam."""
GRID = (32, 18)
"""Columns and rows of the regions."""
MASK = (80, 45)
"""Columns and rows of the weights."""
NEIGHBOURS = 2.0
"""Sigma, in regions, within which regions take their turns together."""
TURNS = 24
"""How many moments are tried for each region's turn."""


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
class _Candidate:
    """A way to close the loop, in numbers of small frames.

    The picture changes over from the frames that begin at `old` to those that begin at `new`.
    """

    frames: int
    overlap: int
    old: int
    new: int
    ends_on_material: bool


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
    shown = frames[lead : lead + own]
    if step_between(picture_lab(shown[-1]), picture_lab(shown[0])) <= SMOOTH * median_step(shown):
        return None
    lab = functools.cache(lambda number: picture_lab(frames[number]))
    best: tuple[float, _Candidate, Floats] | None = None
    for candidate in _candidates(len(frames), lead=lead, own=own, profile=profile):
        overlap = candidate.overlap
        old = [lab(candidate.old + k) for k in range(-1, overlap)]
        new = [lab(candidate.new + k) for k in range(overlap + 1)]
        weights = new_weights(old, new)
        worst = max(steps_of_mix(old, new, weights))
        if best is None or worst < best[0]:
            best = worst, candidate, weights
    if best is None:
        return None
    _, candidate, weights = best
    material = weights if candidate.ends_on_material else 1 - weights
    first = candidate.new if candidate.ends_on_material else candidate.old
    return LoopPlan(
        frames=candidate.frames,
        at=candidate.frames - candidate.overlap if candidate.ends_on_material else 0,
        offset=first - lead,
        weights=np.rint(material * 255).astype(np.uint8),
    )


def _candidates(total: int, *, lead: int, own: int, profile: ConversionProfile) -> list[_Candidate]:
    """Return the ways to close the loop: whole ones, else shorter ones.

    Material after the selection comes first; where it is too short, material before it.
    """
    whole, shorter = [], []
    for seconds in OVERLAPS_S:
        overlap = round(seconds * profile.fps)
        if 2 * overlap > own:
            continue
        if total - lead - own >= overlap:
            whole.append(_Candidate(own, overlap, lead + own, lead, ends_on_material=False))
        elif lead >= overlap:
            old, new = lead + own - overlap, lead - overlap
            whole.append(_Candidate(own, overlap, old, new, ends_on_material=True))
        else:
            left = min(own, total - lead - overlap)
            shorter.append(_Candidate(left, overlap, lead + left, lead, ends_on_material=False))
    return whole or shorter


def median_step(frames: Sequence[Bytes]) -> float:
    """Return the median step of frames (height, width, 3), of those that differ at all."""
    steps, last = [], picture_lab(frames[0])
    for frame in frames[1:]:
        now = picture_lab(frame)
        steps.append(step_between(last, now))
        last = now
    return float(np.median([step for step in steps if step > STILL] or [STILL]))


def new_weights(old: Sequence[Floats], new: Sequence[Floats]) -> Floats:
    """Return the weights of `new`, from 0 to 1, in each frame of the overlap: (n, rows, columns).

    `old` and `new` are OKLab pictures: the frame before the overlap and its n frames; its n frames
    and the frame after it.
    """
    count = len(new) - 1
    width = max(2.0, CHANGE_SHARE * count)  # frames that one region takes
    apart = np.stack([_regions(_distance(a, b)) for a, b in zip(old[1:], new, strict=False)])
    order = _turns(apart, width)
    pace = _pace(old, new, total=float(apart.mean()))
    # Regions in their order, each taking as much of the pace as it adds to the steps.
    load = apart.mean(axis=0)
    for _ in range(2):
        turn = _at_pace(order, load, pace, width=width)
        nearest = np.clip(np.rint(turn - 0.5).astype(np.intp), 0, count - 1)
        load = np.take_along_axis(apart, nearest[None], 0)[0]
    turn = _resized(_at_pace(order, load, pace, width=width), MASK)
    moment = np.arange(1, count + 1, dtype=np.float32)[:, None, None]
    weights: Floats = np.clip((moment - turn) / np.float32(width) + 0.5, 0, 1)
    return weights


def _turns(apart: Floats, width: float) -> Floats:
    """Return the moment, in frames, at which each region would best change over.

    `apart` is how far old and new picture are apart in each frame and region.
    """
    count = len(apart)
    moments = np.linspace(width / 2, count + 1 - width / 2, TURNS)
    share = np.clip((np.arange(1, count + 1) - moments[:, None]) / width + 0.5, 0, 1)
    mixed = (share * (1 - share)).astype(np.float32)  # how much a frame is of both
    seen = np.stack([_blurred(cost) for cost in np.tensordot(mixed, apart, 1)])
    return _blurred(moments.astype(np.float32)[seen.argmin(axis=0)])


def _pace(old: Sequence[Floats], new: Sequence[Floats], *, total: float) -> Floats:
    """Return how much of `total`, the steps that changing over adds, each step should take.

    Steps that are small by themselves take more, so that the largest is as small as can be.
    """
    count = len(new) - 1
    of_old = [step_between(a, b) for a, b in itertools.pairwise(old)]
    of_new = [step_between(a, b) for a, b in itertools.pairwise(new)]
    share = (np.arange(count + 1) + 0.5) / (count + 1)
    own = np.array([*of_old, of_old[-1]]) * (1 - share) + np.array([of_new[0], *of_new]) * share
    low, high = own.min(), own.max() + total
    for _ in range(40):
        level = (low + high) / 2
        low, high = (low, level) if np.maximum(0, level - own).sum() > total else (level, high)
    pace: Floats = np.maximum(1e-6, high - own).astype(np.float32)
    return pace


def _at_pace(order: Floats, load: Floats, pace: Floats, *, width: float) -> Floats:
    """Return when each region changes over, in frames, so that their loads keep to the pace."""
    count = len(pace) - 1
    ranks = np.argsort(order, axis=None, kind="stable")
    done = np.cumsum(load.ravel()[ranks] + 1e-6)
    share = np.empty(order.size)
    share[ranks] = (done - done[0] / 2) / done[-1]
    ends = np.concatenate([[0], np.cumsum(pace)]) / pace.sum()
    moments = np.interp(share, ends, np.arange(count + 2))
    turn: Floats = np.clip(moments, width / 2, count + 1 - width / 2).astype(np.float32)
    return turn.reshape(order.shape)


def steps_of_mix(old: Sequence[Floats], new: Sequence[Floats], weights: Floats) -> list[float]:
    """Return the steps from the frame before the overlap to the frame after it."""
    size = old[0].shape[1::-1]
    last, steps = old[0], []
    for a, b, weight in zip(old[1:], new, weights, strict=False):
        part = _resized(weight, size)[..., None]
        mixed = a + (b - a) * part
        steps.append(step_between(last, mixed))
        last = mixed
    return [*steps, step_between(last, new[-1])]


def picture_lab(frame: Bytes) -> Floats:
    """Return OKLab (height, width, 3) x 100 of a picture (height, width, 3) sRGB."""
    lab: Floats = oklab(frame.reshape(-1, 3).astype(np.float32)).reshape(frame.shape) * 100
    return lab


def _distance(a: Floats, b: Floats) -> Floats:
    """Return how far two OKLab pictures are apart at each pixel."""
    distance: Floats = np.sqrt(((a - b) ** 2).sum(axis=2))
    return distance


def step_between(a: Floats, b: Floats) -> float:
    """Return how far two OKLab pictures are apart, on average."""
    return float(_distance(a, b).mean())


def _regions(picture: Floats) -> Floats:
    """Return the means of a picture (height, width) over each region, (rows, columns) of GRID."""
    return np.asarray(Image.fromarray(picture).resize(GRID, Image.Resampling.BOX))


def _resized(picture: Floats, size: tuple[int, int]) -> Floats:
    """Return a picture (height, width) at another size (width, height), bilinear."""
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))


def _blurred(picture: Floats) -> Floats:
    """Return a picture (rows, columns) blurred by a Gaussian of NEIGHBOURS; edges are repeated."""
    reach = int(3 * NEIGHBOURS)
    kernel = np.exp(-((np.arange(-reach, reach + 1) / NEIGHBOURS) ** 2) / 2)
    kernel /= kernel.sum()
    for axis in (0, 1):
        places = np.arange(picture.shape[axis])
        near = [
            np.take(picture, np.clip(places + k, 0, places[-1]), axis)
            for k in range(-reach, reach + 1)
        ]
        picture = np.tensordot(kernel, np.stack(near), 1).astype(np.float32)
    return picture

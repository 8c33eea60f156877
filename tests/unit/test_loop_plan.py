"""The plan of a loop without a seam, on small pictures drawn here."""

import gc
import weakref

import numpy as np
import pytest

from converter.pipeline.loop import plan
from converter.pipeline.loop.overlap import mixed
from converter.pipeline.profile import BACKGROUND

SMALL = plan.small_profile(BACKGROUND)
SIZE = (SMALL.height, SMALL.width, 3)


@pytest.fixture
def quick(monkeypatch):
    """Plan with few iterations, where a test does not look at the steps."""
    monkeypatch.setattr(plan, "STARTS", 1)
    monkeypatch.setattr(plan, "ROUNDS", 3)


def drifting(count, *, levels=1.0):
    """Return `count` small frames that get lighter by `levels` each, over a fixed texture."""
    texture = np.random.default_rng(3).integers(0, 30, SIZE)
    return [(30 + texture + levels * k).clip(0, 255).astype(np.uint8) for k in range(count)]


def planned(total, *, lead, levels=1.0):
    found = plan.plan_loop(drifting(total, levels=levels), lead=lead, profile=BACKGROUND)
    return found and (found.frames, found.at, found.offset)


@pytest.mark.parametrize(
    ("before", "after", "at_the_end"),
    [(0, 36, False), (9, 12, False), (36, 0, True), (36, 9, True)],
)
def test_whole_loops_take_material_from_after_the_selection_or_from_before_it(
    before, after, at_the_end, quick
):
    found = plan.plan_loop(drifting(before + 144 + after), lead=before, profile=BACKGROUND)
    assert found is not None
    assert found.frames == 144
    assert found.offset == (-found.overlap if at_the_end else 144)
    assert found.at == (144 - found.overlap if at_the_end else 0)


def swinging(count, period):
    """Return `count` small frames over a fixed texture, whose lightness rises and falls."""
    texture = np.random.default_rng(3).integers(0, 30, SIZE)
    levels = (abs(period / 2 - (k + 3) % period) for k in range(count))
    return [(30 + texture + 2 * level).astype(np.uint8) for level in levels]


def test_the_overlap_is_no_longer_than_even_steps_need():
    """After 144 frames a period of 47 is 3 frames ahead, and one of 61 is 22."""
    overlaps = []
    for period in (47, 61):
        found = plan.plan_loop(swinging(144 + 36, period), lead=0, profile=BACKGROUND)
        assert found is not None
        overlaps.append(found.overlap / BACKGROUND.fps)
    assert overlaps[0] == min(plan.OVERLAPS_S) < overlaps[1]


def blurred(frame):
    """Return a frame without its texture, as motion blurs it."""
    return np.broadcast_to(frame.mean(axis=(0, 1)), SIZE).astype(np.uint8)


@pytest.mark.parametrize("blurred_side", ["before", "after"])
def test_material_that_is_blurred_is_not_used_where_there_is_other(blurred_side, quick):
    frames = drifting(36 + 144 + 36)
    side = slice(0, 36) if blurred_side == "before" else slice(180, 216)
    frames[side] = map(blurred, frames[side])
    found = plan.plan_loop(frames, lead=36, profile=BACKGROUND)
    assert found is not None
    assert (found.offset < 0) == (blurred_side == "after")


@pytest.mark.parametrize(("before", "shown", "after"), [(0, 144, 0), (9, 100, 0), (0, 144, 6)])
def test_without_material_the_loop_gets_shorter_by_the_overlap(before, shown, after, quick):
    found = plan.plan_loop(drifting(before + shown + after), lead=before, profile=BACKGROUND)
    assert found is not None
    assert found.frames == found.offset == min(144, shown + after - found.overlap)
    assert found.at == 0


@pytest.mark.parametrize(("total", "lead"), [(23, 0), (40, 24), (24, 24), (10, 24)])
def test_less_than_a_second_is_cut(total, lead):
    assert planned(total, lead=lead) is None


def test_still_pictures_are_cut():
    assert planned(192, lead=24, levels=0.0) is None


def steps_in_regions(old, new, *, unit):
    """Return the steps of an overlap from the OKLab pictures `old` to `new`."""
    labs = [*old, *new]
    candidate = plan.Candidate(
        frames=144, overlap=len(new) - 1, old=1, new=len(old), ends_on_material=False
    )
    return plan.region_steps(plan.SmallPictures(labs.__getitem__), candidate, unit=unit)


@pytest.mark.parametrize("count", [12, 24, 36])
def test_each_region_changes_once(count, quick):
    frames = [plan.picture_lab(frame) for frame in drifting(182)]
    unit = plan.step_between(frames[0], frames[1])
    steps = steps_in_regions(frames[143 : 144 + count], frames[: count + 1], unit=unit)
    weights = plan.new_weights(steps, plan.WIDTHS[0])
    assert weights.shape == (count, 45, 80)
    assert (np.diff(weights, axis=0) >= 0).all()
    assert 0 <= weights[0].mean() < 0.25
    assert 0.75 < weights[-1].mean() <= 1


def steps_of(old, new, *, unit):
    """Return the steps of the overlap with the better weights, in units."""
    found = []
    for width in plan.WIDTHS:
        mixed = plan.mix(old, new, plan.new_weights(steps_in_regions(old, new, unit=unit), width))
        found.append(
            [
                plan.step_between(a, b) / unit
                for a, b in zip([old[0], *mixed], [*mixed, new[-1]], strict=True)
            ]
        )
    return min(found, key=max)


def test_the_steps_of_the_overlap_are_even():
    frames = [plan.picture_lab(frame) for frame in drifting(170)]
    old, new = frames[143:168], frames[:25]
    steps = steps_of(old, new, unit=plan.step_between(old[0], old[1]))
    assert max(steps) < 2 * np.median(steps)
    assert max(steps) < plan.step_between(old[0], new[0]) / plan.step_between(old[0], old[1]) / 8


def test_a_region_changes_while_both_pictures_are_similar_there():
    """A bar passes the left half early in the old frames, and the right half late."""
    old = [np.zeros(SIZE, np.float32) for _ in range(25)]
    new = [np.zeros(SIZE, np.float32) for _ in range(25)]
    for number in range(1, 13):
        old[number][:, :80] = 50
    for number in range(12, 25):
        old[number][:, 80:] = 50
    weights = plan.new_weights(steps_in_regions(old, new, unit=1.0), plan.WIDTHS[1])
    assert weights[8, :, 60:].mean() > 0.75
    assert weights[8, :, :20].mean() < 0.25


def test_the_pictures_of_a_plan_are_freed_with_it():
    gc.disable()  # a cycle of references would keep them until the next collection
    try:
        pictures = plan.SmallPictures(lambda number: np.full(SIZE, number, np.float32))
        assert pictures.step(1, 3) > 0
        assert pictures.edges(1).shape == (32 * 18,)
        first = weakref.ref(pictures.lab(1))
        del pictures
        assert first() is None
    finally:
        gc.enable()


def test_only_the_best_rough_plans_are_planned_in_full(monkeypatch):
    planned_in_full = []
    in_full = plan.new_weights
    monkeypatch.setattr(
        plan, "new_weights", lambda steps, width: planned_in_full.append(0) or in_full(steps, width)
    )
    monkeypatch.setattr(plan, "EVEN", 0)  # no plan is good enough to stop early
    assert plan.plan_loop(drifting(36 + 144 + 36), lead=36, profile=BACKGROUND) is not None
    assert len(planned_in_full) == plan.TRIED * len(plan.WIDTHS)


def test_frames_are_mixed_by_the_weights():
    dark, light = np.full((90, 160, 3), 10, np.uint8), np.full((90, 160, 3), 210, np.uint8)
    weights = np.zeros((45, 80), np.uint8)
    weights[:, 40:] = 255
    weights[:, :10] = 51
    picture = mixed(dark, light, weights)
    assert {picture[5, x, 1] for x in (4, 50, 150)} == {50, 10, 210}
    assert np.array_equal(mixed(dark, light, np.zeros((45, 80), np.uint8)), dark)

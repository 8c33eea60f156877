"""The plan of a loop without a seam, on small pictures drawn here."""

import numpy as np
import pytest

from converter.pipeline.loop import plan
from converter.pipeline.loop.overlap import mixed
from converter.pipeline.profile import BACKGROUND

SMALL = plan.small_profile(BACKGROUND)
SIZE = (SMALL.height, SMALL.width, 3)


def drifting(count, *, levels=1.0):
    """Return `count` small frames that get lighter by `levels` each, over a fixed texture."""
    texture = np.random.default_rng(3).integers(0, 30, SIZE)
    return [(30 + texture + levels * k).clip(0, 255).astype(np.uint8) for k in range(count)]


def planned(total, *, lead, levels=1.0):
    found = plan.plan_loop(drifting(total, levels=levels), lead=lead, profile=BACKGROUND)
    return found and (found.frames, found.at, found.offset)


@pytest.mark.parametrize(
    ("before", "after", "frames", "at_the_end"),
    [
        (24, 24, 144, False),
        (0, 24, 144, False),
        (24, 0, 144, True),
        (24, 9, 144, True),
        (9, 12, 144, False),
    ],
)
def test_whole_loops_take_material_from_after_the_selection_or_else_before(
    before, after, frames, at_the_end
):
    found = plan.plan_loop(drifting(before + 144 + after), lead=before, profile=BACKGROUND)
    assert found is not None
    assert (found.frames, found.at > 0) == (frames, at_the_end)
    assert found.offset == (-found.overlap if at_the_end else 144)
    assert found.at == (144 - found.overlap if at_the_end else 0)


@pytest.mark.parametrize(("before", "shown", "after"), [(0, 144, 0), (9, 100, 0), (0, 144, 6)])
def test_without_material_the_loop_gets_shorter_by_the_overlap(before, shown, after):
    found = plan.plan_loop(drifting(before + shown + after), lead=before, profile=BACKGROUND)
    assert found is not None
    assert found.frames == found.offset == min(144, shown + after - found.overlap)
    assert found.at == 0


@pytest.mark.parametrize(("total", "lead"), [(23, 0), (40, 24), (24, 24), (10, 24)])
def test_less_than_a_second_is_cut(total, lead):
    assert planned(total, lead=lead) is None


def test_still_pictures_are_cut():
    assert planned(192, lead=24, levels=0.0) is None


@pytest.mark.parametrize("count", [12, 18, 24])
def test_each_region_changes_once(count):
    frames = [plan.picture_lab(frame) for frame in drifting(170)]
    weights = plan.new_weights(frames[144 - 1 : 144 + count], frames[: count + 1])
    assert weights.shape == (count, 45, 80)
    assert (np.diff(weights, axis=0) >= 0).all()
    assert 0 <= weights[0].mean() < 0.25
    assert 0.75 < weights[-1].mean() <= 1


def test_the_steps_of_the_overlap_are_even():
    frames = [plan.picture_lab(frame) for frame in drifting(170)]
    old, new = frames[143:168], frames[:25]
    steps = plan.steps_of_mix(old, new, plan.new_weights(old, new))
    assert max(steps) < 2 * np.median(steps)
    assert max(steps) < plan.step_between(old[0], new[0]) / 8


def test_a_region_changes_while_both_pictures_are_similar_there():
    """A bar passes the left half early in the old frames, and the right half late."""
    old = [np.zeros(SIZE, np.float32) for _ in range(25)]
    new = [np.zeros(SIZE, np.float32) for _ in range(25)]
    for number in range(1, 13):
        old[number][:, :80] = 50
    for number in range(12, 25):
        old[number][:, 80:] = 50
    weights = plan.new_weights(old, new)
    assert weights[8, :, 60:].mean() > 0.9
    assert weights[8, :, :20].mean() < 0.1


def test_frames_are_mixed_by_the_weights():
    dark, light = np.full((90, 160, 3), 10, np.uint8), np.full((90, 160, 3), 210, np.uint8)
    weights = np.zeros((45, 80), np.uint8)
    weights[:, 40:] = 255
    weights[:, :10] = 51
    picture = mixed(dark, light, weights)
    assert {picture[5, x, 1] for x in (4, 50, 150)} == {50, 10, 210}
    assert np.array_equal(mixed(dark, light, np.zeros((45, 80), np.uint8)), dark)

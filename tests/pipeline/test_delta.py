"""Delta frames: which pixels of a frame are drawn again."""

import numpy as np
import pytest

from converter.pipeline.gif import delta


def plane(value, size=32):
    return np.full((size, size), value, np.uint8)


def limit_of(value, shape=(9, 9)):
    return np.full(shape, value, np.int16)


def losses(luma, shown):
    """Return the loss in levels if only luma differs."""
    drifts = [delta.drift(luma, shown), *[delta.drift(plane(128), plane(128))] * 2]
    chroma = [plane(128, len(luma))] * 2
    return set(delta.loss([luma, *chroma], [shown, *chroma], drifts).ravel().tolist())


def test_an_error_shared_by_a_block_counts_three_times():
    assert losses(plane(102), plane(100)) == {(2 + delta.HEAL * 2) ** 2}


def test_a_block_that_moved_has_no_shared_error():
    assert losses(plane(140), plane(100)) == {40**2}


def test_a_loss_of_any_size_fits_in_sixteen_bits():
    black, white = [plane(0, 8)] * 3, [plane(255, 8)] * 3
    still = [np.zeros((1, 1), np.int16)] * 3
    for shown, wanted in ((black, white), (white, black)):
        assert set(delta.loss(wanted, shown, still).ravel().tolist()) == {2 * 90**2}


def test_the_loss_of_a_picture_is_that_of_its_bands():
    rng = np.random.default_rng(0)
    high = delta.BAND + 3 * delta.BLOCK
    planes, shown = (
        [rng.integers(90, 110, (high, 16)).astype(np.uint8) for _ in range(3)] for _ in range(2)
    )
    drifts = [delta.drift(p, s) for p, s in zip(planes, shown, strict=True)]
    below = slice(delta.BAND, high)
    part = delta.loss(
        [p[below] for p in planes],
        [s[below] for s in shown],
        [d[delta.BAND // delta.BLOCK :] for d in drifts],
    )
    assert np.array_equal(delta.loss(planes, shown, drifts)[below], part)


def test_an_isolated_pixel_is_kept_and_an_urgent_one_is_redrawn():
    gain = np.zeros((9, 9), np.int16)
    gain[2, 2], gain[6, 6] = 15, 10 * delta.URGENT + 1
    assert np.argwhere(delta.worth_drawing(gain, limit_of(10))).tolist() == [[6, 6]]


def test_a_group_of_changed_pixels_is_redrawn():
    gain = np.zeros((9, 9), np.int16)
    gain[3:6, 3:6] = 15
    drawn = delta.worth_drawing(gain, limit_of(10))
    assert (drawn.sum(), drawn[4, 4]) == (5, 1)  # the corners have only three neighbours


def test_holes_in_a_mostly_redrawn_block_are_filled_if_harmless():
    mask, gain = np.ones((16, 8), np.uint8), np.zeros((16, 8), np.int16)
    mask[1, 1] = mask[2, 2] = 0
    mask[8:] = 0
    gain[2, 2] = -delta.FILL_LOSS
    filled = delta.fill(mask, gain)
    assert (filled[1, 1], filled[2, 2], filled[8:].any()) == (1, 0, False)


def test_texture_hides_twice_the_error_that_a_plain_block_does():
    luma = plane(100, 64)
    luma[:, 32:] = np.random.default_rng(0).integers(0, 256, (64, 32))
    limits = delta.limits(delta.activity(luma), 10)
    assert (set(limits[:, :3].ravel().tolist()), set(limits[:, 5:].ravel().tolist())) == (
        {10},
        {20},
    )


@pytest.mark.parametrize(
    ("now", "coming", "expected"),
    [
        (100, 102, 101),  # half of the change, rounded up
        (102, 100, 101),  # rounded down
        (100, 101, 100),
        (100, 100 + delta.STILL + 1, 100),  # the brightness of the block changes
    ],
)
def test_flicker_is_averaged_and_a_change_of_light_is_not(now, coming, expected):
    planes = delta.steadied([plane(now)] * 3, [plane(coming)] * 3)
    assert [set(p.ravel().tolist()) for p in planes] == [{expected}] * 3


def test_motion_is_not_blurred_into_the_next_frame():
    now, coming = plane(100), plane(100)
    now[4, 4], coming[4, 6] = 100 + delta.NOISE + 1, 100 + delta.NOISE + 1
    for steadied in delta.steadied([now] * 3, [coming] * 3):
        assert np.array_equal(steadied, now)


def test_noise_that_goes_both_ways_leaves_no_bias():
    rng = np.random.default_rng(0)
    frames = [(100 + rng.integers(-3, 4, (160, 160))).astype(np.uint8) for _ in range(2)]
    steadied = delta.steadied([frames[0]] * 3, [frames[1]] * 3)[0]
    assert abs(steadied.mean() - frames[0].mean()) < 0.05
    assert steadied.std() < 0.85 * frames[0].std()


def test_a_uniform_block_has_one_level_in_each_plane():
    luma, chroma = plane(100, 20), plane(128, 20)
    luma[3, 9] = chroma[17, 2] = 101
    found = delta.uniform([luma, chroma, plane(128, 20)])
    assert found.tolist() == [[True, False, True], [True, True, True], [False, True, True]]

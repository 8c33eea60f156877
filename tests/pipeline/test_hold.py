"""Hold and heal: what is drawn again."""

import numpy as np

from converter.pipeline import hold


def plane(value, size=32):
    return np.full((size, size), value, np.uint8)


def test_a_small_error_is_held_and_a_shared_one_counts_three_times():
    error = hold.errors(plane(102), plane(100))
    assert set(error.ravel().tolist()) == {2 + hold.HEAL * 2}


def test_a_block_that_moved_speaks_for_its_pixels_only():
    assert set(hold.errors(plane(140), plane(100)).ravel().tolist()) == {40}


def test_a_lone_pixel_is_left_and_an_urgent_one_is_drawn():
    gain = np.zeros((9, 9), np.int16)
    gain[2, 2], gain[6, 6] = 15, 10 * hold.URGENT + 1
    assert np.argwhere(hold.worth_drawing(gain, 10)).tolist() == [[6, 6]]


def test_a_patch_is_drawn_in_company():
    gain = np.zeros((9, 9), np.int16)
    gain[3:6, 3:6] = 15
    drawn = hold.worth_drawing(gain, 10)
    assert (drawn.sum(), drawn[4, 4]) == (5, 1)  # the corners have three neighbours only


def test_holes_of_a_nearly_full_block_are_filled_where_it_does_no_harm():
    mask, gain = np.ones((16, 8), np.uint8), np.zeros((16, 8), np.int16)
    mask[1, 1] = mask[2, 2] = 0
    mask[8:] = 0
    gain[2, 2] = -hold.FILL_LOSS
    filled = hold.fill(mask, gain)
    assert (filled[1, 1], filled[2, 2], filled[8:].any()) == (1, 0, False)


def test_errors_of_any_size_fit_in_sixteen_bits():
    most = np.full((1, 1), 255, np.int16)
    assert 0 < hold.cost(most, -most, most).item() < 2**15

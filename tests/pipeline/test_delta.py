"""Delta frames: which pixels of a frame are drawn again."""

import numpy as np
import pytest

from converter.pipeline.gif import delta
from converter.pipeline.gif.blocks import BLOCK, PART, PIXELS, Area, in_blocks, in_rows
from converter.pipeline.gif.encoder import QUALITIES


def block(value, count=1):
    """Return blocks of one level."""
    return np.full((count, PIXELS), value, np.uint8)


def whole(height, width):
    return Area.everything(np.empty((height, width), np.uint8))


def losses(luma, shown):
    """Return the loss in quarters of squared levels if only luma differs."""
    chroma = np.full_like(luma, 128)
    loss = delta.loss(np.stack([luma, chroma, chroma]), np.stack([shown, chroma, chroma]))
    return set(loss.ravel().tolist())


LIMIT = 4 * QUALITIES["high"].threshold


def drawn(gain, limit):
    """Return where a picture (height, width) of gains, in whole blocks, is worth drawing."""
    area = whole(*gain.shape)
    gains = gain.reshape(-1, BLOCK, area.across, BLOCK).swapaxes(1, 2).reshape(-1, PIXELS)
    mask = delta.worth_drawing(gains, np.full((len(gains), 1), limit, np.int16), area)
    return in_rows(mask, area.across)


def test_an_error_shared_by_a_block_counts_more_than_one_of_a_pixel():
    one_pixel = block(100)
    one_pixel[0, 9] += 3
    assert max(losses(one_pixel, block(100))) < LIMIT < min(losses(block(103), block(100)))


def test_a_mixture_with_the_right_mean_is_not_redrawn():
    mixture = np.full((BLOCK, BLOCK), 100, np.uint8)
    mixture[::2, ::2] += 4
    mixture[1::2, 1::2] -= 4
    assert max(losses(block(100), mixture.reshape(1, PIXELS))) < LIMIT


def test_the_loss_joins_a_pixel_with_its_squares():
    one_pixel = np.full((BLOCK, BLOCK), 100, np.uint8)
    one_pixel[5, 6] = 116
    chroma = [block(128)] * 2
    planes = np.stack([one_pixel.reshape(1, PIXELS), *chroma])
    found = delta.loss(planes, np.stack([block(100), *chroma])).reshape(BLOCK, BLOCK)
    expected = np.zeros((BLOCK, BLOCK))
    expected[4:, 4:] = 16 / 16 * 1.25
    expected[4:6, 6:] += 16 / 4 * 0.75
    expected[5, 6] += 16 * 0.75
    assert np.abs(np.sqrt(found) - expected).max() <= 0.5


def test_the_loss_of_a_tint_is_twice_as_large_near_grey():
    """A tint of a grey is easily seen; the same error in a colour is not."""
    for blue, expected in ((128 + delta.NEUTRAL, 2), (128 + delta.NEUTRAL + 1, 1)):
        planes = np.stack([block(100), block(blue), block(128)])
        shown = np.stack([block(100), block(blue - 8), block(128)])
        assert set(delta.loss(planes, shown).ravel().tolist()) == {expected * 22**2 // 2}


def test_a_loss_of_any_size_fits_in_sixteen_bits():
    black, white = np.stack([block(0)] * 3), np.stack([block(255)] * 3)
    for shown, wanted in ((black, white), (white, black)):
        assert set(delta.loss(wanted, shown).ravel().tolist()) == {2 * 90**2}


def test_the_loss_of_a_block_does_not_depend_on_the_others():
    rng = np.random.default_rng(0)
    planes, shown = (
        rng.integers(90, 110, (3, PART + 3, PIXELS)).astype(np.uint8) for _ in range(2)
    )
    some = np.array([0, PART - 1, PART, PART + 2])
    loss = delta.loss(planes, shown)
    assert np.array_equal(delta.loss(planes[:, some], shown[:, some]), loss[some])


def test_an_isolated_pixel_is_kept_and_an_urgent_one_is_redrawn():
    gain = np.zeros((16, 16), np.int16)
    gain[2, 2], gain[6, 6] = 15, 10 * delta.URGENT + 1
    assert np.argwhere(drawn(gain, 10)).tolist() == [[6, 6]]


def test_a_group_of_changed_pixels_is_redrawn_across_blocks():
    gain = np.zeros((16, 16), np.int16)
    gain[6:9, 6:9] = 15
    mask = drawn(gain, 10)
    assert (mask.sum(), mask[7, 7]) == (5, 1)  # the corners have only three neighbours


def test_holes_in_a_mostly_redrawn_block_are_filled_if_harmless():
    mask, gain = np.ones((2, PIXELS), np.uint8), np.zeros((2, PIXELS), np.int16)
    mask[0, 9] = mask[0, 18] = 0
    mask[1] = 0
    gain[0, 18] = -delta.FILL_LOSS
    filled = delta.fill(mask, gain)
    assert (filled[0, 9], filled[0, 18], filled[1].any()) == (1, 0, False)


def test_texture_hides_more_of_an_error_than_a_plain_block_does():
    luma = np.full((64, 64), 100, np.uint8)
    luma[:, 32:] = np.random.default_rng(0).integers(0, 256, (64, 32))
    limits = delta.limits(delta.activity(in_blocks(luma), 8), 10).reshape(8, 8)
    assert (set(limits[:, :3].ravel().tolist()), set(limits[:, 5:].ravel().tolist())) == (
        {4 * 10},
        {int(4 * 10 * (1 + delta.HIDDEN))},
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
    planes = delta.steadied(np.stack([block(now)] * 3), np.stack([block(coming)] * 3))
    assert set(planes.ravel().tolist()) == {expected}


def test_motion_is_not_blurred_into_the_next_frame():
    now, coming = (np.stack([block(100)] * 3) for _ in range(2))
    now[:, :, 36], coming[:, :, 38] = 100 + delta.NOISE + 1, 100 + delta.NOISE + 1
    assert np.array_equal(delta.steadied(now, coming), now)


def test_noise_that_goes_both_ways_leaves_no_bias():
    rng = np.random.default_rng(0)
    now, coming = (
        np.stack([(100 + rng.integers(-3, 4, (400, PIXELS))).astype(np.uint8)] * 3)
        for _ in range(2)
    )
    steadied = delta.steadied(now, coming)[0]
    assert abs(steadied.mean() - now[0].mean()) < 0.05
    assert steadied.std() < 0.85 * now[0].std()


def test_a_uniform_block_has_one_level_in_each_plane():
    luma, blue, red = block(100, 6), block(128, 6), block(128, 6)
    luma[1, 3] = blue[2, 63] = red[3, 0] = 101
    luma[4] = 7
    planes = np.stack([luma, blue, red])
    assert delta.uniform(planes, np.arange(6)).tolist() == [0, 4, 5]
    assert delta.uniform(planes, np.array([2, 4])).tolist() == [4]

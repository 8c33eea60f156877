"""Cells, palettes and dithering of pictures with known colours."""

import numpy as np

from converter.pipeline import colours
from converter.pipeline.gif import delta, dither, palette
from converter.pipeline.gif.blocks import BLOCK, in_blocks
from converter.pipeline.gif.census import take_census


def census_of(rgb, most=1 << 16):
    planes = np.stack(colours.planes_of(rgb)).reshape(3, -1)
    pixels = rgb.reshape(-1, 3)
    every = np.arange(len(pixels))
    return take_census(planes, np.ones(len(pixels)), at=every, rgb=pixels, most=most)


def flat(*wanted):
    return np.repeat(np.array(wanted, np.uint8)[None], 24, 0).repeat(6, 1)


def test_flat_colours_are_reproduced_exactly():
    wanted = [(0, 0, 0), (34, 102, 204), (255, 204, 0), (255, 255, 255)]
    census = census_of(flat(*wanted))
    made = palette.make_palette(census.lab, census.counts, 255, None)
    assert sorted(map(tuple, colours.srgb(made).tolist())) == sorted(wanted)


def test_palettes_are_sorted_by_lightness_and_no_larger_than_asked():
    rng = np.random.default_rng(0)
    lab = colours.oklab(rng.integers(0, 256, (400, 3)).astype(np.float32))
    made = palette.make_palette(lab, np.ones(400), 32, None)
    assert (len(made), (np.diff(made[:, 0]) >= 0).all()) == (32, True)


def test_a_continued_palette_shrinks_and_grows():
    lab = colours.oklab(np.random.default_rng(1).integers(0, 256, (300, 3)).astype(np.float32))
    first = palette.make_palette(lab, np.ones(300), 40, None)
    sizes = [len(palette.make_palette(lab, np.ones(300), size, first)) for size in (30, 50)]
    assert sizes == [30, 50]


def test_a_dark_clip_keeps_every_shade():
    ramp = np.repeat(np.arange(20, dtype=np.uint8)[None, :, None], 3, 2).repeat(6, 0).repeat(6, 1)
    kinds = {tuple(c) for c in colours.ycc_levels(ramp[0]).tolist()}
    assert len(census_of(ramp).counts) == len(kinds) > 17


def test_the_mean_of_two_colours_is_dithered_half_and_half():
    two = colours.oklab(np.array([[100, 100, 100], [108, 100, 100]], np.float32))
    middle = two.mean(0, keepdims=True)
    table, _ = dither.mixing_table(middle, two, np.array([0]), price=0, unseen=0)
    assert sorted(np.bincount(table[0]).tolist()) == [8, 8]


def test_a_colour_of_the_palette_is_not_dithered():
    two = colours.oklab(np.array([[100, 100, 100], [108, 100, 100]], np.float32))
    table, distance = dither.mixing_table(two, two, np.array([1, 0]), price=0, unseen=0)
    assert table.tolist() == [[0] * 16, [1] * 16]
    assert distance.max() < 1e-9


def test_distant_colours_are_not_mixed():
    two = colours.oklab(np.array([[0, 0, 0], [255, 255, 255]], np.float32))
    table, _ = dither.mixing_table(
        two.mean(0, keepdims=True) + np.float32(0.01), two, np.array([0]), price=0, unseen=0
    )
    assert len(set(table[0].tolist())) == 1


def test_each_aligned_square_has_each_threshold_once():
    block = dither.THRESHOLDS[dither.LEVELS].reshape(BLOCK, BLOCK)
    for square in (block[:4, :4], block[:4, 4:], block[4:, :4], block[4:, 4:]):
        assert sorted(square.ravel().tolist()) == list(range(dither.LEVELS))


def test_an_invisible_error_is_not_dithered():
    two = colours.oklab(np.array([[100, 100, 100], [104, 104, 104]], np.float32))
    middle = two.mean(0, keepdims=True)
    gap = float(palette.squares(middle - two[:1])[0])
    kinds = [
        len(set(dither.mixing_table(middle, two, np.array([0]), price=0, unseen=u)[0][0].tolist()))
        for u in (gap * 0.5, gap * 2)
    ]
    assert kinds == [2, 1]


def noise_of(luma, *, reach=1.0):
    """Return the thresholds (n, 64) of the blocks of a plane."""
    active = delta.activity(in_blocks(luma), luma.shape[1] // BLOCK)
    return dither.THRESHOLDS[dither.strength(active, reach)]


def test_dithering_is_full_on_calm_blocks_and_none_on_busy_ones():
    luma = np.full((64, 128), 100, np.uint8)
    luma[:, 64:] = np.random.default_rng(0).integers(0, 256, (64, 64))
    noise = noise_of(luma).reshape(8, 16, -1)
    assert (np.ptp(noise[:, :8]), np.ptp(noise[:, 8:])) == (15, 0)


def test_a_strained_palette_is_dithered_in_texture_too():
    luma = np.random.default_rng(0).integers(80, 120, (64, 64)).astype(np.uint8)
    assert (np.ptp(noise_of(luma)), np.ptp(noise_of(luma, reach=8))) == (0, 15)


def test_a_new_scene_gets_a_new_palette():
    """A few greys remain; two k-means rounds aren't enough for the many new colours."""
    rng = np.random.default_rng(2)
    greys = np.repeat(rng.integers(0, 256, (400, 1)), 3, 1).astype(np.float32)
    scene = rng.integers(0, 256, (2000, 3)).astype(np.float32)
    last = palette.make_palette(colours.oklab(greys), np.ones(400), 255, None)
    lab = colours.oklab(scene)
    fresh = palette.make_palette(lab, np.ones(2000), 255, None)
    assert np.array_equal(palette.make_palette(lab, np.ones(2000), 255, last, usual=1e-5), fresh)
    assert not np.array_equal(palette.make_palette(lab, np.ones(2000), 255, last), fresh)


def test_a_colour_with_most_of_its_pixels_in_one_cell_is_exactly_that():
    rgb = np.array([[255, 0, 0], [255, 40, 0], [0, 0, 255], [0, 9, 200]], np.float32)
    counts, near = np.array([900.0, 100.0, 50.0, 50.0]), np.array([0, 0, 1, 1])
    made = palette.levels(np.zeros((2, 3), np.float32), rgb, counts, near)
    assert made.tolist() == [[255, 0, 0], [0, 4, 228]]


def test_a_saturated_colour_is_the_mean_of_its_pixels():
    rgb = np.array([[0, 40, 200], [0, 200, 200]], np.float32)
    mean = colours.oklab(rgb).mean(0, keepdims=True)
    assert colours.srgb(mean)[0, 1] > 125  # the mean of OKLab is too green
    made = palette.levels(mean, rgb, np.ones(2), np.zeros(2, np.intp))
    assert made.tolist() == [[0, 120, 200]]


def test_a_colour_without_pixels_keeps_its_place():
    rgb = np.array([[255, 0, 0], [0, 0, 255]], np.float32)
    made = palette.levels(colours.oklab(rgb), rgb[:1], np.array([5.0]), np.array([0]))
    assert np.array_equal(made, rgb)


def test_one_of_two_similar_colours_stays():
    """Each alone could be removed, but without both black becomes blue."""
    ramp = np.stack([np.linspace(0.7, 0.9, 40), np.full(40, 0.1), np.zeros(40)], 1)
    lab = np.concatenate([[[0.5, 0, 0], [0.5, 0.002, 0]], ramp]).astype(np.float32)
    weights = np.concatenate([[500, 500], np.full(40, 100.0)])
    start = np.array([[0.5, 0, 0], [0.5, 0.002, 0], [0.8, 0.1, 0]], np.float32)
    made = palette.refine(start, lab, weights, rounds=1)
    assert palette.nearest(lab[:2], made)[1].max() < 1e-5
    assert palette.nearest(lab[2:], made)[1].max() < 0.011  # the other colour moved to the ramp


def test_black_has_its_own_group():
    census = census_of(flat((0, 0, 0), (1, 1, 1), (2, 2, 2), (255, 255, 255)))
    group = census.coarse.tolist()
    assert group.count(group[0]) == 1


def test_noise_in_more_cells_than_rows_is_counted_in_coarser_ones():
    rgb = np.random.default_rng(0).integers(0, 256, (700, 700, 3)).astype(np.uint8)
    census = census_of(rgb, most=1 << 19)
    counted = np.bincount(census.rows, minlength=len(census.counts))
    assert counted.tolist() == census.counts.tolist()


def test_a_small_saturated_area_gets_its_colours_at_once():
    """A palette of greys gets colours for a few red pixels within one frame."""
    greys = np.repeat(np.linspace(40, 200, 400)[:, None], 3, 1)
    reds = np.stack([np.linspace(120, 250, 20), np.full(20, 30.0), np.full(20, 20.0)], 1)
    last = palette.make_palette(
        colours.oklab(greys.astype(np.float32)), np.ones(400) * 50, 64, None
    )
    lab = colours.oklab(np.concatenate([greys, reds]).astype(np.float32))
    weights = np.concatenate([np.ones(400) * 50, np.ones(20) * 10])

    made = palette.make_palette(lab, weights, 64, last)

    off = np.sqrt(palette.nearest(lab, made)[1])
    assert off[400:].max() < 0.04
    assert off[:400].max() < 0.02


def test_a_steep_gradient_is_dithered_and_texture_is_not():
    ramp = np.tile(np.arange(40, 200, dtype=np.uint8), (64, 1))
    noise = np.random.default_rng(0).integers(60, 180, (64, 160)).astype(np.uint8)
    inside = (slice(1, -1), slice(1, -1))
    ramp_noise, texture_noise = (
        noise_of(luma).reshape(8, 20, -1)[inside] for luma in (ramp, noise)
    )
    assert len(np.unique(ramp_noise)) == dither.LEVELS
    assert len(np.unique(texture_noise)) == 1


def test_a_picture_with_few_colours_keeps_all_of_them():
    lab = np.random.default_rng(3).random((200, 3), np.float32)
    last = np.random.default_rng(4).random((255, 3), np.float32)
    for before in (None, last):
        made = palette.make_palette(lab, np.ones(200), 255, before, usual=1.0)
        assert sorted(map(tuple, made)) == sorted(map(tuple, lab))
        assert (np.diff(made[:, 0]) >= 0).all()

"""Planes in blocks: what is computed for some blocks is what the whole picture has there."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from converter.pipeline.gif import blocks, delta
from converter.pipeline.gif.blocks import BLOCK, Area
from converter.pipeline.gif.encoder import QUALITIES, Canvas, planes_of
from converter.pipeline.gif.writer import TRANSPARENT

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 40))
FRAMES = SIZES.flatmap(lambda size: arrays(np.uint8, size))


@given(FRAMES)
def test_a_plane_survives_the_way_into_blocks_and_back(plane):
    area = Area.everything(plane)
    back = blocks.in_rows(blocks.in_blocks(blocks.padded(plane)), area.across)
    assert np.array_equal(back[: len(plane), : plane.shape[1]], plane)


@given(FRAMES)
def test_each_block_has_its_pixels_row_by_row_and_the_edges_are_repeated(plane):
    height, width = plane.shape
    found = blocks.in_blocks(blocks.padded(plane))
    across = Area.everything(plane).across
    for number, pixels in enumerate(found):
        top, left = (at * BLOCK for at in divmod(number, across))
        rows = np.minimum(np.arange(top, top + BLOCK), height - 1)
        columns = np.minimum(np.arange(left, left + BLOCK), width - 1)
        assert np.array_equal(pixels.reshape(BLOCK, BLOCK), plane[np.ix_(rows, columns)])


@given(FRAMES)
def test_means_are_rounded_to_the_nearest_level(plane):
    found = blocks.in_blocks(blocks.padded(plane))
    assert np.array_equal(blocks.means(found)[:, 0], np.floor(found.mean(1) + 0.5))


@given(FRAMES, st.integers(1, 3), st.data())
def test_sampled_pixels_are_the_same_in_the_area_and_in_the_picture(plane, step, data):
    area = Area.everything(plane)
    chosen = data.draw(st.sets(st.integers(0, area.count - 1), min_size=1))
    some = area.narrowed(np.array(sorted(chosen)))
    padded = blocks.padded(plane)
    values = some.in_blocks(padded)
    mask = values & 1
    at, pixels = some.sampled(mask, step)
    down, right = np.divmod(pixels, padded.shape[1])
    assert np.array_equal(values.ravel()[at], padded.ravel()[pixels])
    assert (mask.ravel()[at] == 1).all()
    sampled = np.count_nonzero(some.in_rows(mask)[::step, ::step])
    assert len(at) == (sampled or np.count_nonzero(mask))
    if sampled:
        assert set(down % step) | set(right % step) <= {0}


@given(FRAMES, st.integers(0, 2**32 - 1))
def test_the_blocks_of_an_area_are_drawn_as_in_the_whole_picture(plane, seed):
    """Blocks without a pixel above its limit can be left out."""
    area = Area.everything(plane)
    rng = np.random.default_rng(seed)
    gain = rng.integers(-20, 60, (area.count, BLOCK * BLOCK)).astype(np.int16)
    gain[rng.random(area.count) < 0.5] = 0
    limit = rng.integers(5, 30, (area.count, 1)).astype(np.int16)
    mask = delta.worth_drawing(gain, limit, area)
    some = area.narrowed(np.flatnonzero((gain > limit).any(1)))
    part = delta.worth_drawing(gain[some.chosen], limit[some.chosen], some)
    assert np.array_equal(part, mask[some.chosen])
    assert np.count_nonzero(part) == np.count_nonzero(mask)


@settings(max_examples=25)  # three frames each
@given(SIZES, st.integers(0, 2**32 - 1))
def test_a_decoder_shows_what_the_canvas_has(size, seed):
    """Whatever the size of the picture, and wherever it changes."""
    rng = np.random.default_rng(seed)
    frame = rng.integers(0, 256, (*size, 3)).astype(np.uint8)
    canvas, shown = Canvas(QUALITIES["high"]), np.zeros_like(frame)
    for _ in range(3):
        drawn = canvas.draw(frame, planes_of(frame))
        height, width = drawn.index.shape
        place = shown[drawn.top : drawn.top + height, drawn.left : drawn.left + width]
        visible = drawn.index != TRANSPARENT
        place[visible] = drawn.palette[drawn.index[visible]]
        assert canvas.planes is not None
        for theirs, ours in zip(planes_of(shown), canvas.planes, strict=True):
            across = Area.everything(frame).across
            pictures = (blocks.in_rows(p, across)[: size[0], : size[1]] for p in (theirs, ours))
            assert np.array_equal(*pictures)
        top, left = rng.integers(0, size[0]), rng.integers(0, size[1])
        frame = frame.copy()
        frame[top:, left:] = rng.integers(0, 256, frame[top:, left:].shape)

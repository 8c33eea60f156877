"""encode_gif writes a looping GIF89a that all decoders show alike."""

import numpy as np
import pytest
from PIL import Image, ImageSequence

from converter.pipeline.gif.encoder import bounds, encode_gif, in_blocks, misfit


def clip(count, height=16, width=16, seed=0):
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0, 255, height * width * 3).reshape(height, width, 3)
    return [
        ((ramp + 20 * k + rng.integers(0, 9, ramp.shape)) % 256).astype("u1") for k in range(count)
    ]


def shown(path):
    with Image.open(path) as picture:
        return [np.asarray(f.convert("RGB")) for f in ImageSequence.Iterator(picture)]


@pytest.mark.parametrize("size", [(16, 16), (17, 23), (90, 160)])
@pytest.mark.parametrize("quality", ["high", "small"])
def test_the_encoder_writes_as_many_frames_as_it_gets(tmp_path, size, quality):
    frames = clip(5, *size)
    assert encode_gif(iter(frames), tmp_path / "a.gif", fps=24, quality=quality) == 5
    out = shown(tmp_path / "a.gif")
    assert [f.shape for f in out] == [(*size, 3)] * 5
    assert max(np.abs(a.astype(int) - b).mean() for a, b in zip(frames, out, strict=True)) < 8


def test_unchanged_frames_are_kept_as_frames(tmp_path):
    frame = np.full((16, 16, 3), 77, np.uint8)
    encode_gif(iter([frame] * 3), tmp_path / "a.gif", fps=24)
    with Image.open(tmp_path / "a.gif") as picture:
        assert (picture.n_frames, picture.info["loop"]) == (3, 0)
        assert [f.info["duration"] for f in ImageSequence.Iterator(picture)] == [40, 40, 40]


def test_the_same_frames_give_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        encode_gif(iter(clip(4)), tmp_path / name, fps=24)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_flickering_still_is_drawn_once(tmp_path):
    """Frames that differ only by the flicker of video encoders leave the canvas unchanged."""
    frames = [np.full((32, 32, 3), 100 + k % 2, np.uint8) for k in range(6)]
    encode_gif(iter(frames), tmp_path / "a.gif", fps=24)
    pictures = shown(tmp_path / "a.gif")
    assert all(np.array_equal(picture, pictures[0]) for picture in pictures)


def test_bounds_are_the_smallest_rectangle_and_grow_to_whole_blocks():
    mask = np.zeros((20, 30), np.uint8)
    assert bounds(mask) is None
    mask[9, 3] = mask[17, 5] = 1
    box = bounds(mask)
    assert box == (slice(9, 18), slice(3, 6))
    grown = (slice(8, 20), slice(0, 8)), (slice(1, 3), slice(0, 1))
    assert in_blocks(box, mask.shape) == grown


def test_a_few_large_errors_count_that_the_mean_hides():
    counts = np.array([1000.0, 1.0])
    even, text = np.full(2, 5e-5, np.float32), np.array([0, 5e-3], np.float32)
    assert misfit(even, counts) == (pytest.approx(5, rel=1e-4), pytest.approx(2.5, rel=1e-4))
    mean, tail = misfit(text, counts)
    assert (mean < 1, tail > 200) == (True, True)

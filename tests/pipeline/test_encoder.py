"""encode_gif writes a looping GIF89a that all decoders show alike."""

import numpy as np
import pytest
from PIL import Image, ImageSequence

from converter.pipeline.gif import encoder
from converter.pipeline.gif.encoder import QUALITIES, Canvas, bounds, encode_gif, misfit, planes_of
from converter.pipeline.gif.writer import TRANSPARENT


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


def test_a_frame_that_changes_nearly_everywhere_is_drawn_without_holes():
    """Its noise is kept as it is; pixels left from the frame before would change its texture."""
    rng = np.random.default_rng(1)
    canvas, ramp = Canvas(QUALITIES["high"]), np.linspace(40, 200, 160)[None, :, None]
    for _ in range(2):
        noisy = np.clip(ramp + rng.normal(0, 14, (96, 160, 3)), 0, 255).astype(np.uint8)
        drawn = canvas.draw(noisy, planes_of(noisy))
    assert np.mean(drawn.index == TRANSPARENT) < 0.08  # 0.2 without MOSTLY


def test_edges_of_flat_graphics_hide_no_error():
    """Stripes of two colours are as active as texture; here they change by four levels."""
    canvas = Canvas(QUALITIES["high"])
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 200
    canvas.draw(stripes, planes_of(stripes))
    stripes += 4
    drawn = canvas.draw(stripes, planes_of(stripes))
    assert drawn.index.shape == (64, 64)
    assert (drawn.index != TRANSPARENT).all()


def test_the_first_frame_of_an_easy_picture_is_mixed_less(tmp_path, monkeypatch):
    """Mixing costs bytes, and gains nothing that can be seen where the palette fits well."""
    y, x = np.mgrid[:96, :160]
    soft = np.stack([60 + x / 4, 90 + y / 4, 120 + (x + y) / 8], 2).astype(np.uint8)
    sizes = []
    for least in (encoder.LEAST_STRAIN, 1.0):
        monkeypatch.setattr(encoder, "LEAST_STRAIN", least)
        encode_gif(iter([soft]), tmp_path / "a.gif", fps=24)
        sizes.append((tmp_path / "a.gif").stat().st_size)
    assert sizes[0] < 0.97 * sizes[1]


def panels(height=64, width=192):
    """Three plain panels, red, green and white, with soft noise below them."""
    picture = np.zeros((height, width, 3), np.uint8)
    for number, colour in enumerate([(214, 40, 40), (0, 148, 90), (250, 250, 250)]):
        picture[:, number * 64 : number * 64 + 64] = colour
    noise = np.random.default_rng(3).normal(0, 20, (height // 2, width, 3))
    ramp = np.linspace(40, 200, width)[None, :, None]
    picture[height // 2 :] = np.clip(ramp + noise, 0, 255)
    return picture


def test_plain_areas_have_exactly_their_colour_and_keep_it(tmp_path):
    """Although all colours of the palette are in demand for the noise, which changes."""
    rng = np.random.default_rng(0)
    frames = [panels() for _ in range(6)]
    for frame in frames:
        frame[32:] = np.clip(frame[32:] + rng.normal(0, 20, (32, 192, 3)), 0, 255)
    encode_gif(iter(frames), tmp_path / "a.gif", fps=24)
    for picture in shown(tmp_path / "a.gif"):
        assert np.array_equal(picture[:32], frames[0][:32])


def test_a_line_drawn_over_a_plain_area_leaves_no_trace(tmp_path):
    frames = []
    for at in range(8, 150, 12):
        frame = panels()
        for soft, share in enumerate((0.06, 0.5, 1.0, 0.5, 0.06)):
            column = frame[:32, at + soft].astype(float)
            frame[:32, at + soft] = column * (1 - share) + 20 * share
        frames.append(frame)
    frames += [panels()] * 2
    encode_gif(iter(frames), tmp_path / "a.gif", fps=24)
    assert np.array_equal(shown(tmp_path / "a.gif")[-1][:32], panels()[:32])


def test_bounds_are_the_smallest_rectangle():
    mask = np.zeros((20, 30), np.uint8)
    assert bounds(mask) is None
    mask[9, 3] = mask[17, 5] = 1
    assert bounds(mask) == (slice(9, 18), slice(3, 6))


def test_a_few_large_errors_count_that_the_mean_hides():
    counts = np.array([1000.0, 1.0])
    even, text = np.full(2, 5e-5, np.float32), np.array([0, 5e-3], np.float32)
    assert misfit(even, counts) == (pytest.approx(5, rel=1e-4), pytest.approx(2.5, rel=1e-4))
    mean, tail = misfit(text, counts)
    assert (mean < 1, tail > 200) == (True, True)


@pytest.mark.parametrize(("strain", "raised"), [(0.3, True), (1.0, False), (3.0, False)])
def test_only_a_palette_that_fits_easily_raises_the_threshold(strain, raised):
    canvas = Canvas(QUALITIES["high"])
    canvas.strain = strain
    assert (canvas._threshold() - QUALITIES["high"].threshold > 1) == raised
    assert canvas._threshold() >= QUALITIES["high"].threshold

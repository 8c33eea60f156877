"""A GIF plays and looks as in browsers: disposal, background, delays, control blocks, palettes."""

import numpy as np
import pytest

from converter.pipeline.profile import ConversionProfile
from converter.pipeline.source.gif_blocks import MOST_PICTURES, rewrite
from tests.support import gifs
from tests.support.decoding import opened

PROFILE = ConversionProfile(width=64, height=64, fps=24, seconds=2)
YELLOW, GREEN, BLUE = (220, 220, 20), (20, 170, 20), (20, 20, 210)
BLACK = (0, 0, 0)


def flat(index: int, size: int) -> bytes:
    return bytes([index]) * (size * size)


def shown(tmp_path, data: bytes) -> list[np.ndarray]:
    path = tmp_path / "a.gif"
    path.write_bytes(data)
    with opened(path, PROFILE) as pictures:
        return [picture.astype(int) for picture in pictures]


def is_near(pixel: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool(np.abs(pixel - colour).max() <= 6)


def yellow_background(palette: bytes = gifs.RGBY) -> bytes:
    """A screen of 32x32 px whose background colour is yellow."""
    screen = gifs.screen(32, 32, palette)
    return screen[:11] + b"\x03" + screen[12:]


FULL_TABLE = gifs.RGBY + gifs.GREYS  # 256 colours: no index is left that means none


@pytest.mark.parametrize("disposal", [1, 2, 3])
@pytest.mark.parametrize("size", [128, 256])
def test_uncovered_areas_are_black_whatever_the_background_colour(tmp_path, disposal, size):
    screen = yellow_background()
    if size == 256:
        screen = screen[:10] + b"\xf7" + screen[11:13] + FULL_TABLE[: 3 * 256].ljust(768, b"\x80")
    data = (
        screen
        + gifs.LOOP
        + gifs.control(50, disposal=disposal)
        + gifs.image(16, 16, flat(1, 16), x=8, y=8)
        + gifs.control(50)
        + gifs.image(8, 8, flat(2, 8), x=12, y=12)
        + gifs.TRAILER
    )
    pictures = shown(tmp_path, data)
    assert len(pictures) == 24
    for picture in (pictures[2], pictures[20]):
        assert is_near(picture[4, 4], BLACK)
        assert is_near(picture[60, 60], BLACK)
    assert is_near(pictures[2][20, 20], GREEN)
    assert is_near(pictures[20][32, 32], BLUE)
    assert is_near(pictures[20][20, 20], GREEN if disposal == 1 else BLACK)


@pytest.mark.parametrize(("delay", "lasts"), [(0, 10), (1, 10), (2, 2), (3, 3), (20, 20)])
def test_a_delay_below_two_hundredths_is_a_tenth(tmp_path, delay, lasts):
    data = gifs.animation(10, delay_cs=delay)
    assert len(shown(tmp_path, data)) == pytest.approx(min(48, lasts * 10 * 24 / 100), abs=1)


def test_pictures_without_a_control_block_last_a_tenth_each(tmp_path):
    first = gifs.control(50) + gifs.image(32, 32, flat(1, 32))
    rest = b"".join(gifs.image(32, 32, flat(n, 32)) for n in (2, 3, 2, 3))
    data = gifs.screen(32, 32) + gifs.LOOP + first + rest + gifs.TRAILER
    pictures = shown(tmp_path, data)
    assert len(pictures) == pytest.approx(21.6, abs=1)  # 0.5 s and four times 0.1 s
    assert is_near(pictures[13][32, 32], BLUE)
    assert is_near(pictures[16][32, 32], YELLOW)


def test_all_pictures_of_gif87a_are_shown(tmp_path):
    images = b"".join(gifs.image(32, 32, flat(n, 32)) for n in (0, 1, 2, 3))
    data = gifs.screen(32, 32, version=b"GIF87a") + images + gifs.TRAILER
    pictures = shown(tmp_path, data)
    assert len(pictures) == pytest.approx(9.6, abs=1)
    assert is_near(pictures[-1][32, 32], YELLOW)


def test_a_picture_without_any_palette_draws_nothing_and_the_next_is_shown(tmp_path):
    table = gifs.screen(32, 32)[13:]
    own = gifs.image(32, 32, flat(1, 32))
    own = own[:9] + bytes((own[9] | 0x80 | 6,)) + table + own[10:]
    without = gifs.control(50) + gifs.image(32, 32, flat(2, 32))
    data = gifs.screen(32, 32, palette=b"") + gifs.control(50) + own + without
    pictures = shown(tmp_path, data + gifs.control(50) + own + gifs.TRAILER)
    assert len(pictures) == pytest.approx(36, abs=1)
    assert is_near(pictures[18][32, 32], GREEN)


@pytest.mark.parametrize("cut", [1, 40, 300, 700])
def test_a_truncated_gif_shows_its_available_pictures(tmp_path, cut):
    data = gifs.animation(6)
    assert len(shown(tmp_path, data[:-cut])) >= 2


def test_a_gif_of_endless_pictures_is_rewritten_up_to_a_limit(tmp_path):
    path = tmp_path / "many.gif"
    tiny = gifs.image(1, 1, b"\0")
    path.write_bytes(gifs.screen(32, 32) + tiny * (MOST_PICTURES + 1000) + gifs.TRAILER)
    written = rewrite(path)
    assert written is not None
    size = written.path.stat().st_size
    assert size < (len(tiny) + 8 + 3 * 128) * MOST_PICTURES + 100


def test_a_gif_without_pictures_is_not_rewritten(tmp_path):
    path = tmp_path / "none.gif"
    path.write_bytes(gifs.screen(32, 32) + gifs.LOOP + gifs.TRAILER)
    assert rewrite(path) is None


def test_a_gif_truncated_anywhere_is_rewritten_or_has_no_picture(tmp_path):
    data = gifs.animation(2)
    path = tmp_path / "cut.gif"
    for length in range(6, len(data), 3):
        path.write_bytes(data[:length])
        written = rewrite(path)
        assert written is None or written.path.read_bytes().endswith(gifs.TRAILER)

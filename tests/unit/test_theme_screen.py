"""The sizes of a theme's pictures: they cover the screen as far as the memory limit allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.pipeline.screen import (
    LARGEST,
    MAX_RATIO,
    MAX_SIDE,
    MIN_RATIO,
    MIN_SIDE,
    PICTURE_PIXELS,
    SMALLEST,
    Screen,
    chrome_picture_size,
    parse_screen,
    picture_sizes,
    smaller,
)

screens = st.builds(
    Screen,
    width=st.integers(MIN_SIDE, MAX_SIDE),
    height=st.integers(MIN_SIDE, MAX_SIDE),
    ratio=st.floats(MIN_RATIO, MAX_RATIO),
)


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("1920x1080@1", {"100": (1920, 1080), "200": (2560, 1440)}),
        ("1512x982@2", {"200": (3024, 1964), "100": (1920, 1080)}),
        ("1536x864@1.25", {"200": (3072, 1728), "100": (1920, 1080)}),
        ("1707x960@1.5", {"200": (3416, 1920), "100": (1920, 1080)}),
        ("1280x813@1.5", {"200": (2560, 1628), "100": (1920, 1080)}),
        ("1366x768@1", {"100": (1366, 768), "200": (2560, 1440)}),
        ("1365x767@1", {"100": (1366, 768), "200": (2560, 1440)}),
        ("800x600@1", {"100": (1280, 720), "200": (2560, 1440)}),
        ("1080x1920@1", {"100": (1080, 1920), "200": (1440, 2560)}),
        ("2560x1440@2", {"200": (3840, 2160), "100": (2560, 1440)}),
        ("5120x1440@1", {"100": (3840, 1440), "200": (2560, 1440)}),
        ("2400x1350@0.8", {"100": (2400, 1350), "200": (2560, 1440)}),
        ("412x915@3.5", {"200": (824, 1832), "100": (1080, 1920)}),
    ],
)
def test_sizes_of_odd_screens(text, sizes):
    assert picture_sizes(parse_screen(text)) == sizes


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("1512x982@10", "1512x982@8"),
        ("1920x1080@0", "1920x1080@0.25"),
        ("0x0@1", "64x64@1"),
        ("99999x1080@1", "16384x1080@1"),
        ("123456789x63@999999999.5", "16384x64@8"),
    ],
)
def test_a_screen_beyond_the_limits_is_the_nearest_within_them(text, nearest):
    assert parse_screen(text) == parse_screen(nearest)
    assert picture_sizes(parse_screen(text))


@pytest.mark.parametrize(
    "text",
    ["", "1920x1080", "1920x1080@", "@2", "x@1", "1920×1080@1", "1920x1080@2x", "-1x5@1", "nan",
     "1920x1080@nan", "1920x1080@1 ", "1920x1080@1\n", "١٩٢٠x1080@1", "1920.5x1080@1", "1e3x1e3@1"],
)  # fmt: skip
def test_an_invalid_screen_is_refused(text):
    with pytest.raises(ValueError, match=r"^not WIDTHxHEIGHT@RATIO$"):
        parse_screen(text)


def test_a_fractional_device_pixel_ratio_is_accepted():
    assert parse_screen("1745x982@1.100000023841858").ratio == 1.100000023841858


@given(screens)
def test_the_picture_of_the_screens_scale_covers_it_or_has_the_largest_size(screen):
    scale, size = next(iter(picture_sizes(screen).items()))
    factor = 1 if scale == "100" else 2
    needed = sorted((screen.width * factor, screen.height * factor), reverse=True)
    for side, need, most in zip(sorted(size, reverse=True), needed, LARGEST, strict=True):
        assert side >= min(need, most)


@given(screens)
def test_every_picture_size_is_even_and_within_the_limits(screen):
    for width, height in picture_sizes(screen).values():
        assert width % 2 == height % 2 == 0
        assert (SMALLEST[0], SMALLEST[1]) <= (max(width, height), min(width, height)) <= LARGEST
        assert SMALLEST[1] <= min(width, height) <= LARGEST[1]
        assert (height > width) == (screen.height > screen.width)


@given(screens)
def test_both_scales_have_a_picture_with_the_screens_scale_first(screen):
    sizes = picture_sizes(screen)
    assert next(iter(sizes)) == screen.scale
    assert sorted(sizes) == ["100", "200"]


@given(screens)
def test_a_smaller_picture_has_half_the_pixels(screen):
    for size in picture_sizes(screen).values():
        width, height = smaller(size)
        assert width % 2 == height % 2 == 0
        assert 0.49 < width * height / (size[0] * size[1]) < 0.51


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1920x1080@1", (1536, 864)),
        ("1512x982@2", (1428, 928)),
        ("3840x2160@1", (1536, 864)),
        ("1366x768@1", (1366, 768)),
        ("1365x767@1", (1366, 768)),
        ("1280x720@1", (1280, 720)),
        ("800x600@1", (1280, 960)),
        ("1080x1920@1", (864, 1536)),
        ("412x915@2.625", (772, 1716)),
        ("1745x982@1.100000023841858", (1534, 864)),
    ],
)
def test_the_picture_for_chrome_has_the_shape_of_the_screen(text, size):
    assert chrome_picture_size(parse_screen(text)) == size


@given(screens)
def test_the_picture_for_chrome_is_even_and_held_between_its_limits(screen):
    width, height = chrome_picture_size(screen)
    assert width % 2 == height % 2 == 0
    assert width * height <= PICTURE_PIXELS * 1.01
    is_capped = width * height > PICTURE_PIXELS * 0.98
    assert is_capped or (max(width, height) >= 1280 and min(width, height) >= 720)


@given(screens.filter(lambda screen: 0.5 < screen.width / screen.height < 2))
def test_the_picture_for_chrome_keeps_the_shape_within_a_pixel_or_two(screen):
    width, height = chrome_picture_size(screen)
    assert abs(width - height * screen.width / screen.height) < 6

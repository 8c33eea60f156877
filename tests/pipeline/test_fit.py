"""The shown part of a picture: upright, unstretched, around the focus, or whole between bars."""

import numpy as np
import pytest

from converter.pipeline.profile import ConversionProfile
from converter.pipeline.source.decode import border_colour
from tests.support.decoding import (
    BLUE,
    GREEN,
    RED,
    UPRIGHT,
    WHITE,
    X264,
    corners,
    first_frame,
    opened,
    seen,
)
from tests.support.ffmpeg import run_ffmpeg


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        ((), UPRIGHT),
        (("-display_rotation", "90"), [GREEN, WHITE, RED, BLUE]),
        (("-display_rotation", "180"), [WHITE, BLUE, GREEN, RED]),
        (("-display_rotation", "270"), [BLUE, RED, WHITE, GREEN]),
        (("-display_hflip",), [GREEN, RED, WHITE, BLUE]),
    ],
)
def test_a_rotated_clip_is_shown_upright(clips, tmp_path, turn, expected):
    plain = clips("corners.mp4", "-f", "lavfi", "-i", corners("160x160"), *X264)
    turned = tmp_path / "turned.mp4"
    run_ffmpeg(*turn, "-i", str(plain), "-c", "copy", str(turned))

    assert seen(first_frame(turned, fit="cover")) == expected


@pytest.mark.parametrize("suffix", ["mp4", "gif"])
def test_a_start_within_the_first_second_is_exact(clips, suffix):
    """Also for GIF, which is decoded from its beginning."""
    source = "color=red:s=160x90:r=10:d=0.5[a];color=blue:s=160x90:r=10:d=2[b];[a][b]concat"
    path = clips(f"red_then_blue.{suffix}", "-f", "lavfi", "-i", source)
    shown = [seen(first_frame(path, start_s=start))[0] for start in (0, 0.4, 0.6)]
    assert shown == [RED, RED, BLUE]


def test_non_square_pixels_are_not_stretched(clips):
    """80x90 px with 2:1 pixels are a 160x90 picture, which isn't cropped."""
    path = clips("sar.mp4", "-f", "lavfi", "-i", corners("80x90") + ",setsar=2/1", *X264)
    frame = first_frame(path)
    assert seen(frame) == UPRIGHT
    assert int((frame[10, :, 0] > 127).sum()) == pytest.approx(80, abs=2)


@pytest.mark.parametrize("size", ["4000x10", "10x4000", "1x1", "3x3", "33x17"])
def test_odd_sizes_fill_the_whole_frame(clips, size):
    """Uncropped, 4000x10 px would be scaled to 288000x720, too large for memory and for ffmpeg."""
    path = clips("odd.mp4", "-f", "lavfi", "-i", corners(size).replace("d=1", "d=0.1"), *X264)
    full = ConversionProfile(width=1280, height=720, fps=24, seconds=1)
    with opened(path, full) as shown:
        frame = next(shown)
    assert frame.shape == (720, 1280, 3)
    if min(int(side) for side in size.split("x")) > 1:
        spots = (frame[80, 100], frame[80, -100], frame[-80, 100], frame[-80, -100])
        assert [tuple(int(c > 127) * 255 for c in spot) for spot in spots] == UPRIGHT


def thirds(size: str, axis: str) -> str:
    """Return a lavfi source of red, green and blue thirds along the axis ("X" or "Y")."""
    at, side = f"3*{axis}", {"X": "W", "Y": "H"}[axis]
    return (
        f"nullsrc=s={size}:r=24:d=0.2,format=gbrp,geq=r='255*lt({at},{side})'"
        f":g='255*gte({at},{side})*lt({at},2*{side})':b='255*gte({at},2*{side})'"
    )


@pytest.mark.parametrize(("share", "colour"), [(0.0, RED), (0.5, GREEN), (1.0, BLUE)])
@pytest.mark.parametrize(
    ("size", "axis"), [("480x90", "X"), ("2400x10", "X"), ("160x270", "Y"), ("10x2400", "Y")]
)
def test_cover_keeps_the_area_around_the_focus(clips, size, axis, share, colour):
    """Also for strips, which are cropped before they are scaled. The other focus has no effect."""
    path = clips("thirds.mp4", "-f", "lavfi", "-i", thirds(size, axis), *X264)
    focus = {"focus_x": 0.9, "focus_y": 0.9, f"focus_{axis.lower()}": share}
    assert seen(first_frame(path, **focus)) == [colour] * 4


def test_contain_puts_bars_above_and_below_a_flat_picture_and_keeps_it_upright(clips):
    """120x30 px with 2:1 pixels are a 160x20 picture: 35 rows of bars above and below."""
    source = "color=blue:s=120x30:r=24:d=1,drawbox=x=40:y=10:w=40:h=10:color=red:t=fill,setsar=2/1"
    path = clips("flat.mp4", "-f", "lavfi", "-i", source, *X264)
    frame = first_frame(path, fit="contain")
    red = frame[..., 0] > 127
    assert (int(red[45].sum()), int(red[:, 80].sum())) == pytest.approx((53, 7), abs=2)
    assert [int(place.mean()) for place in red.nonzero()] == pytest.approx([44, 79], abs=1)
    assert frame[2, 80, 2] > 200
    assert frame[87, 80, 2] > 200


def test_the_border_colour_is_the_mean_of_all_four_edges_and_of_nothing_else():
    frame = np.full((4, 6, 3), 255, np.uint8)
    frame[:, 0], frame[:, -1] = 40, 80
    frame[0], frame[-1] = 10, 20
    mean = (6 * 10 + 6 * 20 + (10 + 40 + 40 + 20) + (10 + 80 + 80 + 20)) / 20
    assert border_colour(frame).tolist() == [mean] * 3


def test_contain_shows_the_whole_picture_between_bars_of_its_border_colour(clips):
    source = "color=blue:s=90x90:r=24:d=1,drawbox=x=30:y=30:w=30:h=30:color=red:t=fill"
    path = clips("box.mp4", "-f", "lavfi", "-i", source, *X264)
    frame = first_frame(path, fit="contain")
    assert np.abs(frame[45, 5].astype(int) - frame[45, 45]).max() <= 2
    assert frame[45, 5, 2] > 200
    assert frame[45, 80, 0] > 200
    assert int((frame[45, :, 0] > 127).sum()) == pytest.approx(30, abs=3)

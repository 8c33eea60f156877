"""What a picture looks like after the decode: upright, unstretched, in the right colours."""

import signal
from pathlib import Path

import numpy as np
import psutil
import pytest

from converter.pipeline.control import Control
from converter.pipeline.errors import (
    ConversionTimeoutError,
    NoVideoError,
    OutputError,
    StartPastEndError,
    TooManyPixelsError,
    TooShortError,
    UnreadableVideoError,
    UnsupportedTypeError,
)
from converter.pipeline.probe import Probe, parse, probe
from converter.pipeline.profile import ConversionProfile, Framing
from converter.pipeline.source import border_colour
from tests.conftest import run_ffmpeg
from tests.decoding import decoding

PROFILE = ConversionProfile(width=160, height=90, fps=24, seconds=1)
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
X264 = ("-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv444p")


def opened(path: Path, profile: ConversionProfile = PROFILE, **framing):
    """The iterator of the clip's frames, while the block lasts."""
    return decoding(path, profile=profile, framing=Framing(**framing))


def first_frame(path: Path, **framing) -> np.ndarray:
    with opened(path, **framing) as shown:
        pictures = list(shown)
    assert {p.shape for p in pictures} == {(90, 160, 3)}
    return pictures[0]


def corners(size: str) -> str:
    """A lavfi source: red, green / blue, white quarters."""
    return (
        f"nullsrc=s={size}:r=24:d=1,format=gbrp,"
        "geq=r='255*eq(lt(X,W/2),lt(Y,H/2))':g='255*gte(X,W/2)':b='255*gte(Y,H/2)'"
    )


def seen(frame: np.ndarray) -> list[tuple[int, ...]]:
    """The four corners' colours, each channel rounded to 0 or 255: tl, tr, bl, br."""
    spots = (frame[10, 20], frame[10, 140], frame[80, 20], frame[80, 140])
    return [tuple(int(c > 127) * 255 for c in spot) for spot in spots]


UPRIGHT = [RED, GREEN, BLUE, WHITE]


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
def test_a_turned_clip_stands_upright(clips, tmp_path, turn, expected):
    plain = clips("corners.mp4", "-f", "lavfi", "-i", corners("160x160"), *X264)
    turned = tmp_path / "turned.mp4"
    run_ffmpeg(*turn, "-i", str(plain), "-c", "copy", str(turned))

    assert seen(first_frame(turned, fit="cover")) == expected


def test_non_square_pixels_are_not_stretched(clips):
    """80x90 px of 2:1 pixels are a 160x90 picture: nothing is cropped."""
    path = clips("sar.mp4", "-f", "lavfi", "-i", corners("80x90") + ",setsar=2/1", *X264)
    frame = first_frame(path)
    assert seen(frame) == UPRIGHT
    assert int((frame[10, :, 0] > 127).sum()) == pytest.approx(80, abs=2)


@pytest.mark.parametrize("size", ["4000x10", "10x4000", "1x1", "3x3", "33x17"])
def test_odd_sizes_cover_the_whole_frame(clips, size):
    """Scaled whole, 4000x10 px would be 288000x720: neither memory nor ffmpeg takes that."""
    path = clips("odd.mp4", "-f", "lavfi", "-i", corners(size).replace("d=1", "d=0.1"), *X264)
    full = ConversionProfile(width=1280, height=720, fps=24, seconds=1)
    with opened(path, full) as shown:
        frame = next(shown)
    assert frame.shape == (720, 1280, 3)
    if min(int(side) for side in size.split("x")) > 1:
        spots = (frame[80, 100], frame[80, -100], frame[-80, 100], frame[-80, -100])
        assert [tuple(int(c > 127) * 255 for c in spot) for spot in spots] == UPRIGHT


@pytest.mark.parametrize(("focus_x", "colour"), [(0.0, RED), (1.0, BLUE), (0.5, GREEN)])
def test_the_focus_holds_for_strips_too(clips, focus_x, colour):
    stripes = (
        "nullsrc=s=2400x10:r=24:d=0.2,format=gbrp,"
        "geq=r='255*lt(X,800)':g='255*between(X,800,1599)':b='255*gte(X,1600)'"
    )
    path = clips("strip.mp4", "-f", "lavfi", "-i", stripes, *X264)
    assert seen(first_frame(path, focus_x=focus_x)) == [colour] * 4


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize(("default", "colour"), [("0", RED), ("1", BLUE)])
def test_of_several_streams_the_default_is_shown(clips, tmp_path, default, colour, suffix):
    path = clips(
        f"two.{suffix}",
        *("-f", "lavfi", "-i", "color=red:s=160x90:r=24:d=1"),
        *("-f", "lavfi", "-i", "color=blue:s=160x90:r=24:d=1"),
        *("-map", "0", "-map", "1", *X264, "-disposition:v", "0"),
        *(f"-disposition:v:{default}", "default"),
    )
    assert seen(first_frame(path)) == [colour] * 4


@pytest.mark.parametrize(
    ("focus_x", "colour"), [(0.0, RED), (1.0, (0, 0, 255)), (0.5, (0, 255, 0))]
)
def test_cover_keeps_what_the_focus_asks_for(clips, focus_x, colour):
    """A 480x90 clip of three 160x90 colours, cropped to one of them."""
    stripes = (
        "nullsrc=s=480x90:r=24:d=1,format=gbrp,"
        "geq=r='255*lt(X,160)':g='255*between(X,160,319)':b='255*gte(X,320)'"
    )
    path = clips("stripes.mp4", "-f", "lavfi", "-i", stripes, *X264)
    frame = first_frame(path, focus_x=focus_x)
    assert seen(frame) == [colour] * 4


@pytest.mark.parametrize(
    ("container", "codec", "pixel_format", "expected"),
    [
        ("mov", "h264", "yuv420p", True),
        ("mov", "h264", "yuv444p", False),
        ("mov", "hevc", "yuv444p", True),
        ("matroska", "vp9", "yuv420p", True),
        ("gif", "gif", "bgra", False),
    ],
)
def test_a_jump_to_a_key_frame_is_made_where_it_is_safe(container, codec, pixel_format, expected):
    about = Probe(
        container=container,
        stream=0,
        pixels=1,
        codec=codec,
        pixel_format=pixel_format,
        transfer="",
        duration_s=None,
        is_turned=False,
        is_strip=False,
        has_alpha=False,
    )
    assert about.can_seek is expected


@pytest.mark.parametrize(("focus_y", "colour"), [(0.0, RED), (0.5, GREEN), (1.0, BLUE)])
def test_cover_keeps_what_the_focus_asks_for_of_an_upright_clip(clips, focus_y, colour):
    """A 160x270 clip of three 160x90 colours, one above the other; focus_x has no say."""
    stripes = (
        "nullsrc=s=160x270:r=24:d=1,format=gbrp,"
        "geq=r='255*lt(Y,90)':g='255*between(Y,90,179)':b='255*gte(Y,180)'"
    )
    path = clips("rows.mp4", "-f", "lavfi", "-i", stripes, *X264)
    assert seen(first_frame(path, focus_x=0.9, focus_y=focus_y)) == [colour] * 4


def test_contain_puts_bars_above_and_below_a_flat_picture_and_keeps_it_upright(clips):
    """120x30 px of 2:1 pixels are a 160x20 picture: 35 rows of bar above it and below."""
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


def test_alpha_is_composited_on_black(clips):
    source = (
        "nullsrc=s=160x90:r=10:d=1,format=rgba,"
        "geq=r=255:g=255:b=255:a='255*lt(X,80)',format=yuva420p"
    )
    path = clips("alpha.webm", "-f", "lavfi", "-i", source, "-c:v", "libvpx-vp9", "-b:v", "1M")
    assert seen(first_frame(path)) == [WHITE, (0, 0, 0)] * 2


def test_a_transparent_gif_is_composited_on_black(clips):
    source = (
        "nullsrc=s=160x90:r=10:d=1,format=rgba,geq=r=255:g=0:b=0:a='255*lt(X,80)',"
        "split[a][b];[a]palettegen[p];[b][p]paletteuse"
    )
    path = clips("alpha.gif", "-f", "lavfi", "-i", source)
    assert seen(first_frame(path)) == [RED, (0, 0, 0)] * 2


@pytest.mark.parametrize(
    ("transfer", "signal"),
    # The code of HDR reference white, 203 cd/m2, in each transfer (BT.2408, table 1).
    [("arib-std-b67", 0.75), ("smpte2084", 0.58)],
)
def test_hdr_white_becomes_near_white_and_grey_stays_grey(clips, transfer, signal):
    y = round(64 + 876 * signal)
    colour = f"colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc"
    path = clips(
        f"{transfer}.mp4",
        *(
            "-f",
            "lavfi",
            "-i",
            f"nullsrc=s=160x90:r=24:d=0.2,format=yuv420p10le,geq=lum={y}:cb=512:cr=512",
        ),
        *("-c:v", "libx265", "-x265-params", f"log-level=error:{colour}"),
        *("-color_primaries", "bt2020", "-color_trc", transfer, "-colorspace", "bt2020nc"),
    )
    pixel = first_frame(path)[45, 80].astype(int)
    assert pixel.max() - pixel.min() <= 4
    assert 200 <= pixel.mean() <= 250


@pytest.mark.parametrize(
    ("codec", "suffix", "extra"),
    [
        ("libx264", "mp4", ("-pix_fmt", "yuv420p")),
        ("libx265", "mp4", ("-pix_fmt", "yuv420p", "-x265-params", "log-level=error")),
        ("libx265", "mov", ("-pix_fmt", "yuv420p10le", "-x265-params", "log-level=error")),
        ("libsvtav1", "mp4", ("-preset", "12", "-pix_fmt", "yuv420p")),
        ("libvpx", "webm", ()),
        ("libvpx-vp9", "webm", ()),
        ("prores_ks", "mov", ()),
        ("mpeg4", "mp4", ()),
        ("mjpeg", "mov", ("-pix_fmt", "yuvj420p")),
    ],
)
def test_every_allowed_codec_is_read(clips, codec, suffix, extra):
    path = clips(
        f"{codec}-{len(extra)}.{suffix}",
        *("-f", "lavfi", "-i", corners("160x90"), "-c:v", codec, *extra),
        *("-v", "quiet"),
    )
    assert seen(first_frame(path)) == UPRIGHT


def refused(path: Path, **framing) -> type[Exception] | None:
    try:
        first_frame(path, **framing)
    except Exception as error:
        return type(error)
    return None


def test_what_cannot_be_converted_says_why(clips, tmp_path, tiny_clip):
    junk = tmp_path / "junk.mp4"
    junk.write_bytes(b"\0\0\0\x18ftypisom" + bytes(4096))
    text = tmp_path / "text.mp4"
    text.write_text("#EXTM3U\nfile:///etc/passwd")
    audio = clips("audio.mp4", "-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac")
    large = clips("large.mp4", "-f", "lavfi", "-i", "color=red:s=1280x1024:d=0.2")
    one = clips("one.mp4", "-f", "lavfi", "-i", "color=red:s=64x64:r=24:d=1", "-frames:v", "1")

    assert [
        refused(junk),
        refused(text),
        refused(audio),
        refused(large),
        refused(one),
        refused(tiny_clip, start_s=8.0),
        refused(tiny_clip, start_s=7.98),
        refused(tiny_clip, start_s=1.0),
    ] == [
        UnreadableVideoError,
        UnsupportedTypeError,
        NoVideoError,
        TooManyPixelsError,
        TooShortError,
        StartPastEndError,
        TooShortError,
        None,
    ]


def test_metadata_cannot_pass_for_ffmpegs_own_words():
    report = """Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:x':
  Metadata:
    title           :   Duration: 99:00:00.00, start: 0
                    :   Stream #0:9: Video: h264, yuv420p, 9x9
  Duration: 00:00:02.50, start: 0.000000, bitrate: 1 kb/s
  Stream #0:0[0x1](und): Video: hevc (Main 10) (hvc1 / 0x31637668), yuv420p10le(tv, \
bt2020nc/bt2020/arib-std-b67, progressive), 1920x1080 [SAR 1:1 DAR 16:9], 30 fps (default)
    Side data:
      Display Matrix: rotation of -90.00 degrees
"""
    about = parse(report, container="mov")
    assert (about.duration_s, about.codec, about.is_hdr, about.is_turned) == (
        2.5,
        "hevc",
        True,
        True,
    )


def test_a_decode_that_runs_out_of_time_is_stopped(tiny_clip):
    control = Control(timeout_s=0)
    with pytest.raises(ConversionTimeoutError):
        probe(tiny_clip, container="mov", max_pixels=10**6, control=control)


@pytest.mark.parametrize(
    ("number", "error"),
    [(signal.SIGKILL, OutputError), (signal.SIGSEGV, UnreadableVideoError)],
)
def test_what_a_killed_decoder_gave_is_no_short_clip(tiny_clip, number, error):
    with opened(tiny_clip) as shown:
        next(shown)
        next(shown)
        (child,) = (c for c in psutil.Process().children() if c.name().startswith("ffmpeg"))
        child.send_signal(number)
        with pytest.raises(error):
            list(shown)

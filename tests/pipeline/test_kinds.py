"""Kinds of files that cameras, editors and shops write: read, or refused by name."""

import numpy as np
import pytest

from converter.pipeline.errors import (
    ProtectedVideoError,
    TooShortError,
    UnsupportedCodecError,
)
from converter.pipeline.profile import ConversionProfile, Selection
from converter.pipeline.source.probe import parse
from tests.hostile.oddities import fronted
from tests.support.boxes import box
from tests.support.clips import ClipMaker
from tests.support.decoding import (
    BLUE,
    RED,
    UPRIGHT,
    X264,
    corners,
    decoding,
    first_frame,
    opened,
    seen,
)
from tests.support.ffmpeg import run_ffmpeg

SMALL = "testsrc2=s=320x180:r=24:d=0.2"


@pytest.mark.parametrize(
    ("codec", "options"),
    [
        ("qtrle", ()),
        ("png", ()),
        ("dnxhd", ("-profile:v", "dnxhr_hq", "-pix_fmt", "yuv422p", "-s", "256x144")),
        ("cfhd", ("-s", "256x144")),
        ("mpeg2video", ("-q:v", "2")),
        ("dvvideo", ("-s", "720x576", "-pix_fmt", "yuv420p", "-r", "25")),
    ],
)
def test_codecs_of_cameras_and_editors_are_read(clips, codec, options):
    path = clips(f"{codec}.mov", "-f", "lavfi", "-i", corners("160x90"), "-c:v", codec, *options)
    frame = first_frame(path)
    spots = (frame[25, 40], frame[25, 120], frame[65, 40], frame[65, 120])
    assert [tuple(int(c > 127) * 255 for c in spot) for spot in spots] == UPRIGHT


@pytest.mark.parametrize(
    ("name", "codec", "said"),
    [
        ("v210.mov", "v210", "uncompressed 10-bit video"),
        ("raw.mov", "rawvideo", "uncompressed video"),
        ("j2k.mov", "jpeg2000", "JPEG 2000"),
        ("hap.mov", "hap", "HAP"),
        ("ffv1.mkv", "ffv1", "FFV1"),
        ("theora.mkv", "libtheora", "Theora"),
        ("snow.mkv", "snow", "snow"),
    ],
)
def test_an_unsupported_codec_is_named(clips, name, codec, said):
    pixels = ("-pix_fmt", "uyvy422") if codec == "rawvideo" else ()
    strict = ("-strict", "-2")
    path = clips(name, "-f", "lavfi", "-i", SMALL, "-c:v", codec, *pixels, *strict)
    with pytest.raises(UnsupportedCodecError) as refused:
        first_frame(path)
    assert said in str(refused.value)
    assert "H.264" in str(refused.value)
    assert "damaged" not in str(refused.value)


def test_of_two_tracks_the_one_that_can_be_read_is_shown(clips):
    path = clips(
        "two.mov",
        *("-f", "lavfi", "-i", "color=red:s=160x90:r=24:d=0.2"),
        *("-f", "lavfi", "-i", "color=blue:s=160x90:r=24:d=0.2"),
        *("-map", "0", "-map", "1", "-c:v:0", "v210", "-c:v:1", "libx264"),
        *("-disposition:v:0", "default", "-disposition:v:1", "0"),
    )
    assert seen(first_frame(path)) == [BLUE] * 4


def test_an_encrypted_file_is_called_protected(clips):
    key = "00112233445566778899aabbccddeeff"
    scheme = ("-encryption_scheme", "cenc-aes-ctr", "-encryption_key", key)
    plain = ("-f", "lavfi", "-i", SMALL, "-c:v", "libx264")
    path = clips("protected.mp4", *plain, *scheme, "-encryption_kid", key)
    with pytest.raises(ProtectedVideoError, match="protected"):
        first_frame(path)


def test_dolby_vision_without_a_base_layer_is_named():
    report = """Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:x':
  Duration: 00:00:02.50, start: 0.000000, bitrate: 1 kb/s
  Stream #0:0[0x1](und): Video: hevc (Main 10) (hvc1 / 0x31637668), yuv420p10le(pc, \
progressive), 640x360, 24 fps (default)
    Side data:
      DOVI configuration record: version: 1.0, profile: {}, level: 4, rpu flag: 1, el flag: 0, \
bl flag: 1, compatibility id: {}, compression: 0
"""
    with pytest.raises(UnsupportedCodecError, match="Dolby Vision"):
        parse(report.format(5, 0), container="mov")
    assert parse(report.format(8, 4), container="mov").codec == "hevc"


@pytest.mark.parametrize("kind", [b"pnot", b"uuid", b"udta", b"styp", b"meta", b"junk", b"sidx"])
def test_a_file_with_a_rare_first_box_is_accepted(tmp_path, kind):
    maker = ClipMaker(canary=tmp_path / "canary.mp4", port=9)
    path = tmp_path / "a.mov"
    path.write_bytes(fronted(box(kind, bytes(20)))(maker))
    with opened(path) as shown:
        assert len(list(shown)) == pytest.approx(12, abs=1)


@pytest.mark.parametrize(
    ("degrees", "quarters"),
    [(2, 0), (45, 0), (-30, 0), (88, 1), (95, 1), (178, 2), (-88, 3), (90, 1), (-90, 3), (358, 0)],
)
def test_rotations_other_than_quarter_turns_are_ignored(clips, tmp_path, degrees, quarters):
    plain = clips("corners.mp4", "-f", "lavfi", "-i", corners("160x160"), *X264)
    tilted, square = tmp_path / "tilted.mp4", tmp_path / "square.mp4"
    for angle, path in ((degrees, tilted), (90 * quarters, square)):
        run_ffmpeg("-display_rotation", str(angle), "-i", str(plain), "-c", "copy", str(path))
    assert seen(first_frame(tilted)) == seen(first_frame(square))


def test_a_single_frame_is_refused_as_such(clips):
    path = clips("one.mp4", "-f", "lavfi", "-i", SMALL, "-frames:v", "1")
    with pytest.raises(TooShortError, match="only one frame"):
        first_frame(path)


INTERLACED = ConversionProfile(width=320, height=180, fps=24, seconds=1)


def decoded(path) -> np.ndarray:
    with decoding(path, profile=INTERLACED, selection=Selection()) as shown:
        return np.array(list(shown), float)


def psnr(one: np.ndarray, other: np.ndarray) -> float:
    count = min(len(one), len(other)) - 1
    return float(10 * np.log10(255**2 / np.square(one[1:count] - other[1:count]).mean()))


@pytest.mark.parametrize(
    ("first", "codec", "suffix"),
    [
        ("tff", ("-c:v", "libx264", "-qp", "4", "-flags", "+ildct+ilme"), "mp4"),
        ("bff", ("-c:v", "libx264", "-qp", "4", "-flags", "+ildct+ilme"), "mp4"),
        ("tff", ("-c:v", "prores_ks", "-flags", "+ildct"), "mov"),
        ("tff", ("-c:v", "mpeg2video", "-q:v", "2", "-flags", "+ildct+ilme"), "mov"),
    ],
)
def test_interlaced_frames_are_deinterlaced(clips, first, codec, suffix):
    moving = "testsrc2=s=320x180:r=50:d=0.5"
    truth = clips("truth.mp4", "-f", "lavfi", "-i", moving, "-c:v", "libx264", "-qp", "4")
    pixels = "yuv422p10le" if "prores_ks" in codec else "yuv420p"
    fields = f"format={pixels},interlace=scan={first}:lowpass=off,setfield={first}"
    order = ("-x264-params", f"{first}=1") if "libx264" in codec else ()
    tags = ("-field_order", "tt" if first == "tff" else "bb")
    path = clips(
        f"{first}.{suffix}", "-f", "lavfi", "-i", moving, "-vf", fields, *codec, *order, *tags
    )
    assert psnr(decoded(path), decoded(truth)) >= 26.5  # 25.9 with combs, 27.1 without


def test_red_is_red_in_quicktime_animation_with_alpha(clips):
    half = (
        "color=red:s=160x90:r=24:d=0.2,format=argb,drawbox=w=80:h=90:color=black@0:t=fill:replace=1"
    )
    path = clips("alpha.mov", "-f", "lavfi", "-i", half, "-c:v", "qtrle", "-pix_fmt", "argb")
    assert seen(first_frame(path)) == [(0, 0, 0), RED] * 2

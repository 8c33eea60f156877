"""Decode a source: the right stream in the right colours, or a reason for the refusal."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from converter.pipeline.control import Control
from converter.pipeline.errors import (
    ConversionCanceledError,
    ConversionTimeoutError,
    NoVideoError,
    OutputError,
    StartPastEndError,
    TooManyPixelsError,
    TooShortError,
    UnreadableVideoError,
    UnsupportedTypeError,
)
from converter.pipeline.profile import BACKGROUND, ConversionProfile, Selection
from converter.pipeline.source.decode import frames, open_clip
from converter.pipeline.source.probe import Probe, parse, probe
from converter.pipeline.source.source import open_source
from tests.support.decoding import (
    BLUE,
    PROFILE,
    RED,
    UPRIGHT,
    WHITE,
    X264,
    corners,
    decoding,
    first_frame,
    opened,
    seen,
)
from tests.support.ffmpeg import run_ffmpeg
from tests.support.files import ROOT
from tests.support.waiting import eventually

# A frame of this size is larger than a pipe's buffer, so the next frame is incomplete.
LARGE = ConversionProfile(width=1280, height=720, fps=24, seconds=1)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize(("default", "colour"), [("0", RED), ("1", BLUE)])
def test_the_default_of_several_streams_is_shown(clips, tmp_path, default, colour, suffix):
    path = clips(
        f"two.{suffix}",
        *("-f", "lavfi", "-i", "color=red:s=160x90:r=24:d=1"),
        *("-f", "lavfi", "-i", "color=blue:s=160x90:r=24:d=1"),
        *("-map", "0", "-map", "1", *X264, "-disposition:v", "0"),
        *(f"-disposition:v:{default}", "default"),
    )
    assert seen(first_frame(path)) == [colour] * 4


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
def test_ffmpeg_seeks_to_a_key_frame_only_where_it_is_safe(
    container, codec, pixel_format, expected
):
    about = Probe(
        container=container,
        stream=0,
        pixels=1,
        codec=codec,
        pixel_format=pixel_format,
        matrix="",
        primaries="",
        transfer="",
        duration_s=None,
        is_turned=False,
        is_strip=False,
        has_alpha=False,
    )
    assert about.can_seek is expected


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
def test_every_allowed_codec_is_decoded(clips, codec, suffix, extra):
    path = clips(
        f"{codec}-{len(extra)}.{suffix}",
        *("-f", "lavfi", "-i", corners("160x90"), "-c:v", codec, *extra),
        *("-v", "quiet"),
    )
    assert seen(first_frame(path)) == UPRIGHT


def refused(path: Path, **selection) -> type[Exception] | None:
    try:
        first_frame(path, **selection)
    except Exception as error:
        return type(error)
    return None


def test_a_file_that_cannot_be_converted_gives_the_reason(clips, tmp_path, tiny_clip):
    junk = tmp_path / "junk.mp4"
    junk.write_bytes(b"\0\0\0\x18ftypisom" + bytes(4096))
    text = tmp_path / "text.mp4"
    text.write_text("#EXTM3U\nfile:///etc/passwd")
    spoiled = tmp_path / "spoiled.mp4"
    before, _, after = tiny_clip.read_bytes().partition(b"mdat")
    spoiled.write_bytes(
        before + b"mdat" + bytes(after.index(b"moov") - 4) + after[after.index(b"moov") - 4 :]
    )
    empty = tmp_path / "empty.gif"
    empty.write_bytes(b"GIF89a" + bytes([64, 0, 64, 0, 0, 0, 0]) + b";")
    audio = clips("audio.mp4", "-f", "lavfi", "-i", "sine=d=1", "-c:a", "aac")
    large = clips("large.mp4", "-f", "lavfi", "-i", "color=red:s=1280x1024:d=0.2")
    red = ("-f", "lavfi", "-i", "color=red:s=64x64:r=24:d=1")
    one, two = (clips(f"{n}.mp4", *red, "-frames:v", n) for n in "12")

    assert [
        refused(junk),
        refused(spoiled),
        refused(empty),
        refused(text),
        refused(audio),
        refused(large),
        refused(one),
        refused(two),
        refused(tiny_clip, start_s=8.0),
        refused(tiny_clip, start_s=7.98),
        refused(tiny_clip, start_s=1.0),
    ] == [
        UnreadableVideoError,
        UnreadableVideoError,
        UnreadableVideoError,
        UnsupportedTypeError,
        NoVideoError,
        TooManyPixelsError,
        TooShortError,
        None,
        StartPastEndError,
        TooShortError,
        None,
    ]


def test_moviepy_starts_no_player_when_it_is_imported(tmp_path):
    player = tmp_path / "ffplay"
    player.write_text(f"#!/bin/sh\ntouch {tmp_path}/started\n")
    player.chmod(0o755)
    code = "from converter.pipeline.source.decode import moviepy_clip_class; moviepy_clip_class()"
    path = f"{tmp_path}:{os.environ['PATH']}"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env={"PATH": path})
    assert list(tmp_path.iterdir()) == [player]


def test_metadata_cannot_imitate_ffmpegs_output():
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


def test_frames_repeated_over_a_gap_are_scaled_one_by_one(clips):
    """Scaling all of them at once would exceed the decoder's memory limit."""
    apart = "color=red:s=160x90:r=24:d=0.1,setpts='if(N,3600,0)/TB'"
    clip = clips("apart.mp4", "-f", "lavfi", "-i", apart, *X264, "-fps_mode", "passthrough")
    with opened(clip, BACKGROUND) as shown:
        assert sum(1 for _ in shown) == BACKGROUND.frames


def test_a_decode_that_runs_out_of_time_is_stopped(tiny_clip):
    control = Control(timeout_s=0)
    with pytest.raises(ConversionTimeoutError):
        probe(tiny_clip, container="mov", max_pixels=10**6, control=control)


@pytest.mark.parametrize(
    ("number", "error"),
    [(signal.SIGKILL, OutputError), (signal.SIGSEGV, UnreadableVideoError)],
)
def test_the_frames_of_a_killed_decoder_are_not_a_short_clip(tiny_clip, number, error):
    with opened(tiny_clip, LARGE) as shown:
        next(shown)
        (child,) = (c for c in psutil.Process().children() if c.name().startswith("ffmpeg"))
        child.send_signal(number)
        with pytest.raises(error):
            list(shown)


def test_the_frames_of_a_canceled_decoder_are_not_a_short_clip(tiny_clip):
    stop = threading.Event()
    control = Control(timeout_s=1000, is_canceled=stop.is_set)
    with decoding(tiny_clip, profile=LARGE, selection=Selection(), control=control) as shown:
        next(shown)
        next(shown)
        (child,) = (c for c in psutil.Process().children() if c.name().startswith("ffmpeg"))
        stop.set()
        assert eventually(lambda: not child.is_running())
        with pytest.raises(ConversionCanceledError):
            list(shown)


def test_a_decoder_stopped_before_its_first_frame_gives_the_reason(tiny_clip):
    source = open_source(tiny_clip, max_pixels=10**6, control=Control(timeout_s=60))
    answers = iter([False])  # not canceled before ffmpeg starts, canceled afterwards
    control = Control(timeout_s=60, is_canceled=lambda: next(answers, True))
    options = {"profile": PROFILE, "selection": Selection(), "control": control}
    with pytest.raises(ConversionCanceledError), open_clip(source, **options) as c:
        list(frames(c, control=control))


def test_a_clip_that_changes_its_size_keeps_its_timing(clips, tmp_path):
    for colour, size in (("red", "160x90"), ("blue", "320x180")):
        source = f"color={colour}:s={size}:r=24:d=0.5"
        part = clips(f"{colour}.webm", "-f", "lavfi", "-i", source, "-c:v", "libvpx")
        with (tmp_path / "parts").open("a") as parts:
            parts.write(f"file '{part}'\n")
    path = tmp_path / "joined.webm"
    run_ffmpeg("-f", "concat", "-safe", "0", "-i", str(tmp_path / "parts"), "-c", "copy", str(path))
    with opened(path) as shown:
        assert [seen(frame)[0] for frame in shown] == [RED] * 12 + [BLUE] * 12

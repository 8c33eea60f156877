"""Pure parts of the pipeline: delays, sniffing, progress, inspection of the GIF."""

import doctest
import importlib
import resource
import signal
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.pipeline.control import Control, stages_with
from converter.pipeline.errors import (
    ConversionCanceledError,
    ConversionTimeoutError,
    OutputError,
    UnsupportedTypeError,
)
from converter.pipeline.ffmpeg import ffmpeg
from converter.pipeline.gif.inspect import inspect_gif, verify_gif
from converter.pipeline.gif.timing import delay_cs
from converter.pipeline.profile import BACKGROUND, ConversionProfile
from converter.pipeline.source.sniff import container_of, sniff
from tests.support.files import ROOT
from tests.support.waiting import PATIENCE_S

WITH_EXAMPLES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for package in ("converter", "chrome_background_converter")
    for path in (ROOT / package).rglob("*.py")
    if ">>>" in path.read_text()
)


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_doctests_pass(module):
    result = doctest.testmod(importlib.import_module(module))
    assert (result.failed, result.attempted > 0) == (0, True)


def test_the_product_is_six_seconds_of_24_frames_at_720p():
    profile = BACKGROUND
    assert (profile.width, profile.height, profile.fps, profile.frames) == (1280, 720, 24, 144)


@given(fps=st.integers(1, 50), frames=st.integers(1, 600))
def test_delays_never_drift(fps, frames):
    delays = [delay_cs(k, fps=fps) for k in range(frames)]
    assert abs(sum(delays) - frames * 100 / fps) <= 0.5
    assert max(delays) - min(delays) <= 1


@pytest.mark.parametrize(
    ("head", "container"),
    [
        (b"\0\0\0\x18ftypisom", "mov"),
        (b"\0\0\0\x08wide\0\0", "mov"),
        (b"\0\0\0\x08moov", "mov"),
        (b"\0\0\0\x08mdat", "mov"),
        (b"\0\0\0\x08free", "mov"),
        (b"\0\0\0\x08skip", "mov"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "matroska"),
        (b"\x1a\x45\xdf\xa3" + bytes(20) + b"matroska", "matroska"),
        (b"\x1a\x45\xdf\xa3" + bytes(56) + b"webm", "matroska"),
        (b"\x1a\x45\xdf\xa3" + bytes(57) + b"webm", None),
        (b"\x1a\x45\xdf\xa3" + bytes(60), None),
        (b"\x1a\x45\xdf\xa2" + bytes(20) + b"matroska", None),
        (b"GIF87a", "gif"),
        (b"GIF89a", "gif"),
        (b"GIF88a", None),
        (b"ftyp", None),
        (b"", None),
        (b"RIFF\0\0\0\0AVI LIST", None),
        (b"ffconcat version 1.0", None),
        (b"#EXTM3U\n", None),
    ],
)
def test_the_first_bytes_identify_the_container(head, container):
    assert container_of(head) == container


def test_only_the_head_of_a_file_is_sniffed(tmp_path):
    path = tmp_path / "x.mp4"
    path.write_bytes(b"GIF89a" + bytes(10_000))
    assert sniff(path) == "gif"
    path.write_bytes(b"MZ" + bytes(10_000))
    with pytest.raises(UnsupportedTypeError):
        sniff(path)


def test_progress_never_falls_and_never_reaches_100():
    reported: list[tuple[str, int]] = []
    control = Control(timeout_s=9, report=lambda *report: reported.append(report))
    for stage in stages_with():
        for done in (0, 0.5, 1, 2):
            control.report(stage, done)
    control.report("decode")
    percents = [percent for _, percent in reported]
    assert percents == sorted(percents)
    assert percents[-1] == 99
    assert len(set(reported)) == len(reported)


def test_a_control_raises_when_the_conversion_must_stop():
    with pytest.raises(ConversionTimeoutError):
        Control(timeout_s=0).check()
    with pytest.raises(ConversionCanceledError):
        Control(timeout_s=9, is_canceled=lambda: True).check()
    Control(timeout_s=9).check()
    assert Control(timeout_s=9).deadline > time.monotonic()


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="this system has no prlimit")
def test_the_cpu_limit_of_ffmpeg_follows_the_deadline():
    endless = ["-re", "-f", "lavfi", "-i", "nullsrc", "-f", "null", "-"]
    with ffmpeg(endless, control=Control(timeout_s=1000)) as child:
        soft, _ = resource.prlimit(child.process.pid, resource.RLIMIT_CPU)
    assert 3900 < soft <= 4005


ENDLESS = ["-re", "-f", "lavfi", "-i", "nullsrc", "-f", "null", "-"]


def fail_to_read() -> bool:
    raise OSError("the cache does not answer")


def test_the_deadline_holds_if_the_cancel_flag_cannot_be_read():
    with ffmpeg(ENDLESS, control=Control(timeout_s=0.5, is_canceled=fail_to_read)) as child:
        assert child.process.wait(PATIENCE_S) == -signal.SIGKILL
        assert child.is_stopped


def test_the_memory_limit_holds_if_the_cancel_flag_cannot_be_read():
    control = Control(timeout_s=1000, is_canceled=fail_to_read)
    with ffmpeg(ENDLESS, control=control, most_bytes=1_000_000) as child:
        assert child.process.wait(PATIENCE_S) == -signal.SIGKILL
        assert child.is_too_large


def test_the_deadline_holds_while_the_cancel_flag_hangs():
    hanging = threading.Event()
    with ffmpeg(ENDLESS, control=Control(timeout_s=0.5, is_canceled=hanging.wait)) as child:
        try:
            assert child.process.wait(PATIENCE_S) == -signal.SIGKILL
        finally:
            hanging.set()


def test_a_cancel_flag_that_could_not_be_read_is_read_again():
    answers = iter([OSError("the cache does not answer"), True])

    def is_canceled() -> bool:
        answer = next(answers, True)
        if isinstance(answer, OSError):
            raise answer
        return answer

    with ffmpeg(ENDLESS, control=Control(timeout_s=1000, is_canceled=is_canceled)) as child:
        assert child.process.wait(PATIENCE_S) == -signal.SIGKILL
        assert child.is_stopped


def gif(
    *,
    size=(2, 2),
    delays=(4, 4),
    loop: int | None = 0,
    colours: tuple[int, int | None] = (2, None),
    before: bytes = b"",
    tail: bytes = b";",
) -> bytes:
    """Return a GIF of one-colour frames; `colours` are the sizes of its global and local tables."""
    w, h = (n.to_bytes(2, "little") for n in size)
    table, local = colours
    flags = 0x80 | (table.bit_length() - 2) if table else 0
    local_flags = 0x80 | (local.bit_length() - 2) if local else 0
    parts = [b"GIF89a" + w + h + bytes([flags, 0, 0]) + b"\x21" * (3 * table), before]
    if loop is not None:
        parts.append(b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + loop.to_bytes(2, "little") + b"\0")
    for delay in delays:
        parts.append(b"\x21\xf9\x04\0" + delay.to_bytes(2, "little") + b"\0\0")
        parts.append(b"\x2c\0\0\0\0" + w + h + bytes([local_flags]))
        parts.append(b"\x2c" * (3 * (local or 0)) + b"\x02\x02\x84\x51\0")
    return b"".join(parts) + tail


TINY = ConversionProfile(width=2, height=2, fps=24, seconds=1)


def test_a_valid_gif_passes_the_inspection(tmp_path):
    path = tmp_path / "x.gif"
    path.write_bytes(gif())
    facts = verify_gif(path, profile=TINY, frames=2)
    assert (facts.frames, facts.duration_ms, facts.bytes) == (2, 80, len(gif()))


# Another application extension, and a comment that looks like the loop extension.
STRANGE = b"\x21\xff\x0bXMP DataXMP\x03\x01\x09\x09\0\x21\xfe\x0bNETSCAPE2.0\x03\x01\x07\x07\0"


@pytest.mark.parametrize("colours", [(2, None), (256, None), (0, 4), (8, 256)])
@pytest.mark.parametrize("delays", [(4, 5), (400, 1), (0, 65535)])
@pytest.mark.parametrize("loop", [0, 1, 256, 65535, None])
@pytest.mark.parametrize("before", [b"", STRANGE])
def test_the_blocks_of_a_gif_are_parsed(tmp_path, colours, delays, loop, before):
    path = tmp_path / "x.gif"
    path.write_bytes(gif(size=(300, 2), colours=colours, delays=delays, loop=loop, before=before))
    facts = inspect_gif(path)
    assert (facts.width, facts.height, facts.delays, facts.loop) == (300, 2, delays, loop)


@pytest.mark.parametrize(
    "content",
    [
        gif(size=(2, 3)),
        gif(delays=(4, 5)),
        gif(delays=(4,)),
        gif(loop=1),
        gif(loop=None),
        gif(tail=b""),
        gif(tail=b";x"),
        gif(tail=b"?;"),
        gif()[:40],
        b"GIF87a" + gif()[6:],
        b"x",
    ],
)
def test_an_invalid_gif_fails_the_inspection(tmp_path, content):
    path = tmp_path / "x.gif"
    path.write_bytes(content)
    with pytest.raises(OutputError):
        verify_gif(path, profile=TINY, frames=2)


def test_an_empty_file_is_not_a_gif(tmp_path):
    path = tmp_path / "x.gif"
    path.touch()
    with pytest.raises(OutputError):
        inspect_gif(path)

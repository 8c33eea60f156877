"""The picture for Chrome, encoded by real ffmpeg while the GIF is encoded, or after it."""

import time
from fractions import Fraction

import numpy as np
import psutil
import pytest
from PIL import Image

from converter.material import Material
from converter.options import ConversionOptions
from converter.pipeline.control import Control, stages_with
from converter.pipeline.convert import convert_video
from converter.pipeline.errors import ConversionCanceledError, OutputError
from converter.pipeline.picture import background, encode
from converter.pipeline.picture.background import BackgroundEncoding
from converter.pipeline.profile import Selection
from converter.pipeline.source.source import open_source
from tests.support.themes import (
    CLIP_SIZE,
    MAX_PIXELS,
    ONE_SECOND,
    cut_of,
    number_in,
    numbered_clip,
    pictures_of,
)

pytestmark = pytest.mark.xdist_group("theme")
SMALL = (320, 200)


@pytest.fixture(scope="module")
def numbered(tmp_path_factory):
    return numbered_clip(tmp_path_factory.mktemp("numbered") / "clip.mp4", count=18)


def control_for(**options) -> Control:
    return Control(timeout_s=100, extras=["picture"], **options)


def encoding_of(output, *, control=None, size=SMALL) -> BackgroundEncoding:
    return BackgroundEncoding(output, size=size, control=control or control_for())


def ffmpegs() -> list[psutil.Process]:
    return [p for p in psutil.Process().children(recursive=True) if "ffmpeg" in p.name()]


def test_the_picture_has_the_frames_of_the_gif_and_loops_endlessly(numbered, tmp_path):
    encoding = encoding_of(tmp_path / "picture.png")
    encoding.start(cut_of(numbered, selection=Selection(start_s=0.25)))
    made = encoding.finish(frames=12)
    encoding.close()
    assert (made.facts.frames, made.facts.seconds, made.facts.loops) == (12, Fraction(1, 2), True)
    numbers = [
        number_in(picture, left=0, top=0, scale=SMALL[0] / CLIP_SIZE[0])
        for picture in pictures_of(tmp_path / "picture.png")
    ]
    assert numbers == list(range(6, 18))


def test_its_still_is_the_first_frame_for_programs_that_do_not_animate(numbered, tmp_path):
    encoding = encoding_of(tmp_path / "picture.png")
    encoding.start(cut_of(numbered))
    encoding.finish(frames=18)
    encoding.close()
    with Image.open(tmp_path / "picture.png") as opened:
        assert (opened.format, opened.size, opened.n_frames) == ("AVIF", SMALL, 18)
        first = np.asarray(opened.convert("RGB"))
    assert number_in(first, left=0, top=0, scale=SMALL[0] / CLIP_SIZE[0]) == 0


@pytest.mark.parametrize("is_large", [False, True], ids=["beside the GIF", "after the GIF"])
def test_a_whole_conversion_makes_both_from_the_same_frames(
    numbered, tmp_path, monkeypatch, is_large
):
    monkeypatch.setattr(background, "BESIDE_PIXELS", 0 if is_large else 10**7)
    monkeypatch.setattr("converter.material.BACKGROUND", ONE_SECOND)
    control, options = control_for(), ConversionOptions(picture=True, screen="1280x720@1")
    source = open_source(numbered, max_pixels=MAX_PIXELS, control=control)
    path = tmp_path / "picture.png"
    with Material(source, options, loop=None, picture_path=path, control=control) as material:
        facts = convert_video(
            source,
            tmp_path / "clip.gif",
            selection=options.selection,
            control=control,
            profile=ONE_SECOND,
            on_frame=material.add_frame,
        )
        assert path.exists() is not is_large
        made = material.encoding.finish(frames=material.frames)
    assert (made.facts.frames, made.size) == (facts.frames, (1280, 720))
    assert ffmpegs() == []


def test_contain_has_bars_in_the_border_colour(clips, tmp_path):
    clip = clips("tall.mp4", "-f", "lavfi", "-i", "color=0x2060a0:s=90x160:r=24:d=0.2")
    encoding = encoding_of(tmp_path / "picture.png", size=(320, 180))
    encoding.start(cut_of(clip, selection=Selection(fit="contain"), border=(200, 40, 20)))
    encoding.finish(frames=5)
    encoding.close()
    first = pictures_of(tmp_path / "picture.png")[0].astype(int)
    assert np.abs(first[90, 10] - (200, 40, 20)).max() < 6
    assert np.abs(first[90, 160] - (0x20, 0x60, 0xA0)).max() < 8


def test_it_is_encoded_again_after_the_gif_if_memory_was_short(numbered, tmp_path, monkeypatch):
    monkeypatch.setattr(background, "BESIDE_BYTES", 1)
    encoding = encoding_of(tmp_path / "picture.png")
    encoding.start(cut_of(numbered))
    assert encoding.finish(frames=18).facts.frames == 18
    encoding.close()


def test_a_failed_encoder_raises_in_finish(numbered, tmp_path, monkeypatch):
    monkeypatch.setattr(encode, "AVIF_ENCODER", "no_such_encoder")
    encoding = encoding_of(tmp_path / "picture.png")
    encoding.start(cut_of(numbered))
    with pytest.raises(OutputError):
        encoding.finish(frames=18)
    encoding.close()


def test_another_count_of_frames_than_the_gifs_is_refused(numbered, tmp_path):
    encoding = encoding_of(tmp_path / "picture.png")
    encoding.start(cut_of(numbered))
    with pytest.raises(OutputError):
        encoding.finish(frames=17)
    encoding.close()


def test_closing_kills_the_encoder_at_once(clips, tmp_path):
    clip = clips("long.mp4", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=24:d=1")
    encoding = encoding_of(tmp_path / "picture.png", size=(3840, 2160))
    encoding.start(cut_of(clip))
    deadline = time.monotonic() + 30
    while not ffmpegs() and time.monotonic() < deadline:
        time.sleep(0.01)
    (child,) = ffmpegs()
    encoding.close()
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
    assert ffmpegs() == []


def test_a_cancel_ends_the_encoder_and_raises(clips, tmp_path):
    clip = clips("long.mp4", "-f", "lavfi", "-i", "testsrc2=s=1280x720:r=24:d=1")
    is_canceled: list[bool] = []
    control = control_for(is_canceled=lambda: bool(is_canceled))
    encoding = encoding_of(tmp_path / "picture.png", size=(3840, 2160), control=control)
    encoding.start(cut_of(clip))
    is_canceled.append(True)
    with pytest.raises(ConversionCanceledError):
        encoding.finish(frames=24)
    encoding.close()
    assert ffmpegs() == []


def test_progress_of_the_picture_never_falls(numbered, tmp_path, monkeypatch):
    monkeypatch.setattr(background, "BESIDE_PIXELS", 0)
    reports = []
    control = control_for(report=lambda *values: reports.append(values))
    encoding = encoding_of(tmp_path / "picture.png", control=control)
    encoding.start(cut_of(numbered))
    encoding.finish(frames=18)
    encoding.close()
    begin, end = stages_with("picture")["picture"]
    percents = [percent for _, percent in reports]
    assert {stage for stage, _ in reports} == {"picture"}
    assert begin <= percents[0] <= percents[-1] <= end
    assert percents == sorted(percents)

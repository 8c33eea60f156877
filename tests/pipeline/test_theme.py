"""The theme made by ffmpeg: its frames, timing, colours and zip."""

import io
import itertools
import json
import zipfile
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from converter.pipeline.control import STAGES_WITH_THEME, Control
from converter.pipeline.errors import ConversionCanceledError, ConversionTimeoutError, OutputError
from converter.pipeline.picture import encode
from converter.pipeline.picture.formats import best_format
from converter.pipeline.picture.inspect import inspect_animation, verify_animation
from converter.pipeline.profile import BACKGROUND, Selection
from converter.pipeline.theme import package
from tests.support.themes import (
    CLIP_SIZE,
    ONE_SECOND,
    gif_frames,
    number_in,
    numbered_clip,
    pictures_of,
    shrink_second,
    size_of,
    theme_of,
    unpacked,
)

pytestmark = pytest.mark.xdist_group("theme")
SMALL_SCREEN = "1280x720@1"


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return numbered_clip(tmp_path_factory.mktemp("numbered") / "clip.mp4", count=18)


@pytest.fixture(scope="module")
def moment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the first three frames of the clip, for tests with large pictures."""
    return numbered_clip(tmp_path_factory.mktemp("moment") / "clip.mp4", count=3)


@pytest.fixture(scope="module")
def made(numbered: Path, tmp_path_factory: pytest.TempPathFactory):
    """Make the numbered clip's theme from 0.25 s on; return (facts, zip)."""
    output = tmp_path_factory.mktemp("made") / "theme.zip"
    selection = Selection(start_s=0.25)
    facts = theme_of(numbered, output, screen=SMALL_SCREEN, selection=selection, name="Numbers")
    return facts, output


@pytest.fixture
def small_second(monkeypatch: pytest.MonkeyPatch) -> None:
    shrink_second(monkeypatch)


@pytest.fixture
def small_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make both pictures small, for tests that don't depend on their size."""
    monkeypatch.setattr(package, "picture_sizes", lambda _: {"100": (160, 90), "200": (320, 180)})


def test_the_zip_holds_what_a_theme_needs_stored_and_undated(made):
    facts, output = made
    with zipfile.ZipFile(output) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == [
        "manifest.json",
        "README.txt",
        "icons/16.png",
        "icons/48.png",
        "icons/128.png",
        "images/background.avif",
        "images/background@2x.avif",
    ]
    assert {entry.compress_type for entry in entries} == {zipfile.ZIP_STORED}
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert facts.bytes == output.stat().st_size


def test_the_reported_facts_match_the_files(made, tmp_path):
    facts, output = made
    folder = unpacked(output, tmp_path)
    manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
    described = facts.described()
    assert described["name"] == manifest["name"] == "Numbers"
    assert json.loads(json.dumps(described)) == described
    for picture in described["pictures"]:
        path = folder / manifest["theme"]["images"]["theme_ntp_background"][picture["scale"]]
        assert size_of(path) == (picture["width"], picture["height"])
        assert path.stat().st_size == picture["bytes"]
    colours = manifest["theme"]["colors"]
    assert {name: colours[name] for name in ("frame", "toolbar", "ntp_background")} == {
        name: described["colors"][name] for name in ("frame", "toolbar", "ntp_background")
    }


def test_the_icons_show_the_clip(made, tmp_path):
    folder = unpacked(made[1], tmp_path)
    for side in (16, 48, 128):
        with Image.open(folder / f"icons/{side}.png") as icon:
            assert (icon.format, icon.size, icon.mode) == ("PNG", (side, side), "RGB")
            assert len(icon.getcolors(side * side)) > 10


def test_the_readme_of_the_theme_says_how_to_load_it_and_where_it_was_tested(made, tmp_path):
    text = (unpacked(made[1], tmp_path) / "README.txt").read_bytes().decode()
    for part in ("Numbers", "Load unpacked", "chrome://extensions", "Chromium 156", "1280x720"):
        assert part in text


def test_the_pictures_show_the_same_frames_as_the_gif(made, numbered, tmp_path):
    folder = unpacked(made[1], tmp_path)
    for name, factor in (("background.avif", 1), ("background@2x.avif", 2)):
        seen = pictures_of(folder / "images" / name)
        scale = 1280 * factor / CLIP_SIZE[0]
        top = (720 * factor - CLIP_SIZE[1] * scale) / 2
        numbers = [number_in(picture, left=0, top=top, scale=scale) for picture in seen]
        assert numbers == list(range(6, 18))


@pytest.mark.usefixtures("small_pictures")
def test_six_seconds_are_144_frames_that_loop_endlessly(tiny_clip, tmp_path):
    theme_of(tiny_clip, tmp_path / "theme.zip", screen=SMALL_SCREEN, profile=BACKGROUND)
    folder = unpacked(tmp_path / "theme.zip", tmp_path)
    for name in ("background.avif", "background@2x.avif"):
        facts = inspect_animation(folder / "images" / name, form="avif")
        assert (facts.frames, facts.seconds, facts.loops) == (144, Fraction(6), True)


@pytest.mark.usefixtures("small_pictures")
def test_a_short_clip_gives_a_short_theme(clips, tmp_path):
    clip = clips("short.mp4", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=24:d=0.5")
    theme_of(clip, tmp_path / "theme.zip", screen=SMALL_SCREEN)
    facts = inspect_animation(
        unpacked(tmp_path / "theme.zip", tmp_path) / "images/background.avif", form="avif"
    )
    assert (facts.frames, facts.seconds) == (12, Fraction(1, 2))


def test_the_picture_is_tagged_bt709_limited_range(made, tmp_path):
    data = (unpacked(made[1], tmp_path) / "images/background.avif").read_bytes()
    # ISO/IEC 23091-2: primaries, transfer, matrix 1; the range flag is 0.
    assert data.count(b"colrnclx\0\1\0\1\0\1\0") == data.count(b"colrnclx") >= 1


def test_the_same_clip_gives_the_same_zip(moment, tmp_path):
    zips = [tmp_path / "once.zip", tmp_path / "again.zip"]
    for output in zips:
        theme_of(moment, output, screen=SMALL_SCREEN)
    assert zips[0].read_bytes() == zips[1].read_bytes()


HLG = ["-color_trc", "arib-std-b67", "-color_primaries", "bt2020", "-colorspace", "bt2020nc"]
SD = ["-colorspace", "smpte170m", "-color_primaries", "smpte170m"]
SOURCES = {
    "plain.mp4": ["-pix_fmt", "yuv420p"],
    "full.mp4": ["-pix_fmt", "yuvj420p"],
    "sd.mp4": ["-pix_fmt", "yuv420p", *SD],
    "hlg.mp4": ["-pix_fmt", "yuv420p10le", *HLG],
    "alpha.webm": ["-pix_fmt", "yuva420p", "-c:v", "libvpx-vp9", "-auto-alt-ref", "0"],
    "deep.mov": ["-pix_fmt", "yuv422p10le", "-c:v", "prores_ks"],
}
FITTED = [("cover", "plain.mp4"), ("cover", "hlg.mp4"), *(("contain", name) for name in SOURCES)]


@pytest.mark.usefixtures("small_second")
@pytest.mark.parametrize(("fit", "name"), FITTED)
def test_the_picture_looks_like_the_gif_for_every_source(clips, tmp_path, name, fit):
    bars = "smptebars=s=160x100:r=24:d=0.125,format=rgba,colorchannelmixer=aa=0.7"
    clip = clips(name, "-f", "lavfi", "-i", bars, *SOURCES[name])
    selection = Selection(fit=fit)
    theme_of(clip, tmp_path / "theme.zip", screen=SMALL_SCREEN, selection=selection)
    folder = unpacked(tmp_path / "theme.zip", tmp_path)
    painted = pictures_of(folder / "images/background.avif")[2].astype(int)
    wanted = gif_frames(clip, selection=selection)[2].astype(int)
    assert np.abs(painted - wanted).mean() < 3
    assert np.abs(painted[300, 20] - wanted[300, 20]).max() <= 5  # in the bars of `contain`


@pytest.mark.usefixtures("small_pictures")
def test_the_pixels_are_square_for_every_source(clips, tmp_path):
    odd = clips("odd.mp4", "-f", "lavfi", "-i", "testsrc2=s=100x34:r=24:d=0.2,setsar=7/5")
    theme_of(odd, tmp_path / "theme.zip", screen=SMALL_SCREEN)
    written = (unpacked(tmp_path / "theme.zip", tmp_path) / "images/background.avif").read_bytes()
    assert written.split(b"pasp")[1][:8] == bytes([0, 0, 0, 1, 0, 0, 0, 1])


@pytest.mark.usefixtures("small_pictures")
def test_progress_never_falls_within_the_theme_stage(numbered, tmp_path):
    told = []
    control = Control(
        timeout_s=60, stages=STAGES_WITH_THEME, report=lambda *what: told.append(what)
    )
    theme_of(numbered, tmp_path / "theme.zip", screen=SMALL_SCREEN, control=control)
    assert {stage for stage, _ in told} == {"theme"}
    assert all(a[1] < b[1] for a, b in itertools.pairwise(told))
    begin, end = STAGES_WITH_THEME["theme"]
    assert begin <= told[0][1] < told[-1][1] <= end


def test_a_cancel_ends_the_theme_and_its_ffmpeg(numbered, tmp_path):
    calls = itertools.count()
    control = Control(timeout_s=60, stages=STAGES_WITH_THEME, is_canceled=lambda: next(calls) > 4)
    with pytest.raises(ConversionCanceledError):
        theme_of(numbered, tmp_path / "theme.zip", screen="1920x1080@2", control=control)
    assert not (tmp_path / "theme.zip").exists()


def test_both_scales_use_the_first_picture_if_there_is_no_time_for_the_second(
    moment, tmp_path, monkeypatch
):
    paint = package.Studio.paint

    def once(studio, scale, size, *, stage):
        if stage[0] > 0:
            raise ConversionTimeoutError
        return paint(studio, scale, size, stage=stage)

    monkeypatch.setattr(package.Studio, "paint", once)
    facts = theme_of(moment, tmp_path / "theme.zip", screen=SMALL_SCREEN)
    assert [(p.scale, p.width) for p in facts.pictures] == [("100", 1280), ("200", 1280)]
    folder = unpacked(tmp_path / "theme.zip", tmp_path)
    named = json.loads((folder / "manifest.json").read_text())["theme"]["images"]
    assert named == {
        "theme_ntp_background": {
            "100": "images/background.avif",
            "200": "images/background.avif",
        }
    }
    assert [path.name for path in (folder / "images").iterdir()] == ["background.avif"]


def test_a_picture_that_exceeds_its_memory_is_made_smaller(moment, tmp_path, monkeypatch):
    asked = []

    def scarce(*args, profile, **kwargs):
        asked.append((profile.width, profile.height))
        if profile.width > 2000:
            raise encode.TooMuchMemoryError
        return encode_animation(*args, profile=profile, **kwargs)

    encode_animation = package.encode_animation
    monkeypatch.setattr(package, "encode_animation", scarce)
    facts = theme_of(moment, tmp_path / "theme.zip", screen="1280x720@2")
    assert asked == [(2560, 1440), (1810, 1018), (1920, 1080)]
    assert [picture.width for picture in facts.pictures] == [1920, 1810]


def test_encoding_stops_when_a_picture_exceeds_its_memory(numbered, tmp_path, monkeypatch):
    monkeypatch.setattr(package, "HOUSE_BYTES", package.MASTER_BYTES)
    with pytest.raises(encode.TooMuchMemoryError):
        theme_of(numbered, tmp_path / "theme.zip", screen="1920x1080@2")


@pytest.mark.usefixtures("small_second")
def test_the_picture_is_webp_without_an_av1_encoder(numbered, tmp_path, monkeypatch):
    monkeypatch.setattr(package, "best_format", lambda: "webp")
    theme_of(numbered, tmp_path / "theme.zip", screen=SMALL_SCREEN)
    folder = unpacked(tmp_path / "theme.zip", tmp_path)
    facts = inspect_animation(folder / "images/background.webp", form="webp")
    assert (facts.width, facts.height, facts.frames, facts.loops) == (1280, 720, 18, True)
    assert abs(facts.seconds - Fraction(18, 24)) < Fraction(1, 100)
    with Image.open(folder / "images/background.webp") as opened:
        painted = np.asarray(opened.convert("RGB")).astype(int)
    wanted = gif_frames(numbered, selection=Selection())[0].astype(int)
    assert np.abs(painted - wanted).mean() < 3


def test_no_theme_is_made_without_an_encoder(numbered, tmp_path, monkeypatch):
    monkeypatch.setattr(package, "best_format", lambda: None)
    with pytest.raises(OutputError):
        theme_of(numbered, tmp_path / "theme.zip")


def test_the_projects_ffmpeg_has_the_av1_encoder():
    assert best_format() == "avif"


@pytest.mark.parametrize("form", ["avif", "webp"])
def test_broken_files_are_refused(tmp_path, form, made):
    whole = (unpacked(made[1], tmp_path) / "images/background.avif").read_bytes()
    still = io.BytesIO()
    Image.new("RGB", (8, 8)).save(still, form)
    for number, wrong in enumerate((b"", b"RIFF", whole[:200], still.getvalue(), b"\0" * 99)):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(wrong)
        with pytest.raises(OutputError):
            inspect_animation(path, form=form)


def test_a_picture_with_wrong_properties_is_refused(made, tmp_path):
    path = unpacked(made[1], tmp_path) / "images/background.avif"
    with pytest.raises(OutputError):
        verify_animation(path, form="avif", profile=ONE_SECOND, frames=11)

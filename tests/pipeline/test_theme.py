"""The theme made by ffmpeg: its frames, timing, colours and zip."""

import io
import itertools
import json
import zipfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from converter.pipeline.capabilities import writes_avif
from converter.pipeline.control import Control, stages_with
from converter.pipeline.errors import ConversionCanceledError, ConversionTimeoutError, OutputError
from converter.pipeline.picture import encode, make
from converter.pipeline.picture.inspect import inspect_animation, verify_animation
from converter.pipeline.picture.make import make_animation
from converter.pipeline.profile import BACKGROUND, Selection
from converter.pipeline.theme import package
from converter.pipeline.theme.manifest import UNPACKED
from tests.support.themes import (
    CLIP_SIZE,
    cut_of,
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
CONTROL = Control(timeout_s=3600)  # shared: the tests may run minutes after the import


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
        "images/background.png",
        "images/background@2x.png",
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
    steps = ("Developer mode", "Drop this zip", "Load unpacked", "chrome://extensions")
    for part in (*steps, "Numbers", "Chromium 156", "1280x720"):
        assert part in text


def test_the_pictures_show_the_same_frames_as_the_gif(made, numbered, tmp_path):
    folder = unpacked(made[1], tmp_path)
    for name, factor in (("background.png", 1), ("background@2x.png", 2)):
        seen = pictures_of(folder / "images" / name)
        scale = 1280 * factor / CLIP_SIZE[0]
        top = (720 * factor - CLIP_SIZE[1] * scale) / 2
        numbers = [number_in(picture, left=0, top=top, scale=scale) for picture in seen]
        assert numbers == list(range(6, 18))


@pytest.mark.usefixtures("small_pictures")
def test_six_seconds_are_144_frames_that_loop_endlessly(tiny_clip, tmp_path):
    whole = replace(BACKGROUND, width=160, height=90)
    theme_of(tiny_clip, tmp_path / "theme.zip", screen=SMALL_SCREEN, profile=whole)
    folder = unpacked(tmp_path / "theme.zip", tmp_path)
    for name in ("background.png", "background@2x.png"):
        facts = inspect_animation(folder / "images" / name)
        assert (facts.frames, facts.seconds, facts.loops) == (144, Fraction(6), True)


@pytest.mark.usefixtures("small_pictures")
def test_a_short_clip_gives_a_short_theme(clips, tmp_path):
    clip = clips("short.mp4", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=24:d=0.5")
    theme_of(clip, tmp_path / "theme.zip", screen=SMALL_SCREEN)
    facts = inspect_animation(unpacked(tmp_path / "theme.zip", tmp_path) / "images/background.png")
    assert (facts.frames, facts.seconds) == (12, Fraction(1, 2))


def test_the_picture_is_tagged_bt709_limited_range(made, tmp_path):
    data = (unpacked(made[1], tmp_path) / "images/background.png").read_bytes()
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
    painted = pictures_of(folder / "images/background.png")[2].astype(int)
    wanted = gif_frames(clip, selection=selection)[2].astype(int)
    assert np.abs(painted - wanted).mean() < 3
    assert np.abs(painted[300, 20] - wanted[300, 20]).max() <= 5  # in the bars of `contain`


@pytest.mark.usefixtures("small_pictures")
def test_the_pixels_are_square_for_every_source(clips, tmp_path):
    odd = clips("odd.mp4", "-f", "lavfi", "-i", "testsrc2=s=100x34:r=24:d=0.2,setsar=7/5")
    theme_of(odd, tmp_path / "theme.zip", screen=SMALL_SCREEN)
    written = (unpacked(tmp_path / "theme.zip", tmp_path) / "images/background.png").read_bytes()
    assert written.split(b"pasp")[1][:8] == bytes([0, 0, 0, 1, 0, 0, 0, 1])


@pytest.mark.usefixtures("small_pictures")
def test_progress_never_falls_within_the_theme_stage(numbered, tmp_path):
    told = []
    control = Control(timeout_s=60, extras=["theme"], report=lambda *what: told.append(what))
    theme_of(numbered, tmp_path / "theme.zip", screen=SMALL_SCREEN, control=control)
    assert {stage for stage, _ in told} == {"theme"}
    assert all(a[1] < b[1] for a, b in itertools.pairwise(told))
    begin, end = stages_with("theme")["theme"]
    assert begin <= told[0][1] < told[-1][1] <= end


def test_a_cancel_ends_the_theme_and_its_ffmpeg(numbered, tmp_path):
    calls = itertools.count()
    control = Control(timeout_s=60, extras=["theme"], is_canceled=lambda: next(calls) > 4)
    with pytest.raises(ConversionCanceledError):
        theme_of(numbered, tmp_path / "theme.zip", screen="1920x1080@2", control=control)
    assert not (tmp_path / "theme.zip").exists()


def test_both_scales_use_the_first_picture_if_there_is_no_time_for_the_second(
    moment, tmp_path, monkeypatch
):
    def once(cut, output, **options):
        if output.name == "theme200.avif":
            raise ConversionTimeoutError
        return make_animation(cut, output, **options)

    make_animation = package.make_animation
    monkeypatch.setattr(package, "make_animation", once)
    facts = theme_of(moment, tmp_path / "theme.zip", screen=SMALL_SCREEN)
    assert [(p.scale, p.width) for p in facts.pictures] == [("100", 1280), ("200", 1280)]
    folder = unpacked(tmp_path / "theme.zip", tmp_path)
    named = json.loads((folder / "manifest.json").read_text())["theme"]["images"]
    assert named == {
        "theme_ntp_background": {"100": "images/background.png", "200": "images/background.png"}
    }
    assert [path.name for path in (folder / "images").iterdir()] == ["background.png"]


def test_pictures_of_the_same_size_are_encoded_once_and_stored_once(moment, tmp_path, monkeypatch):
    monkeypatch.setattr(package, "picture_sizes", lambda _: {"100": (160, 90), "200": (160, 90)})
    facts = theme_of(moment, tmp_path / "theme.zip", screen=SMALL_SCREEN)
    assert [(p.scale, p.width) for p in facts.pictures] == [("100", 160), ("200", 160)]
    folder = unpacked(tmp_path / "theme.zip", tmp_path)
    assert [path.name for path in (folder / "images").iterdir()] == ["background.png"]
    assert sorted(tmp_path.glob("*.avif")) == [tmp_path / "theme100.avif"]


def test_the_picture_for_chrome_serves_where_it_has_the_same_size(
    moment, tmp_path, monkeypatch, small_pictures
):
    picture = tmp_path / "picture.png"
    made = make_animation(
        cut_of(moment), picture, size=(320, 180), frames=3, control=CONTROL, report=lambda _: None
    )
    theme_of(moment, tmp_path / "theme.zip", screen=SMALL_SCREEN, made=made)
    folder = unpacked(tmp_path / "theme.zip", tmp_path / "theme")
    assert (folder / "images/background@2x.png").read_bytes() == picture.read_bytes()
    assert sorted(tmp_path.glob("*.avif")) == [tmp_path / "theme100.avif"]


def test_a_picture_that_exceeds_its_memory_is_made_smaller(moment, tmp_path, monkeypatch):
    asked = []

    def scarce(*args, size, **kwargs):
        asked.append(size)
        if size[0] > 2000:
            raise encode.TooMuchMemoryError
        encode_animation(*args, size=size, **kwargs)

    encode_animation = make.encode_animation
    monkeypatch.setattr(make, "encode_animation", scarce)
    facts = theme_of(moment, tmp_path / "theme.zip", screen="1280x720@2")
    assert asked == [(2560, 1440), (1810, 1018), (1920, 1080)]
    assert [picture.width for picture in facts.pictures] == [1920, 1810]


def test_encoding_stops_when_a_picture_exceeds_its_memory(numbered, tmp_path, monkeypatch):
    monkeypatch.setattr(encode, "TREE_BYTES", encode.MASTER_BYTES)
    with pytest.raises(encode.TooMuchMemoryError):
        theme_of(numbered, tmp_path / "theme.zip", screen="1920x1080@2")


def test_the_names_in_the_zip_pass_chromiums_unpacker(made):
    with zipfile.ZipFile(made[1]) as archive:
        names = [Path(name) for name in archive.namelist() if name != "README.txt"]
    assert [name for name in names if name.suffix not in UNPACKED] == []


def test_the_projects_ffmpeg_has_the_av1_encoder():
    assert writes_avif()


def test_broken_files_are_refused(tmp_path, made):
    whole = (unpacked(made[1], tmp_path) / "images/background.png").read_bytes()
    still = io.BytesIO()
    Image.new("RGB", (8, 8)).save(still, "avif")
    for number, wrong in enumerate((b"", b"RIFF", whole[:200], still.getvalue(), b"\0" * 99)):
        path = tmp_path / f"{number}.bin"
        path.write_bytes(wrong)
        with pytest.raises(OutputError):
            inspect_animation(path)


def test_a_picture_with_wrong_properties_is_refused(made, tmp_path):
    path = unpacked(made[1], tmp_path) / "images/background.png"
    promise = {"size": (1280, 720), "frames": 12, "fps": 24}
    verify_animation(path, **promise)
    for change in ({"size": (1280, 722)}, {"frames": 11}, {"fps": 25}):
        with pytest.raises(OutputError):
            verify_animation(path, **promise | change)

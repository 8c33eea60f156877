"""The theme's manifest and colours: readable for every clip, and valid beyond Chromium's checks."""

import copy
import json
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from converter.pipeline.profile import DEFAULT_THEME_NAME, THEME_NAME_LENGTH
from converter.pipeline.theme.colours import (
    BLACK,
    WHITE,
    FrameSampler,
    ThemeColours,
    contrast,
    outer_colour,
    readable_on,
    theme_colours,
)
from converter.pipeline.theme.manifest import (
    DESCRIPTION,
    DESCRIPTION_LENGTH,
    TEXTS,
    build,
    faults,
    theme_name,
)
from tests.support.themes import GREY

PICTURES = {"100": "images/background.png", "200": "images/background@2x.png"}
FILES = {*PICTURES.values(), "icons/16.png", "icons/48.png", "icons/128.png", "manifest.json"}
channels = st.integers(0, 255)
rgbs = st.tuples(channels, channels, channels)
clips = arrays.arrays(np.uint8, st.tuples(st.integers(1, 200), st.just(3)))


def manifest(**changes):
    return build(name="A theme", theme_colours=GREY, pictures=PICTURES) | changes


@given(rgbs)
def test_black_or_white_text_is_readable_on_any_background(ground):
    assert contrast(readable_on(ground), ground) >= 4.5


@settings(max_examples=300)
@given(clips, rgbs)
def test_every_text_is_readable_for_any_clip(samples, border):
    made = build(name="x", theme_colours=theme_colours(samples, border=border), pictures=PICTURES)
    colours = made["theme"]["colors"]
    for text, ground in TEXTS.items():
        assert contrast(tuple(colours[text]), tuple(colours[ground])) >= 4.5
    assert faults(made, files=FILES) == []
    assert colours["ntp_background"] == list(border)


@given(rgbs, rgbs, rgbs, rgbs)
def test_any_theme_colours_get_readable_texts(frame, toolbar, text, ground):
    odd = ThemeColours(frame=frame, toolbar=toolbar, text=text, ntp_background=ground)
    assert faults(build(name="x", theme_colours=odd, pictures=PICTURES), files=FILES) == []


@pytest.mark.parametrize(
    ("colour", "leads"), [((200, 30, 30), 0), ((30, 160, 30), 1), ((40, 60, 220), 2)]
)
def test_the_frame_colour_has_the_hue_of_the_clip(colour, leads):
    grey = np.full((300, 3), 90, np.uint8)
    samples = np.concatenate([grey, np.tile(np.array(colour, np.uint8), (100, 1))])
    made = theme_colours(samples, border=BLACK)
    assert int(np.argmax(made.frame)) == leads
    assert int(np.argmax(made.toolbar)) == leads


def test_a_grey_clip_gets_a_grey_theme():
    made = theme_colours(np.full((50, 3), 200, np.uint8), border=WHITE)
    assert max(made.frame) - min(made.frame) <= 2


def test_a_dark_clip_gets_a_dark_theme_and_a_light_clip_a_light_theme():
    dark, light = (theme_colours(np.full((9, 3), v, np.uint8), border=BLACK) for v in (30, 230))
    assert dark.text == WHITE
    assert max(light.text) < 40


def test_the_outer_colour_is_that_of_the_bars_or_the_mean_of_the_edges():
    bars = np.full((90, 160, 3), 200, np.uint8)
    bars[10:80] = 50
    assert outer_colour(bars) == (200, 200, 200)
    ramp = np.zeros((90, 160, 3), np.uint8)
    ramp[:, 80:] = 100
    assert outer_colour(ramp) == (50, 50, 50)


def test_the_icon_is_from_the_middle_and_the_border_from_the_first_frame():
    sampler = FrameSampler()
    for number in range(144):
        sampler.add(np.full((720, 1280, 3), number, np.uint8))
    assert sampler.colours().ntp_background == (0, 0, 0)
    assert sampler.icon.getpixel((0, 0)) == (72, 72, 72)
    assert sampler.icon.size == (256, 256)


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("", DEFAULT_THEME_NAME),
        (" \n\t ", DEFAULT_THEME_NAME),
        ("\u200d\u202e", DEFAULT_THEME_NAME),
        ("  My   clip ", "My clip"),
        ("a\x00b\u202ec", "a b c"),
        ("</script><b>\"'", "</script><b>\"'"),
        ("__MSG_name__", "MSG_name__"),
        ("x" * 300, "x" * 75),
        ("👩\u200d👩\u200d👧 family", "👩\u200d👩\u200d👧 family"),
        ("🌻" * 60, "🌻" * 37),
        ("\ud800lone", "lone"),
    ],
)
def test_theme_names_are_cleaned(typed, name):
    assert theme_name(typed) == name


@given(st.text(st.characters(codec=None), max_size=200))
def test_any_typed_name_becomes_a_valid_name(typed):
    name = theme_name(typed)
    assert 0 < len(name.encode("utf-16-le")) // 2 <= THEME_NAME_LENGTH
    assert not [c for c in name if unicodedata.category(c) in ("Cc", "Cs")]
    assert theme_name(name) == name
    made = build(name=name, theme_colours=GREY, pictures=PICTURES)
    assert json.loads(json.dumps(made)) == made
    assert faults(made, files=FILES) == []


def test_the_built_manifest_has_no_faults():
    assert faults(manifest(), files=FILES) == []
    assert len(DESCRIPTION) <= DESCRIPTION_LENGTH


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"manifest_version": 2}, "manifest_version must be 3"),
        ({"name": ""}, "name must have 1 to 75 characters"),
        ({"name": "x" * 76}, "name must have 1 to 75 characters"),
        ({"name": " x"}, "name must not begin or end with a space"),
        ({"version": "1.0"}, "version must be 1.0.0"),
        ({"description": "x" * 133}, "description must have at most 132 characters"),
        ({"permissions": ["tabs"]}, "a theme has no use for other keys"),
        ({"icons": {"16": "icons/16.png"}}, "icons must be there in 16, 48 and 128 px"),
    ],
)
def test_mistakes_that_chromium_accepts_are_faults(changes, fault):
    assert faults(manifest(**changes), files=FILES) == [fault]


@pytest.mark.parametrize(
    ("name", "value", "fault"),
    [
        ("frame", [300, 0, 0], "frame must be three integers from 0 to 255"),
        ("frame", [0.5, 0, 0], "frame must be three integers from 0 to 255"),
        ("frame", "#000000", "frame must be three integers from 0 to 255"),
        ("frame", [True, 0, 0], "frame must be three integers from 0 to 255"),
        ("tab_text", [41, 41, 41], "tab_text can't be read on toolbar"),
    ],
)
def test_an_invalid_or_unreadable_colour_is_a_fault(name, value, fault):
    wrong = copy.deepcopy(manifest())
    wrong["theme"]["colors"][name] = value
    assert faults(wrong, files=FILES) == [fault]


def test_a_missing_colour_picture_or_file_is_a_fault():
    bare = copy.deepcopy(manifest())
    del bare["theme"]["colors"]["ntp_text"]
    assert faults(bare, files=FILES) == ["ntp_text must be given"]
    single = copy.deepcopy(manifest())
    single["theme"]["images"]["theme_ntp_background"] = "images/background.png"
    assert faults(single, files=FILES) == ["pictures must be there at 100 and 200"]
    assert faults(manifest(), files=FILES - {"icons/48.png"}) == [
        "each file named must be in the zip"
    ]


def test_a_picture_that_the_unpacker_of_a_dropped_zip_throws_away_is_a_fault():
    pictures = {"100": "images/background.avif", "200": "images/background@2x.png"}
    made = build(name="A theme", theme_colours=GREY, pictures=pictures)
    assert faults(made, files=FILES | {*pictures.values()}) == [
        "pictures must end in one of .bmp .gif .jpeg .jpg .json .png .webp"
    ]

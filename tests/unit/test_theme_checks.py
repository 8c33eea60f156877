"""System checks of the theme's format, and the size at which HDR is tone-mapped."""

import dataclasses

import pytest

from converter import checks, products
from converter.pipeline.picture import encode, formats
from converter.pipeline.source.probe import Probe

SDR = Probe(
    container="mov",
    codec="hevc",
    pixel_format="yuv420p10le",
    matrix="bt709",
    primaries="bt709",
    transfer="bt709",
    stream=0,
    is_strip=False,
    pixels=3840 * 2160,
    duration_s=6.0,
    is_turned=False,
    has_alpha=False,
)
HDR = dataclasses.replace(SDR, transfer="arib-std-b67")


@pytest.mark.parametrize(
    ("form", "ids"), [("avif", []), ("webp", ["converter.W001"]), (None, ["converter.W002"])]
)
def test_a_check_reports_the_theme_format_of_this_ffmpeg(monkeypatch, form, ids):
    monkeypatch.setattr(checks, "best_format", lambda: form)
    assert [message.id for message in checks.themes_are_avif()] == ids


def test_a_platform_without_ffmpeg_fails_its_check_and_no_other(monkeypatch):
    def none():
        raise RuntimeError("No ffmpeg exe could be found.")

    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", none)
    caches = (formats.joins_graphs.cache_clear, formats.best_format.cache_clear)
    for clear in caches:
        clear()
    try:
        assert [message.id for message in checks.the_machine_can_convert()] == ["converter.E002"]
        assert checks.ffmpeg_is_new_enough() == checks.themes_are_avif() == []
        assert products.themes_are_possible() is False
    finally:
        for clear in caches:
            clear()


def test_a_check_refuses_an_ffmpeg_that_is_too_old(monkeypatch, tmp_path):
    formats.joins_graphs.cache_clear()
    assert checks.ffmpeg_is_new_enough() == []
    old = tmp_path / "ffmpeg"
    old.write_text("#!/bin/sh\necho matches no streams >&2\nexit 1\n")
    old.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(old))
    formats.joins_graphs.cache_clear()
    try:
        assert [message.id for message in checks.ffmpeg_is_new_enough()] == ["converter.E006"]
    finally:
        formats.joins_graphs.cache_clear()


@pytest.mark.parametrize(("form", "possible"), [("avif", True), ("webp", True), (None, False)])
def test_the_page_offers_themes_if_they_can_be_made(monkeypatch, form, possible):
    monkeypatch.setattr(products, "best_format", lambda: form)
    assert products.themes_are_possible() is possible


def test_the_theme_check_passes_without_ffmpeg_and_the_ffmpeg_check_fails(monkeypatch):
    def missing():
        raise OSError

    monkeypatch.setattr(products, "best_format", missing)
    monkeypatch.setattr(checks, "best_format", missing)
    assert products.themes_are_possible() is False
    assert checks.themes_are_avif() == []


@pytest.mark.parametrize(
    ("probe", "size", "share"),
    [(SDR, (3840, 2160), 1.0), (HDR, (1920, 1080), 1.0), (HDR, (3840, 2400), 0.5)],
)
def test_only_large_hdr_pictures_are_scaled_down_first(probe, size, share):
    assert encode._working_share(probe, size) == share

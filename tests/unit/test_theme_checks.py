"""The system checks of ffmpeg's abilities, and at what size HDR is tone-mapped."""

import dataclasses

import pytest

from converter import checks
from converter.pipeline import capabilities
from converter.pipeline.picture import encode
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


@pytest.mark.parametrize(("able", "ids"), [(True, []), (False, ["converter.E007"])])
def test_a_check_refuses_an_ffmpeg_that_writes_no_avif(monkeypatch, able, ids):
    monkeypatch.setattr(checks, "writes_avif", lambda: able)
    assert [message.id for message in checks.check_avif_encoder()] == ids


def test_a_platform_without_ffmpeg_fails_its_check_and_no_other(monkeypatch):
    def none():
        raise RuntimeError("No ffmpeg exe could be found.")

    monkeypatch.setattr("imageio_ffmpeg.get_ffmpeg_exe", none)
    caches = (capabilities.joins_graphs.cache_clear, capabilities.writes_avif.cache_clear)
    for clear in caches:
        clear()
    try:
        assert [message.id for message in checks.check_health()] == ["converter.E002"]
        assert checks.check_ffmpeg_version() == checks.check_avif_encoder() == []
    finally:
        for clear in caches:
            clear()


def test_a_check_refuses_an_ffmpeg_that_is_too_old(monkeypatch, tmp_path):
    capabilities.joins_graphs.cache_clear()
    assert checks.check_ffmpeg_version() == []
    old = tmp_path / "ffmpeg"
    old.write_text("#!/bin/sh\necho matches no streams >&2\nexit 1\n")
    old.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(old))
    capabilities.joins_graphs.cache_clear()
    try:
        assert [message.id for message in checks.check_ffmpeg_version()] == ["converter.E006"]
    finally:
        capabilities.joins_graphs.cache_clear()


@pytest.mark.parametrize(
    ("probe", "size", "share"),
    [(SDR, (3840, 2160), 1.0), (HDR, (1920, 1080), 1.0), (HDR, (3840, 2400), 0.5)],
)
def test_only_large_hdr_pictures_are_scaled_down_first(probe, size, share):
    assert encode.working_share(probe, size) == share

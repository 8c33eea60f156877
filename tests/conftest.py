"""Fixtures and hooks of all tests: temporary folders, clips made with ffmpeg, long tests."""

import hashlib
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import hypothesis
import pytest

from tests.support.ffmpeg import FEW_COLOURS, run_ffmpeg
from tests.support.files import shared_folder
from tests.support.groups import keep_groups_together, turn

# No deadlines, which a busy machine would miss, and no example database in the repository.
hypothesis.settings.load_profile("ci")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the hours-long tests")


@pytest.hookimpl(trylast=True)  # after xdist
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    keep_groups_together(items)
    items.sort(key=turn)
    if config.getoption("--long"):
        return
    for item in items:
        if "long" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="a long run: give --long"))


def pytest_unconfigure(config: pytest.Config) -> None:
    media = os.environ.get("MEDIA_ROOT", "")
    folder = Path(media).parent
    if folder.name.startswith("chromi-tests-"):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def media_root(settings, tmp_path: Path) -> Path:
    """Put MEDIA_ROOT and the cache into temporary folders of this test; return MEDIA_ROOT."""
    from django.core.cache import cache, caches

    settings.MEDIA_ROOT = tmp_path / "media"
    settings.CACHES = {
        "default": {
            "BACKEND": "chrome_background_converter.cache.SweptFileCache",
            "LOCATION": str(tmp_path / "cache"),
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        }
    }
    assert caches["default"] is not None
    cache.clear()
    settings.MEDIA_ROOT.mkdir()
    return settings.MEDIA_ROOT


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a clip once per test run: clips("name.mp4", *ffmpeg_arguments)."""
    folder = shared_folder(tmp_path_factory) / "clips"

    def make(name: str, *arguments: str) -> Path:
        recipe = hashlib.sha256("\0".join(arguments).encode()).hexdigest()[:16]
        path = folder / recipe / name
        if not path.exists():
            path.parent.mkdir(exist_ok=True, parents=True)
            unfinished = path.with_name(f"{uuid.uuid4()}-{name}")
            run_ffmpeg(*arguments, str(unfinished))
            unfinished.replace(path)  # atomic: other processes see complete files only
        return path

    return make


@pytest.fixture(scope="session")
def tiny_clip(clips) -> Path:
    """Return an H.264 clip of 8 s, 160x90 px, 24 fps."""
    return clips("tiny.mp4", "-f", "lavfi", "-i", f"{FEW_COLOURS}:d=8", "-pix_fmt", "yuv420p")

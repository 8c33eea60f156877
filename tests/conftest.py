"""What all tests share: throw-away folders, clips made with ffmpeg, the clock of a clip."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest

SHARED_CLIPS = Path(__file__).resolve().parents[2] / "shared" / "clips"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run the hours-long tests")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
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
def house(settings, tmp_path: Path) -> Path:
    """MEDIA_ROOT and the cache in folders of this test's own; the MEDIA_ROOT."""
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


def files_in(folder: Path) -> list[str]:
    """The names of all files below `folder`."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def run_ffmpeg(*arguments: str) -> None:
    """Run the project's own ffmpeg to make a test clip."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-y", "-v", "error", *arguments]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def clips() -> Iterator[Callable[..., Path]]:
    """Make a clip once a session: clips("name.mp4", *ffmpeg_arguments)."""
    with tempfile.TemporaryDirectory(prefix="chromi-clips-") as folder:

        def make(name: str, *arguments: str) -> Path:
            recipe = hashlib.sha256("\0".join(arguments).encode()).hexdigest()[:16]
            path = Path(folder) / recipe / name
            if not path.exists():
                path.parent.mkdir(exist_ok=True)
                run_ffmpeg(*arguments, str(path))
            return path

        yield make


@pytest.fixture(scope="session")
def tiny_clip(clips) -> Path:
    """An 8 s H.264 clip of 160x90 at 24 fps."""
    return clips(
        "tiny.mp4", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=24:d=8", "-pix_fmt", "yuv420p"
    )

"""What all tests share: throw-away folders, clips made with ffmpeg, the clock of a clip."""

import contextlib
import hashlib
import os
import random
import shutil
import socket
import subprocess
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import hypothesis
import imageio_ffmpeg
import pytest

# A UUID4 of no job and no link. Always the same: it stands in the names of tests, and the processes
# of xdist must agree on these.
NOBODYS_ID = "7f3a6c1e-8a53-4a3c-9a43-0b8d6a5e2f10"

# A group of tests that wait more than they compute. One process of xdist has them all.
WAITING = "waiting"
# The longest groups, which begin at once: the first two wait, and others keep the cores busy.
FIRST = [WAITING, "killing", "browser-page", "browser-conversion"]

# As in CI: no deadlines for a busy machine to miss, no database in the repository.
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


def keep_groups_together(items: list[pytest.Item]) -> None:
    """Put xdist's "@group" where pytest looks for it.

    xdist 3.8.0 writes it into `_nodeid`, of which pytest 9.2.0 takes no notice any more: without
    this every process starts the servers of every module.
    """
    for item in items:
        if (grouped := getattr(item, "_nodeid", item.nodeid)) != item.nodeid:
            item._id = type(item.id).parse(grouped)


def turn(item: pytest.Item) -> int:
    """The longest groups have the first turn, then other groups; single tests fill the end."""
    groups = [mark.args[0] for mark in item.iter_markers("xdist_group")]
    if not groups:
        return len(FIRST) + 1
    return FIRST.index(groups[0]) if groups[0] in FIRST else len(FIRST)


def pytest_unconfigure(config: pytest.Config) -> None:
    media = os.environ.get("MEDIA_ROOT", "")
    folder = Path(media).parent
    if folder.name.startswith("chromi-tests-"):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def media_root(settings, tmp_path: Path) -> Path:
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


def free_port() -> int:
    """A port that nobody has, and nobody gets before the server that it is for.

    It lies below those that the kernel hands out (32768 and up on Linux): one of these could be
    taken meanwhile by any outgoing connection. Not from `random`, which other tests seed.
    """
    while True:
        port = random.SystemRandom().randrange(10_000, 32_000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def eventually(condition: Callable[[], bool], *, within_s: float = 20) -> bool:
    """Whether `condition` comes true in time: on a busy machine that is long after a quiet one."""
    began = time.monotonic()
    while (waited := time.monotonic() - began) < within_s:
        if condition():
            return True
        time.sleep(min(0.02 + waited / 10, 0.3))  # looking costs time that the others need
    return condition()


def files_in(folder: Path) -> list[str]:
    """The names of all files below `folder`; a folder may go while it is looked at (3.11's rglob
    raises then).
    """
    found = [Path(place, name) for place, _, names in os.walk(folder) for name in names]
    return sorted(str(path.relative_to(folder)) for path in found if path.is_file())


# For a clip that is there to be converted and no more: a frame of it costs a sixth of testsrc2's,
# whose many colours move.
FEW_COLOURS = "smptebars=s=160x90:r=24"


def run_ffmpeg(*arguments: str) -> None:
    """Run the project's own ffmpeg to make a test clip."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-y", "-v", "error", *arguments]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run's, the same for all the processes of xdist."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Make a clip once a run: clips("name.mp4", *ffmpeg_arguments)."""
    folder = shared_folder(tmp_path_factory) / "clips"

    def make(name: str, *arguments: str) -> Path:
        recipe = hashlib.sha256("\0".join(arguments).encode()).hexdigest()[:16]
        path = folder / recipe / name
        if not path.exists():
            path.parent.mkdir(exist_ok=True, parents=True)
            unfinished = path.with_name(f"{uuid.uuid4()}-{name}")
            run_ffmpeg(*arguments, str(unfinished))
            unfinished.replace(path)  # whole from the first moment that another process sees it
        return path

    return make


@pytest.fixture(scope="session")
def tiny_clip(clips) -> Path:
    """An 8 s H.264 clip of 160x90 at 24 fps."""
    return clips(
        "tiny.mp4", "-f", "lavfi", "-i", "testsrc2=s=160x90:r=24:d=8", "-pix_fmt", "yuv420p"
    )

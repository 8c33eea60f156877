"""Clips and one-time links for the load and fault tests."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.clips import ClipMaker
from tests.support.files import ROOT
from tests.support.live import Live, environment

# Run beside a server, on its folders: a file for each size on stdin, its token on stdout.
ISSUE = """
import json, os, sys, uuid
from pathlib import Path
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.live_settings"
import django
django.setup()
from django.conf import settings
from converter import downloads
folder = Path(settings.MEDIA_ROOT) / "converted"
folder.mkdir(exist_ok=True)
for size in json.load(sys.stdin):
    name = f"converted/{uuid.uuid4()}.gif"
    (Path(settings.MEDIA_ROOT) / name).write_bytes(b"GIF89a" + bytes(size))
    print(downloads.issue(name, filename="a.gif", content_type="image/gif"))
"""


@pytest.fixture(scope="session")
def clip_maker() -> ClipMaker:
    return ClipMaker(canary=Path("/nowhere"), port=9)


@pytest.fixture(scope="session")
def six_seconds(clip_maker) -> bytes:
    """A clip that fills any GIF."""
    return clip_maker.clip(seconds=6, size=(320, 180))


@pytest.fixture(scope="session")
def one_second(clip_maker) -> bytes:
    """A clip that takes a slow server a second."""
    return clip_maker.clip(seconds=1)


@pytest.fixture(scope="session")
def short(clip_maker) -> bytes:
    """A clip of four frames."""
    return clip_maker.clip(fps=24, seconds=4 / 24)


@pytest.fixture
def hand_out() -> Callable[..., list[str]]:
    """One-time links of a live server for files of these sizes in bytes."""

    def issue(live: Live, *sizes: int) -> list[str]:
        env = environment(live.folder, live.port) | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            [sys.executable, "-c", ISSUE],
            cwd=ROOT,
            env=env,
            input=json.dumps(sizes).encode(),
            stdout=subprocess.PIPE,
            check=True,
        )
        return done.stdout.decode().split()

    return issue

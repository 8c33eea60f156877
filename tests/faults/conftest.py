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

# Runs next to a server with the same folders: reads file sizes from stdin, prints a token for each.
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
    """Return a clip of 6 s, which gives a GIF of full length."""
    return clip_maker.clip(seconds=6, size=(320, 180))


@pytest.fixture(scope="session")
def one_second(clip_maker) -> bytes:
    """Return a clip of 1 s, which a SLOW server converts in about 1 s."""
    return clip_maker.clip(seconds=1)


@pytest.fixture(scope="session")
def short(clip_maker) -> bytes:
    """Return a clip of four frames."""
    return clip_maker.clip(fps=24, seconds=4 / 24)


@pytest.fixture
def issue_links() -> Callable[..., list[str]]:
    """Issue one-time links on a running server: issue_links(live, *sizes) in bytes; the tokens."""

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

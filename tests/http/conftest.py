"""A server to talk to: Django's client with the pipeline replaced at one seam, or real gunicorn."""

import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from converter.pipeline.gif.inspect import GifFacts
from converter.pipeline.gif.timing import delay_cs
from tests.conftest import free_port

ROOT = Path(__file__).resolve().parents[2]
MP4_HEAD = b"\0\0\0\x18ftypisom\0\0\2\0isommp41"
PICTURE = b"GIF89a" + bytes(200_000)


@pytest.fixture
def converted(monkeypatch) -> list[dict]:
    """Replaces the pipeline by one that writes PICTURE; the calls' keyword arguments."""
    calls: list[dict] = []

    def convert(source: Path, output: Path, **options) -> GifFacts:
        calls.append({"source": source, **options})
        options["control"].report("encode", 0.5)
        output.write_bytes(PICTURE)
        delays = tuple(delay_cs(k, fps=24) for k in range(144))
        return GifFacts(width=1280, height=720, delays=delays, loop=0, bytes=len(PICTURE))

    monkeypatch.setattr("converter.pipeline.convert.convert_video", convert)
    return calls


@pytest.fixture
def client(media_root) -> Client:
    return Client()


def clip_file(name: str = "clip.mp4", content: bytes = MP4_HEAD) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="video/mp4")


@contextmanager
def gunicorn(folder: Path, **environment: str) -> Iterator[str]:
    """A real server on its own folders; its address."""
    port = free_port()
    env = os.environ | {
        "SECRET_KEY": "tests",
        "DJANGO_SETTINGS_MODULE": "tests.live_settings",
        "MEDIA_ROOT": str(folder / "media"),
        "CACHE_DIR": str(folder / "cache"),
        "DATABASE_PATH": str(folder / "db.sqlite3"),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        **environment,
    }
    command = [sys.executable, "-m", "gunicorn", "chrome_background_converter.wsgi"]
    with (folder / "gunicorn.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
        try:
            address = f"http://127.0.0.1:{port}"
            _wait_for(address, server)
            yield address
        finally:
            server.terminate()
            server.wait(30)


def _wait_for(address: str, server: subprocess.Popen) -> None:
    for _ in range(200):
        if server.poll() is not None:
            raise RuntimeError("gunicorn did not start")
        try:
            urllib.request.urlopen(f"{address}/health/", timeout=5)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("gunicorn does not answer")

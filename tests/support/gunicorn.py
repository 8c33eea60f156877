"""Run the web server as it is deployed."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.files import ROOT
from tests.support.network import free_port
from tests.support.waiting import PATIENCE_S, eventually


@contextmanager
def gunicorn(folder: Path, **environment: str) -> Iterator[str]:
    """Run gunicorn with its files in `folder`; yield its address."""
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
            assert eventually(lambda: _answers(address, server)), "gunicorn does not answer"
            yield address
        finally:
            server.terminate()
            server.wait(PATIENCE_S)


def _answers(address: str, server: subprocess.Popen) -> bool:
    if server.poll() is not None:
        raise RuntimeError("gunicorn did not start")
    try:
        urllib.request.urlopen(f"{address}/health/", timeout=5).close()
    except OSError:
        return False
    return True

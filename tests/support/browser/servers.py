"""Run the server as it is deployed: gunicorn, hashed static files."""

import contextlib
import fcntl
import os
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.files import ROOT
from tests.support.network import free_port
from tests.support.small import SLOW
from tests.support.waiting import eventually

GIF_SIZE = (96, 54)  # px; the page doesn't depend on the size


@dataclass(frozen=True)
class Server:
    """A running server: its address, its media folder, its log."""

    url: str
    media: Path
    log: Path


class Wire:
    """A TCP relay to the server that can be interrupted; closed with the block."""

    def __init__(self, server: Server) -> None:
        host, port = server.url.removeprefix("http://").split(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self.is_cut = False
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._start(self._accept)

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self.cut()
        for thread in list(self._threads):
            thread.join()
        self._listener.close()

    def cut(self) -> None:
        """Close all connections, and refuse new ones until mend() is called."""
        self.is_cut = True
        for end in list(self._open):
            _shut(end)

    def mend(self) -> None:
        self.is_cut = False

    def _start(self, work: Callable[..., None], *arguments: socket.socket) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self._start(self._carry, self._listener.accept()[0])

    def _carry(self, client: socket.socket) -> None:
        with client:
            if self.is_cut:
                return
            with socket.create_connection(self._target) as server:
                self._open |= {client, server}
                back = self._start(_relay, server, client)
                _relay(client, server)
                back.join()
                self._open -= {client, server}


def _relay(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65_536):
            sink.sendall(data)
    _shut(source)
    _shut(sink)


def _shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return the server's environment variables, which override this machine's .env file."""
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.browser.server_settings",
        "PYTHONPATH": str(ROOT),
        "SECRET_KEY": "browser-tests",
        "DEBUG": "False",
        "ALLOWED_HOSTS": "127.0.0.1",
        "HOST": "127.0.0.1",
        "PORT": str(free_port()),
        "MEDIA_ROOT": str(folder / "media"),
        "CACHE_DIR": str(folder / "cache"),
        "DATABASE_PATH": str(folder / "db.sqlite3"),
        "STATIC_ROOT": str(folder / "static"),
        "USE_RQ": "False",
        "TEST_GIF": "{}x{}x6".format(*GIF_SIZE),
        **SLOW,
        **more,
    }


def collect_static(folder: Path) -> None:
    """Collect the static files in `folder`/static, unless another process has done it."""
    with (folder / "static.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "static").exists():
            # Skip the admin's files, which no test uses and which take most of the time.
            collect = ["manage.py", "collectstatic", "--noinput", "--ignore=admin", "-v0"]
            command = [sys.executable, *collect]
            subprocess.run(command, cwd=ROOT, env=environment(folder), check=True)


@contextlib.contextmanager
def serve(folder: Path, **more: str) -> Iterator[Server]:
    """Run gunicorn on a free port during the block; STATIC_ROOT must have been collected."""
    variables = environment(folder, **more)
    media, log = folder / "media", folder / "server.log"
    media.mkdir()
    command = [sys.executable, "-m", "gunicorn", "chrome_background_converter.wsgi"]
    with running(command, variables, log=log):
        url = f"http://127.0.0.1:{variables['PORT']}"
        _wait_until_healthy(url, log)
        yield Server(url=url, media=media, log=log)


@contextlib.contextmanager
def running(command: list[str], variables: dict[str, str], *, log: Path) -> Iterator[None]:
    """Run a command in its own process group; kill the group with the block."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=variables,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_healthy(url: str, log: Path) -> None:
    def is_healthy() -> bool:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/health/", timeout=5):
            return True
        return False

    assert eventually(is_healthy), log.read_text()[-2000:]

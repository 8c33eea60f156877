"""Run gunicorn with its own folders, and send it requests as curl does."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.support.files import ROOT, files_in
from tests.support.network import free_port
from tests.support.waiting import PATIENCE_S, eventually

BOUNDARY = "chromi-boundary-7f3a"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def refusal(self) -> tuple[int, str]:
        return self.status, str(self.json.get("code", ""))


def form(data: bytes, filename: str, fields: Mapping[str, str]) -> bytes:
    """Return a multipart body; in the file name only quotes and backslashes are escaped."""
    parts = []
    for name, value in fields.items():
        parts.append(
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        )
    name = filename.replace("\\", "\\\\").replace('"', '\\"')
    parts.append(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="video"; filename="{name}"\r\n'
    )
    parts.append("Content-Type: video/mp4\r\n\r\n")
    head = "".join(parts).encode("utf-8", "surrogateescape")
    return head + data + f"\r\n--{BOUNDARY}--\r\n".encode()


@dataclass
class Live:
    """A running server; `folder` holds its media, cache, database and temporary files."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    cookie: str = ""
    kept: set[str] = field(default_factory=set)  # names in media/ that the tests put there

    @property
    def media(self) -> Path:
        return self.folder / "media"

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = PATIENCE_S,
    ) -> Answer:
        began = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        with contextlib.closing(connection):
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            read = response.read()
        return Answer(response.status, dict(response.getheaders()), read, time.monotonic() - began)

    def upload_headers(self) -> dict[str, str]:
        """Return the headers of a form: content type, CSRF cookie and token."""
        if not self.cookie:
            cookie = self.request("GET", "/").headers["Set-Cookie"]
            self.cookie = cookie.split("csrftoken=")[1].split(";")[0]
        return {
            "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
            "Cookie": f"csrftoken={self.cookie}",
            "X-CSRFToken": self.cookie,
        }

    def convert(
        self,
        data: bytes,
        filename: str = "clip.mp4",
        *,
        timeout: float = PATIENCE_S,
        headers: Mapping[str, str] | None = None,
        **fields: str,
    ) -> Answer:
        all_headers = {**self.upload_headers(), **(headers or {})}
        body = form(data, filename, fields)
        return self.request("POST", "/convert/", body, all_headers, timeout)

    def download(self, answer: Answer) -> bytes:
        got = self.request("GET", answer.json["converted_url"])
        assert got.status == 200, got
        return got.body

    def files(self) -> list[str]:
        """List the files in media/ and the temporary folder, except those in `kept`."""
        found = [
            f"{part}/{name}" for part in ("media", "tmp") for name in files_in(self.folder / part)
        ]
        return [name for name in found if Path(name).name not in self.kept]

    def unfinished(self) -> list[str]:
        """List the files without a link. (An interrupted download keeps its link.)"""
        return [name for name in self.files() if not name.startswith("media/converted/")]

    def workers(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children()

    def children(self) -> list[str]:
        """List the names of the processes that the gunicorn workers started."""
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.ppid() != self.process.pid:
                    found.append(process.name())
        return found

    def rss_mb(self) -> float:
        """Return the resident memory of the process tree, in MB (10^6 bytes)."""
        total, tree = 0, psutil.Process(self.process.pid)
        for process in [tree, *tree.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
        return total / 1e6

    def log(self) -> str:
        return (self.folder / "server.log").read_text(errors="replace")

    def settles(self) -> bool:
        """Wait until no file and no child process is left; return whether this happened."""
        return eventually(lambda: not self.files() and not self.children())


def environment(folder: Path, port: int, **settings: object) -> dict[str, str]:
    """Return the environment variables of a server with its files in `folder`."""
    for name in ("media", "tmp", "cache"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    clean = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    given = {
        "DJANGO_SETTINGS_MODULE": "tests.live_settings",
        "HOST": "127.0.0.1",
        "PORT": port,
        "SECRET_KEY": "tests",
        "MEDIA_ROOT": folder / "media",
        "CACHE_DIR": folder / "cache",
        "DATABASE_PATH": folder / "db.sqlite3",
        "TMPDIR": folder / "tmp",
        "HOME": folder,
        "MIN_FREE_DISK": 1,
        **settings,
    }
    return {**clean, **{name: str(value) for name, value in given.items()}}


@contextlib.contextmanager
def serve(folder: Path, **settings: object) -> Iterator[Live]:
    """Run a server on `folder` with these settings; stop it with the block."""
    port = free_port()
    with (folder / "server.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "chrome_background_converter.wsgi"],
            cwd=ROOT,
            env=environment(folder, port, **settings),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    live = Live(folder, port, process)
    try:
        assert eventually(lambda: _answers(live)), live.log()
        yield live
    finally:
        stop(live)


def _answers(live: Live) -> bool:
    assert live.process.poll() is None, live.log()
    try:
        return live.request("GET", "/health/", timeout=2).status in (200, 503)
    except OSError:
        return False


def stop(live: Live) -> None:
    """Kill the server's session with SIGKILL; other tests test SIGTERM."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(live.process.pid, signal.SIGKILL)
    live.process.wait()


class Listener:
    """Listen on a port that must never be called; `calls` has the received bytes."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self.calls: list[bytes] = []
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while True:
            try:
                caller, _ = self._socket.accept()
            except OSError:
                return
            with caller:
                caller.settimeout(1)
                with contextlib.suppress(OSError):
                    self.calls.append(caller.recv(200))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


class Memory:
    """Poll the process tree's memory every 20 ms; `peak_mb` in MB (10^6 bytes)."""

    def __init__(self, live: Live) -> None:
        self._live = live
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self.peak_mb = 0.0

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            self.peak_mb = max(self.peak_mb, self._live.rss_mb())

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()

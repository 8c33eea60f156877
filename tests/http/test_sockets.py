"""Tests that need real sockets: clients that stall, disconnect, or send invalid requests."""

import contextlib
import http.client
import json
import socket
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.test import RequestFactory

from converter.web import client_socket
from tests.support.ffmpeg import FEW_COLOURS
from tests.support.files import files_in
from tests.support.groups import WAITING
from tests.support.gunicorn import gunicorn
from tests.support.small import SLOW, SMALL
from tests.support.uploads import MP4_HEAD
from tests.support.waiting import PATIENCE_S, eventually

pytestmark = pytest.mark.xdist_group(WAITING)
BOUNDARY = "chromi"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Run a server that closes stalled connections after 1 s: (folder, host, port)."""
    folder = tmp_path_factory.mktemp("server")
    with gunicorn(folder, STALL_TIMEOUT="1", UPLOAD_TIMEOUT="3") as address:
        parts = urllib.parse.urlsplit(address)
        yield folder, str(parts.hostname), int(parts.port or 0)


def form(video: bytes) -> bytes:
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="video"; filename="a.mp4"\r\n'
        "Content-Type: video/mp4\r\n\r\n"
    )
    return head.encode() + video + f"\r\n--{BOUNDARY}--\r\n".encode()


def send_head(host: str, port: int, length: int, path: str = "/convert/") -> socket.socket:
    """Open a connection and send the head of a POST with a valid CSRF token."""
    token = "a" * 32
    client = socket.create_connection((host, port), timeout=PATIENCE_S)
    client.sendall(
        f"POST {path} HTTP/1.1\r\nHost: {host}:{port}\r\nCookie: csrftoken={token}\r\n"
        f"X-CSRFToken: {token}\r\nContent-Type: multipart/form-data; boundary={BOUNDARY}\r\n"
        f"Content-Length: {length}\r\n\r\n".encode()
    )
    return client


def answer(client: socket.socket) -> tuple[int, str]:
    """Read an error response; return (status, code)."""
    data = b""
    while chunk := client.recv(65536):
        data += chunk
        if b'"code": "' in data and data.rstrip().endswith(b"}"):
            break
    return int(data.split()[1]), data.split(b'"code": "')[1].split(b'"')[0].decode()


def health(address: str) -> dict:
    with urllib.request.urlopen(f"{address}/health/", timeout=PATIENCE_S) as response:
        return json.load(response)


def left(folder: Path) -> list[str]:
    return files_in(folder / "media")


def test_the_connection_of_a_stalled_client_is_closed(server):
    folder, host, port = server
    with send_head(host, port, 10_000) as client:
        client.sendall(form(MP4_HEAD)[:100])
        assert answer(client) == (408, "upload_stalled")
    assert eventually(lambda: left(folder) == [])


def test_a_slow_upload_does_not_block_other_conversions(server, clips):
    folder, host, port = server
    brief = clips("brief.mp4", "-f", "lavfi", "-i", f"{FEW_COLOURS}:d=0.2")
    with send_head(host, port, 1_000_000) as slow:
        slow.sendall(form(MP4_HEAD + bytes(200_000))[:-100])
        assert eventually(lambda: left(folder) != [])
        assert health(f"http://{host}:{port}")["busy"] is False
        body = form(brief.read_bytes())
        with send_head(host, port, len(body)) as client:
            client.settimeout(PATIENCE_S)
            client.sendall(body)
            response = http.client.HTTPResponse(client)
            response.begin()
            assert response.status == 200
            link = json.load(response)["converted_url"]
    urllib.request.urlopen(f"http://{host}:{port}{link}", timeout=PATIENCE_S).read()
    assert eventually(lambda: left(folder) == [])


@pytest.fixture
def connection() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection over TCP: (the client's socket, the server's)."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
        with client, server:
            yield client, server


def seconds_until_closed(connection, *, chunk: bytes, within_s: float) -> float:
    """Send a chunk every 50 ms under body_deadline; return after how many s reading ended."""
    client, server = connection
    request = RequestFactory().post("/convert/")
    request.META["gunicorn.socket"] = server
    server.settimeout(PATIENCE_S)
    ended = threading.Event()

    def send() -> None:
        while not ended.wait(0.05):
            client.sendall(chunk)

    began = time.monotonic()
    with ThreadPoolExecutor(1) as pool, client_socket.body_deadline(request, within_s=within_s):
        pool.submit(send)
        while time.monotonic() - began < PATIENCE_S and server.recv(1 << 16):
            pass
        ended.set()
    return time.monotonic() - began


def test_an_upload_below_the_least_rate_ends_after_the_grace_period(
    connection, settings, monkeypatch
):
    settings.STALL_TIMEOUT = 1
    monkeypatch.setattr(client_socket, "WATCH_S", 0.1)
    assert 1 < seconds_until_closed(connection, chunk=b"x", within_s=80) < 70


def test_an_upload_above_the_least_rate_ends_at_its_deadline(connection, settings, monkeypatch):
    settings.STALL_TIMEOUT = 0.5
    monkeypatch.setattr(client_socket, "WATCH_S", 0.1)
    assert 2 <= seconds_until_closed(connection, chunk=bytes(30_000), within_s=2) < 70


def test_the_connection_of_a_slow_client_is_closed(server):
    folder, host, port = server
    with send_head(host, port, 1_000_000) as client:
        client.sendall(form(MP4_HEAD)[:150])
        client.settimeout(0.3)
        until = time.monotonic() + PATIENCE_S  # far more than UPLOAD_TIMEOUT, which is 3 s
        while time.monotonic() < until:
            try:
                client.sendall(b"x")
                assert client.recv(1, socket.MSG_PEEK) != b""
            except TimeoutError:
                continue
            break
        assert time.monotonic() < until
        client.settimeout(PATIENCE_S)
        assert answer(client) == (408, "upload_stalled")
    assert eventually(lambda: left(folder) == [])


def test_an_incomplete_body_is_not_converted(server):
    folder, host, port = server
    body = form(MP4_HEAD + bytes(100_000))
    with send_head(host, port, len(body)) as client:
        client.sendall(body[:70_000])
        client.shutdown(socket.SHUT_WR)
        assert answer(client) == (408, "upload_stalled")
    assert eventually(lambda: left(folder) == [])


def test_a_client_that_disconnects_during_a_conversion_leaves_nothing(server, tiny_clip):
    folder, host, port = server
    body = form(tiny_clip.read_bytes())
    with send_head(host, port, len(body)) as client:
        client.sendall(body)
        assert eventually(lambda: len(list((folder / "media/work").glob("*/*"))) > 0)
    assert eventually(lambda: left(folder) == [])
    with send_head(host, port, 10**9) as client:
        assert answer(client) == (413, "too_large")


def test_a_chunked_upload_gets_length_required(server):
    _, host, port = server
    with socket.create_connection((host, port), timeout=PATIENCE_S) as client:
        head = f"POST /convert/ HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n"
        client.sendall(head.encode())
        assert answer(client) == (411, "length_required")


def answers_among_slow_bodies(server, path: str) -> bool:
    """Return whether /health/ answers before the first of ten slow bodies is closed as stalled."""
    _, host, port = server
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            client = stack.enter_context(send_head(host, port, 10_000, path))
            client.sendall(form(MP4_HEAD)[:150])
        time.sleep(0.3)
        began = time.monotonic()
        health(f"http://{host}:{port}")
        return time.monotonic() - began < 0.5  # STALL_TIMEOUT is 1 s


@pytest.mark.parametrize("path", ["/admin/login/", "/health/", "/", "/no/such/page/"])
def test_slow_bodies_on_other_urls_do_not_block_the_site(server, path):
    folder, _, _ = server
    assert eventually(lambda: answers_among_slow_bodies(server, path))
    assert eventually(lambda: left(folder) == [])


def test_clients_that_never_read_a_response_do_not_block_the_site(server):
    _, host, port = server
    script = "/static/admin/js/vendor/xregexp/xregexp.js"  # 325 KB each
    page = f"GET {script} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
    with contextlib.ExitStack() as stack:
        for _ in range(10):
            client = stack.enter_context(socket.socket())
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect((host, port))
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.send(page * 60)
        time.sleep(1)
        assert eventually(lambda: answers_soon(f"http://{host}:{port}"))


def answers_soon(address: str) -> bool:
    with contextlib.suppress(OSError):
        urllib.request.urlopen(f"{address}/health/", timeout=1).close()
        return True
    return False


def test_the_admin_refuses_large_forms(server):
    _, host, port = server
    with send_head(host, port, 10**7, "/admin/login/") as client:
        assert answer(client) == (413, "too_large")


def test_a_client_cannot_inject_log_lines(server):
    folder, host, port = server
    with socket.create_connection((host, port), timeout=PATIENCE_S) as client:
        client.sendall(f"GET /a%0aGET%20/forged%20200 HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert answer(client) == (404, "not_found")
    log = folder / "gunicorn.log"
    assert eventually(lambda: "GET /a GET /forged 200 404" in log.read_text())


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("garbage", 400),
        ("POST /convert/ HTTP/1.1\r\nHost: a\r\nContent-Length: -5", 400),
        ("POST /convert/ HTTP/1.1\r\nHost: a\r\nContent-Length: " + "9" * 5000, 400),
        ("POST /convert/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip", 400),
        ("GET /" + "a" * 5000 + " HTTP/1.1\r\nHost: a", 414),
        ("GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + "a" * 9000, 431),
    ],
    ids=["garbage", "negative", "digits", "gzip", "address", "field"],
)
def test_an_invalid_request_head_gets_a_json_error(server, head, status):
    _, host, port = server
    with socket.create_connection((host, port), timeout=PATIENCE_S) as client:
        client.sendall(head.encode() + b"\r\n\r\n")
        assert answer(client) == (status, "invalid_field")


def test_a_worker_is_not_replaced_while_it_converts(tmp_path, clips):
    clip = clips("two.mp4", "-f", "lavfi", "-i", f"{FEW_COLOURS}:d=2")
    few = "--max-requests 20 --max-requests-jitter 0"
    with gunicorn(tmp_path, GUNICORN_CMD_ARGS=few, **SMALL, **SLOW) as address:
        for _ in range(18):
            health(address)
        parts = urllib.parse.urlsplit(address)
        body = form(clip.read_bytes())
        with send_head(str(parts.hostname), int(parts.port or 0), len(body)) as client:
            client.sendall(body)
            assert eventually(lambda: health(address)["busy"])
            answers = 0
            while health(address)["busy"]:
                answers += 1
                time.sleep(0.2)
            client.settimeout(PATIENCE_S)
            assert client.recv(100).startswith(b"HTTP/1.1 200")
        replaced = (tmp_path / "gunicorn.log").read_text
        assert eventually(lambda: "a new worker takes over" in replaced())
        # A worker that stops answers one of these requests at most, when it has converted.
        assert answers > 3

"""Many clients at once, some of which stall: the server stays responsive to the others."""

import contextlib
import itertools
import re
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.groups import WAITING
from tests.support.health_poller import (
    HealthPoller,
    check_latency,
    poll_health,
    retried_if_slow,
)
from tests.support.live import BOUNDARY, Live, form, serve
from tests.support.small import BRIEF, SMALL
from tests.support.waiting import PATIENCE_S, eventually

pytestmark = pytest.mark.xdist_group(WAITING)

CLIENTS, LATE_CLIENTS = 20, 10
BUSY_S = 1.0
STALL_S = 2
CLAIMED_BYTES = 50_000_000
WHOLE_ANSWER = re.compile(rb'"code": "(\w+)"}')


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> Iterator[Live]:
    with serve(tmp_path_factory.mktemp("live"), **BRIEF, STALL_TIMEOUT=STALL_S) as live:
        yield live


@pytest.fixture(scope="module")
def idle(tmp_path_factory) -> Iterator[Live]:
    """Run a server without load: its latency is that of the machine."""
    with serve(tmp_path_factory.mktemp("idle"), **BRIEF) as idle:
        yield idle


def begin_upload(live: Live, sent: bytes) -> socket.socket:
    """Open a connection that announces CLAIMED_BYTES and sends only `sent`."""
    headers = {**live.upload_headers(), "Content-Length": str(CLAIMED_BYTES), "Host": "localhost"}
    head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    client = socket.create_connection(("127.0.0.1", live.port), timeout=PATIENCE_S)
    client.sendall(f"POST /convert/ HTTP/1.1\r\n{head}\r\n".encode() + sent)
    return client


def read_all(client: socket.socket) -> bytes:
    """Read until the answer is complete or the connection is closed or reset."""
    got = b""
    with contextlib.suppress(OSError):
        while not WHOLE_ANSWER.search(got) and (chunk := client.recv(65536)):
            got += chunk
    return got


@retried_if_slow
def test_one_of_twenty_uploads_converts_and_the_others_get_busy(
    live, idle, six_seconds, record_property
):
    live.upload_headers()
    gate = threading.Barrier(CLIENTS)

    def upload(number: int):
        gate.wait()
        return live.convert(six_seconds)

    with (
        poll_health(live, idle, record_property, "20 uploads") as other,
        ThreadPoolExecutor(CLIENTS) as pool,
    ):
        answers = list(pool.map(upload, range(CLIENTS)))
        [converted] = [a for a in answers if a.status == 200]
        live.download(converted)
    refused = [a for a in answers if a.status == 503]
    assert sorted(a.status for a in answers) == [200] + [503] * (CLIENTS - 1)
    assert {a.json["code"] for a in refused} == {"busy"}
    assert all(int(a.headers["Retry-After"]) > 0 for a in refused)
    check_latency(max(a.seconds for a in refused), limit=BUSY_S, idle=max(other.took_s))


@retried_if_slow
def test_busy_is_answered_before_the_upload_is_read(live, idle, six_seconds):
    live.upload_headers()
    took_s = []
    with ThreadPoolExecutor(1) as pool, HealthPoller(idle) as other:
        running = pool.submit(live.convert, six_seconds)
        assert eventually(lambda: live.request("GET", "/health/").json["busy"])
        for _ in range(LATE_CLIENTS):
            began = time.monotonic()
            with begin_upload(live, b"--" + BOUNDARY.encode()) as client:
                answer = read_all(client)
            took_s.append(time.monotonic() - began)
            assert answer.startswith(b"HTTP/1.1 503")
            assert WHOLE_ANSWER.findall(answer) == [b"busy"]
        live.download(running.result())
    check_latency(max(took_s), limit=BUSY_S, idle=max(other.took_s))


@retried_if_slow
def test_six_stalled_uploads_do_not_slow_health_and_are_closed(live, idle, short, record_property):
    half = form(short + bytes(100_000), "clip.mp4", {})[:-200]
    live.upload_headers()
    with poll_health(live, idle, record_property, "6 stalled uploads"):
        began = time.monotonic()
        clients = [begin_upload(live, half) for _ in range(6)]
        answers = [read_all(client) for client in clients]
        took = time.monotonic() - began
        for client in clients:
            client.close()
    codes = sorted(code for answer in answers for code in WHOLE_ANSWER.findall(answer))
    assert codes == [b"busy"] * 2 + [b"upload_stalled"] * 4  # four may upload at a time
    assert took > STALL_S * 0.9
    assert live.settles(), (live.files(), live.children())
    live.download(live.convert(short))


@retried_if_slow
def test_forty_incomplete_request_heads_use_no_thread_and_are_closed(live, idle, record_property):
    halves = [b"", b"GET /health/ HT", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "]
    with (
        poll_health(live, idle, record_property, "40 incomplete heads"),
        contextlib.ExitStack() as stack,
    ):
        clients = [
            stack.enter_context(
                socket.create_connection(("127.0.0.1", live.port), timeout=PATIENCE_S)
            )
            for _ in range(40)
        ]
        for client, half in zip(clients, itertools.cycle(halves), strict=False):
            client.sendall(half)
        assert [read_all(client) for client in clients] == [b""] * 40


@retried_if_slow
def test_a_thousand_incomplete_request_heads_do_not_delay_health(live, idle):
    with contextlib.ExitStack() as stack:
        for half in itertools.islice(itertools.cycle([b"", b"GET /health/ HT"]), 1200):
            client = socket.create_connection(("127.0.0.1", live.port), timeout=PATIENCE_S)
            stack.enter_context(client).sendall(half)
        took = live.request("GET", "/health/", timeout=PATIENCE_S).seconds
        idle_took = idle.request("GET", "/health/", timeout=PATIENCE_S).seconds
    check_latency(took, limit=1.0, idle=idle_took)


@retried_if_slow
def test_clients_that_never_close_do_not_block_others(live, idle, record_property):
    with (
        poll_health(live, idle, record_property, "20 open connections"),
        contextlib.ExitStack() as stack,
    ):
        for _ in range(20):
            client = socket.create_connection(("127.0.0.1", live.port), timeout=PATIENCE_S)
            stack.enter_context(client).sendall(b"GET /health/ HTTP/1.0\r\n\r\n")
        time.sleep(3)  # longer than gunicorn waits for a client to close


@retried_if_slow
def test_three_unread_downloads_are_closed_and_their_links_work_again(
    live, idle, issue_links, record_property
):
    # As many as one process sends at a time.
    tokens = issue_links(live, *[30_000_000] * 3)
    try:
        with (
            poll_health(live, idle, record_property, "3 unread downloads"),
            contextlib.ExitStack() as stack,
        ):
            for token in tokens:
                client = socket.create_connection(("127.0.0.1", live.port), timeout=PATIENCE_S)
                stack.enter_context(client).sendall(
                    f"GET {link(token)} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
                )
                # Wait until this transfer has begun: its key will be restored in STALL_S.
                assert eventually(lambda token=token: status(live, token) == 404)

            def all_back() -> bool:
                return all(status(live, token) == 200 for token in tokens)

            assert eventually(all_back)
    finally:
        # Read after polling, because reading so much delays the poller's thread. Read even if
        # polling failed, so that the next try starts without files.
        lengths = [len(live.request("GET", link(token)).body) for token in tokens]
    assert lengths == [30_000_006] * 3
    assert eventually(lambda: live.files() == [])


def link(token: str) -> str:
    return f"/download/{token}/"


def status(live: Live, token: str) -> int:
    return live.request("HEAD", link(token)).status


@pytest.mark.parametrize("rounds", [32, pytest.param(1000, marks=pytest.mark.long)])
@pytest.mark.timeout(3600)
def test_good_bad_and_aborted_requests_cause_no_memory_growth(
    rounds, tmp_path, short, record_property
):
    with serve(tmp_path, **SMALL, STALL_TIMEOUT=STALL_S) as live:
        kinds = [
            lambda: live.download(live.convert(short)),
            lambda: live.convert(b"junk" * 1000),
            lambda: live.convert(b"\0\0\0\x18ftypisom" + bytes(200)),
            lambda: begin_upload(live, b"--" + BOUNDARY.encode()).close(),
            lambda: begin_upload(live, form(short, "clip.mp4", {})[:-60]).close(),
            lambda: live.request("GET", "/"),
            lambda: live.request("GET", "/download/00000000-0000-4000-8000-000000000000/"),
            lambda: abort_download(live, short),
        ]
        for kind in kinds * 2:
            kind_done(live, kind)
        before = measure(live)
        for number in range(rounds):
            kind_done(live, kinds[number % len(kinds)])
        after = measure(live)
        record_property("growth", [round(b - a, 1) for a, b in zip(before, after, strict=True)])
        assert after[0] - before[0] < 30  # MB
        assert after[1] - before[1] <= 2  # open files
        assert live.children() == []
        assert live.unfinished() == []


def kind_done(live: Live, kind) -> None:
    """Run `kind`, and wait until the server is no longer busy."""
    kind()
    assert eventually(lambda: not live.request("GET", "/health/").json["busy"])


def abort_download(live: Live, clip: bytes) -> None:
    """Read the first bytes of a download, disconnect, then download the file."""
    answer = live.convert(clip)
    path = answer.json["converted_url"]
    with socket.create_connection(("127.0.0.1", live.port), timeout=PATIENCE_S) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        client.recv(10)
    live.request("GET", path)


def measure(live: Live) -> tuple[float, int]:
    """Return the resident memory in MB and the open files of the idle workers."""
    assert eventually(lambda: not live.children())
    descriptors = sum(worker.num_fds() for worker in live.workers())
    return live.rss_mb(), descriptors

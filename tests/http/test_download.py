"""One-time downloads, with Django's test client and over real sockets."""

import errno
import http.client
import os
import socket
import threading
import time
import urllib.parse
import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.test import Client

from converter import downloads, storage
from tests.support.files import files_in
from tests.support.gunicorn import gunicorn
from tests.support.links import issue
from tests.support.uploads import PICTURE, clip_file
from tests.support.waiting import PATIENCE_S, eventually

BIG = b"GIF89a" + bytes(8_000_000)


def test_a_link_gives_the_file_once(client, media_root):
    url = issue()
    response = client.get(url)
    assert b"".join(response.streaming_content) == PICTURE
    response.close()
    headers = ("Content-Type", "Content-Length", "Content-Disposition", "Cache-Control")
    assert [response.headers[name] for name in (*headers, "X-Robots-Tag", "Accept-Ranges")] == [
        "image/gif",
        str(len(PICTURE)),
        'attachment; filename="a.gif"',
        "no-store",
        "noindex",
        "none",
    ]
    assert client.get(url).status_code == 404
    assert files_in(media_root) == []


def test_each_token_has_a_key_and_a_file_of_its_own(media_root):
    tokens = [downloads.issue(f"{n}.gif", filename="a.gif", content_type="x") for n in range(3)]
    assert [cache.get(f"dl:{token}")["name"] for token in tokens] == ["0.gif", "1.gif", "2.gif"]
    found = [downloads.redeem(token) for token in reversed(tokens)]
    assert [download.name for download in found] == ["2.gif", "1.gif", "0.gif"]
    assert [downloads.redeem(token) for token in tokens] == [None] * 3


def test_head_and_prefetch_do_not_use_up_the_link(client, media_root):
    url = issue()
    head = client.head(url)
    prefetch = client.get(url, headers={"Sec-Purpose": "prefetch;prerender"})
    assert (head.status_code, head.headers["Content-Length"]) == (200, str(len(PICTURE)))
    assert (prefetch.status_code, prefetch.content) == (204, b"")
    assert b"".join(client.get(url).streaming_content) == PICTURE


def test_an_interrupted_transfer_restores_the_key(client, media_root):
    url = issue()
    response = client.get(url)
    next(iter(response.streaming_content))
    response.close()
    assert b"".join(client.get(url).streaming_content) == PICTURE


@pytest.mark.parametrize("error", [errno.EMFILE, errno.EACCES, errno.ETIMEDOUT])
def test_a_file_that_cannot_be_opened_now_keeps_its_link(client, media_root, monkeypatch, error):
    url = issue()
    client.raise_request_exception = False

    def fail(name):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(downloads.default_storage, "open", fail)
    assert client.get(url).status_code == 500
    monkeypatch.undo()
    assert b"".join(client.get(url).streaming_content) == PICTURE


def test_a_revoked_token_is_never_valid_again(media_root, monkeypatch):
    token = downloads.issue("a.gif", filename="a.gif", content_type="image/gif")
    download = downloads.redeem(token)
    downloads.revoke(token)
    written = []
    spy = SimpleNamespace(get=cache.get, set=lambda *given: written.append(given))
    monkeypatch.setattr(downloads, "cache", spy)
    assert (downloads.restore(token, download), written) == (False, [])


def test_an_interrupted_transfer_after_a_cancel_does_not_restore_the_key(
    client, media_root, converted
):
    job = str(uuid.uuid4())
    answer = client.post("/convert/", {"video": clip_file(), "job_id": job}).json()
    response = client.get(answer["converted_url"])
    next(iter(response.streaming_content))
    assert client.delete(f"/jobs/{job}/").json()["status"] == "canceled"
    response.close()
    assert client.get(answer["converted_url"]).status_code == 404
    assert files_in(media_root) == []


def test_a_link_expires(client, media_root, settings):
    settings.DOWNLOAD_TTL = 0.05
    url = issue()
    time.sleep(0.1)
    assert client.get(url).status_code == 404
    assert storage.purge_expired() == 1
    assert files_in(media_root.parent) == []


def test_a_key_is_restored_for_its_remaining_time_and_never_after_it(monkeypatch):
    kept = []
    cache_of_tests = SimpleNamespace(
        set=lambda key, value, left: kept.append((key, left)), get=lambda key: None
    )
    monkeypatch.setattr(downloads, "cache", cache_of_tests)
    monkeypatch.setattr(downloads, "time", SimpleNamespace(time=lambda: 1000.0))
    for left in (60.0, 0.5, 0.0, -0.5):
        download = downloads.Download(
            name="x.gif", filename="a.gif", content_type="image/gif", expires_at=1000.0 + left
        )
        downloads.restore("token", download)
    assert kept == [("dl:token", 60.0), ("dl:token", 0.5)]


def test_a_link_whose_file_is_missing_is_expired(client, media_root):
    url = issue()
    for path in (media_root / "converted").iterdir():
        path.unlink()
    assert client.get(url).json()["code"] == "expired"


@pytest.mark.parametrize("readers", [50])
def test_exactly_one_of_many_concurrent_readers_wins(media_root, readers):
    for _ in range(20):
        token = issue().split("/")[2]
        barrier = threading.Barrier(readers)
        won = []

        def race(token=token, barrier=barrier, won=won) -> None:
            barrier.wait()
            if downloads.redeem(token):
                won.append(1)

        threads = [threading.Thread(target=race) for _ in range(readers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert won == [1]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    with gunicorn(folder) as address:
        yield folder, urllib.parse.urlsplit(address).netloc


@pytest.fixture
def link(server, settings) -> tuple[Path, str, str]:
    """Issue a link in the running server's cache and media folder: (media, host:port, path)."""
    folder, host = server
    settings.MEDIA_ROOT = folder / "media"
    settings.CACHES = {
        "default": {
            "BACKEND": "django.core.cache.backends.filebased.FileBasedCache",
            "LOCATION": str(folder / "cache"),
        }
    }
    return folder / "media", host, issue(BIG)


def get(host: str, path: str, method: str = "GET") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(host, timeout=PATIENCE_S)
    try:
        connection.request(method, path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_one_of_twelve_concurrent_requests_gets_the_file(link):
    media, host, path = link
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(get(host, path)[0])) for _ in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] + [404] * 11
    assert eventually(lambda: files_in(media) == [])


def test_get_works_after_head(link):
    _, host, path = link
    assert get(host, path, "HEAD") == (200, b"")
    assert get(host, path) == (200, BIG)


def test_get_works_after_a_transfer_cut_off_at_64_kib(link):
    media, host, path = link
    name, port = host.split(":")
    with socket.create_connection((name, int(port))) as client:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        left = 65536
        while left > 0:
            left -= len(client.recv(left))
    assert eventually(lambda: get(host, path, "HEAD")[0] == 200)
    assert get(host, path) == (200, BIG)
    assert eventually(lambda: files_in(media) == [])


def test_the_media_folder_is_not_served(client: Client, media_root):
    issue()
    name = files_in(media_root)[0]
    assert client.get(f"/media/{name}").status_code == 404

"""The sweep removes expired and abandoned files, even if the disk or the cache fails."""

import errno
import importlib.util
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.files.storage import Storage
from django.core.management import call_command

from converter import broker, health, storage
from tests.support.files import ROOT, files_in
from tests.support.links import issue


@pytest.fixture
def expired(media_root, settings):
    """Issue a link whose file expired one second ago."""
    issue()
    (name,) = files_in(media_root)
    old = time.time() - settings.DOWNLOAD_TTL - 1
    os.utime(media_root / name, (old, old))


def test_the_file_is_removed_when_its_link_expires(media_root, expired):
    issue()  # a link that has not expired
    storage.sweep_if_due()
    assert len(files_in(media_root)) == 1


def test_purge_media_prints_how_many_files_it_removed(media_root, expired, capsys):
    issue()
    call_command("purge_media")
    assert capsys.readouterr().out == "1 removed\n"
    assert len(files_in(media_root)) == 1


def test_a_file_is_kept_until_its_link_expires_whatever_its_age(media_root, tmp_path):
    gif = tmp_path / "written-before-the-theme.gif"
    gif.write_bytes(b"GIF89a")
    os.utime(gif, (0, 0))
    kept = storage.store(gif, folder=storage.CONVERTED)
    storage.sweep_if_due()
    assert files_in(media_root) == [kept]


def test_a_file_that_cannot_be_removed_is_logged_and_skipped(
    media_root, expired, monkeypatch, caplog
):
    (first,) = files_in(media_root)
    issue()
    for name in files_in(media_root):
        os.utime(media_root / name, (0, 0))
    unlink = Path.unlink

    def refuse(path, **options):
        if path.name == Path(first).name:
            raise PermissionError(errno.EPERM, "Operation not permitted")
        unlink(path, **options)

    monkeypatch.setattr(Path, "unlink", refuse)
    assert storage.purge_expired() == 1
    assert files_in(media_root) == [first]
    assert Path(first).name in caplog.text


class RefusingBucket(Storage):
    """A storage that can't be listed and refuses to delete one name."""

    def __init__(self) -> None:
        self.deleted: list[str] = []

    def delete(self, name: str) -> None:
        if name == "uploads/refused.mp4":
            raise PermissionError("AccessDenied")
        self.deleted.append(name)


def test_a_bucket_that_refuses_to_delete_stops_neither_the_sweep_nor_a_job(
    media_root, monkeypatch, caplog
):
    bucket, postponed = RefusingBucket(), {}
    names = ["uploads/refused.mp4", "converted/old.gif"]
    monkeypatch.setattr(storage, "default_storage", bucket)
    monkeypatch.setattr(broker, "expired", lambda: names)
    monkeypatch.setattr(broker, "unregister", names.remove)
    monkeypatch.setattr(broker, "register", lambda name, after_s: postponed.update({name: after_s}))
    assert storage.purge_expired() == 1
    assert (bucket.deleted, postponed) == (
        ["converted/old.gif"],
        {"uploads/refused.mp4": storage.RETRY_S},
    )
    assert storage.discard("uploads/refused.mp4") is False  # what a finished job calls
    assert "uploads/refused.mp4" in caplog.text


def test_an_upload_that_waits_again_lives_as_long_again(media_root, tmp_path, settings):
    video = tmp_path / "a.mp4"
    video.write_bytes(b"video")
    upload = storage.store(video, folder=storage.UPLOADS)
    long_ago = time.time() - settings.QUEUE_TTL - settings.CONVERSION_TIMEOUT - 1
    os.utime(media_root / upload, (long_ago, long_ago))
    storage.reset_age(upload)
    storage.purge_expired()
    assert files_in(media_root) == [upload]


def test_the_sweep_runs_once_a_minute(media_root, expired):
    storage.sweep_if_due()
    issue()
    (name,) = files_in(media_root)
    os.utime(media_root / name, (0, 0))
    storage.sweep_if_due()
    assert files_in(media_root) == [name]


def test_a_full_disk_is_swept(media_root, expired, monkeypatch):
    def full(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("django.core.cache.backends.filebased.FileBasedCache.add", full)
    storage.sweep_if_due()
    assert files_in(media_root) == []


def test_the_sweep_removes_only_files_that_no_process_has_locked(media_root):
    work = storage.work_folder()
    with storage.locked_file() as upload, storage.workspace() as folder:
        (work / "left.upload").touch()
        storage.purge_expired()
        assert {str(entry) for entry in work.iterdir()} == {upload.name, str(folder)}
    assert list(work.iterdir()) == []


def test_an_entry_that_cannot_be_opened_does_not_stop_the_sweep(media_root, expired):
    (storage.work_folder() / "a-loop").symlink_to("a-loop")
    storage.sweep_if_due()
    assert files_in(media_root) == []


def test_the_sweep_of_the_server_continues_after_a_failure(caplog):
    spec = importlib.util.spec_from_file_location("conf", ROOT / "gunicorn.conf.py")
    conf = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(conf)

    def sweep():
        raise OSError(errno.ENOSPC, "No space left on device")

    conf.log_failure_of(sweep)
    assert [r.getMessage().split(":")[0] for r in caplog.records] == ["sweep"]


def test_the_health_check_file_is_not_swept(media_root):
    """The sweep must remove neither the file nor the cache key that /health/ writes."""
    wrong, done = set(), threading.Event()

    def ask() -> None:
        while not done.is_set():
            wrong.add(health.failing())

    with ThreadPoolExecutor(2) as pool:
        asking = [pool.submit(ask), pool.submit(ask)]
        until = time.monotonic() + 1
        while time.monotonic() < until:
            storage.purge_expired()
        done.set()
        for one in asking:
            one.result()
    assert wrong == {None}
    assert files_in(media_root) == []

"""Where files are: private work/ while somebody works on them, then uploads/ and converted/.

work/ is always a local folder. Whoever works there holds a lock (flock) on his entry; the kernel
lets go of it when the process dies, however it dies, and the sweep removes what nobody holds.
uploads/ (waiting for a worker) and converted/ (waiting for their download) are in Django's default
storage; only its open, save, size and delete are used.
"""

import contextlib
import fcntl
import os
import shutil
import socket
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.cache import cache
from django.core.files.base import ContentFile, File
from django.core.files.storage import FileSystemStorage, default_storage

from converter import broker

UPLOADS, CONVERTED, WORK = "uploads", "converted", "work"
COPY_BYTES = 1 << 20
SWEEP_INTERVAL_S = 55


def work_folder() -> Path:
    """The local folder for unfinished files; made, and open to nobody else, when missing."""
    folder = Path(settings.MEDIA_ROOT) / WORK
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


@contextlib.contextmanager
def _gate(mode: int) -> Iterator[Path]:
    """work/ for the block: with LOCK_SH to make and lock an entry, with LOCK_EX to sweep.

    So no sweep falls between the making and the locking.
    """
    folder = work_folder()
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, mode)
        yield folder
    finally:
        os.close(descriptor)


def _is_free(descriptor: int) -> bool:
    """Whether nobody held the open entry; then we do."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def locked_file() -> IO[bytes]:
    """A new temporary file in work/, removed when closed, or by the next sweep if we are killed."""
    with _gate(fcntl.LOCK_SH) as folder:
        file = tempfile.NamedTemporaryFile(suffix=".upload", dir=folder)  # noqa: SIM115
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
    return file


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """A private folder in work/, gone with the block, or with the next sweep if we are killed."""
    with _gate(fcntl.LOCK_SH) as parent:
        folder = Path(tempfile.mkdtemp(dir=parent))
        descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


class _Finished(File):  # type: ignore[type-arg]
    """A file that the storage may move instead of copying it."""

    def temporary_file_path(self) -> str:
        return str(self.name)


def store(path: Path, *, folder: str) -> str:
    """Move the finished file at `path` into the storage; its name there."""
    name = f"{folder}/{uuid.uuid4()}{path.suffix}"
    os.utime(path)  # its life begins now: a theme may have been made since the GIF was written
    if not is_local():
        broker.will_expire(name, after_s=_lifetime_s(folder))
    with path.open("rb") as file:
        return default_storage.save(name, _Finished(file, name=str(path)))


def is_local() -> bool:
    """Whether the sweep can see the stored files and their age for itself."""
    return isinstance(default_storage, FileSystemStorage)


def verify_storage() -> None:
    """Store, read and remove a file; raises whatever the storage does."""
    name = default_storage.save(f"{UPLOADS}/{uuid.uuid4()}.check", ContentFile(b"check"))
    try:
        with default_storage.open(name) as file:
            file.read()
    finally:
        default_storage.delete(name)


def _lifetime_s(folder: str) -> float:
    """How long a file may be wanted: a link's life, or the longest wait for a worker."""
    if folder == CONVERTED:
        return float(settings.DOWNLOAD_TTL)
    return float(settings.QUEUE_TTL + settings.CONVERSION_TIMEOUT)


@contextlib.contextmanager
def local_copy(name: str) -> Iterator[Path]:
    """The stored file as a local one in a workspace of its own, gone with the block."""
    with workspace() as folder:
        path = folder / f"upload{Path(name).suffix}"
        with default_storage.open(name) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target, COPY_BYTES)
        yield path


def discard(name: str) -> None:
    """Remove a stored file; no matter if it is gone already."""
    default_storage.delete(name)
    if not is_local():
        broker.is_gone(name)


def working() -> int:
    """How many folders in work/ are locked: without USE_RQ, the running conversions."""
    held = 0
    for entry in work_folder().iterdir():
        with contextlib.suppress(OSError):  # removed just now
            descriptor = os.open(entry, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                held += 1
            finally:
                os.close(descriptor)
    return held


def count(folder: str) -> int:
    """How many files are stored in UPLOADS or CONVERTED."""
    if not is_local():
        return broker.expiring(f"{folder}/")
    local = Path(settings.MEDIA_ROOT) / folder
    return sum(1 for _ in local.iterdir()) if local.is_dir() else 0


def free_bytes() -> int:
    """Free space on the disk that work/ is on."""
    return shutil.disk_usage(work_folder()).free


def sweep_if_due() -> None:
    """Call `purge_expired`, at most once a minute over all processes of this machine."""
    with contextlib.suppress(*broker.errors()):  # the next sweep will do
        try:
            is_due = cache.add(f"swept:{socket.gethostname()}", 1, SWEEP_INTERVAL_S)
        except OSError:  # the disk is full: all the more reason to sweep
            is_due = True
        if is_due:
            purge_expired()


def purge_expired() -> int:
    """Delete expired cache entries and files; return the number of files.

    In work/: what no living process has locked. In converted/: older than a link lives. In
    uploads/: older than the longest wait for a worker. Other storages than local ones cannot be
    listed: broker.py keeps a list of their names.
    """
    purge_cache = getattr(cache, "purge_expired", None)  # Redis deletes expired keys by itself
    if purge_cache is not None:
        purge_cache()
    return _purge_unheld() + (
        _purge_older(CONVERTED) + _purge_older(UPLOADS) if is_local() else _purge_listed()
    )


def _purge_unheld() -> int:
    removed = 0
    with _gate(fcntl.LOCK_EX) as folder:
        for entry in folder.iterdir():
            with contextlib.suppress(OSError):  # removed by its owner just now, or not ours
                descriptor = os.open(entry, os.O_RDONLY)
                try:
                    if _is_free(descriptor):
                        _remove(entry)
                        removed += 1
                finally:
                    os.close(descriptor)
    return removed


def _purge_listed() -> int:
    names = broker.expired()
    for name in names:
        discard(name)
    return len(names)


def _purge_older(folder: str) -> int:
    local = Path(settings.MEDIA_ROOT) / folder
    removed = 0
    for entry in local.iterdir() if local.is_dir() else ():
        with contextlib.suppress(OSError):
            if time.time() - entry.stat().st_mtime > _lifetime_s(folder):
                _remove(entry)
                removed += 1
    return removed


def _remove(entry: Path) -> None:
    if entry.is_dir():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        entry.unlink(missing_ok=True)

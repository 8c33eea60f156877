"""Files: in work/ while they are written, then in uploads/ and converted/; and their removal.

work/ is always a local folder. A process locks (flock) its entry there; the kernel unlocks it when
the process ends, however it ends, and the sweep removes what is not locked. uploads/ (waiting for
a worker) and converted/ (waiting for their download) are in Django's default storage, of which
only open, save, size and delete are used.

Removing never raises: an item that can't be removed is logged and skipped, and tried again later.
"""

import contextlib
import fcntl
import logging
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

log = logging.getLogger(__name__)

UPLOADS, CONVERTED, WORK = "uploads", "converted", "work"
COPY_BYTES = 1 << 20
SWEEP_INTERVAL_S = 55
# A sweep of a bucket ends after so long; the next one goes on. What the bucket refuses to delete
# is tried again after RETRY_S.
SWEEP_S, RETRY_S = 10, 3600


def work_folder() -> Path:
    """The local folder for unfinished files; made, and open to nobody else, when missing."""
    folder = Path(settings.MEDIA_ROOT) / WORK
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


@contextlib.contextmanager
def _gate(mode: int) -> Iterator[Path]:
    """Lock work/ for the block: with LOCK_SH to make and lock an entry, with LOCK_EX to sweep.

    So no sweep comes between making and locking.
    """
    folder = work_folder()
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, mode)
        yield folder
    finally:
        os.close(descriptor)


def _is_free(descriptor: int) -> bool:
    """Lock the open entry if no process holds it; return whether that was so."""
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


def discard(name: str) -> bool:
    """Remove a stored file, which may be gone already; return whether it is gone now."""
    try:
        default_storage.delete(name)
        if not is_local():
            broker.is_gone(name)
    except Exception as error:
        log.warning("can't remove %s: %r", name, error)
        return False
    return True


def keep_longer(name: str) -> None:
    """Let the life of a stored file begin again now: its job waits once more."""
    folder = name.partition("/")[0]
    if not is_local():
        broker.will_expire(name, after_s=_lifetime_s(folder))
        return
    with contextlib.suppress(OSError):  # gone already: the job will say so
        os.utime(Path(settings.MEDIA_ROOT) / name)


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
    try:
        is_due = cache.add(f"swept:{socket.gethostname()}", 1, SWEEP_INTERVAL_S)
    except broker.errors():  # the next sweep will do
        return
    except OSError:  # the disk is full: all the more reason to sweep
        is_due = True
    if is_due:
        purge_expired()


def purge_expired() -> int:
    """Delete expired cache entries and files; return the number of files. Never raises.

    In work/: what no living process has locked. In converted/: older than a link lives. In
    uploads/: older than the longest wait for a worker. Other storages than local ones can't be
    listed: broker.py keeps a list of their names.
    """
    removed = 0
    for purge in (
        _purge_cache,
        _purge_unheld,
        *((_purge_converted, _purge_uploads) if is_local() else (_purge_listed,)),
    ):
        try:
            removed += purge()
        except Exception as error:
            log.warning("%s: %r", purge.__name__.strip("_"), error)
    return removed


def _purge_cache() -> int:
    purge = getattr(cache, "purge_expired", None)  # Redis deletes expired keys by itself
    if purge is not None:
        purge()
    return 0  # entries are no files


def _purge_unheld() -> int:
    with _gate(fcntl.LOCK_EX) as folder:
        return sum(_remove(entry) for entry in folder.iterdir() if not _is_held(entry))


def _is_held(entry: Path) -> bool:
    """Whether a process has locked the entry; one that can't be opened counts as locked."""
    try:
        descriptor = os.open(entry, os.O_RDONLY)
    except FileNotFoundError:  # its owner removed it just now
        return True
    except OSError as error:
        log.warning("can't open %s: %r", entry.name, error)
        return True
    try:
        return not _is_free(descriptor)
    finally:
        os.close(descriptor)


def _purge_listed() -> int:
    removed, began = 0, time.monotonic()
    for name in broker.expired():
        if time.monotonic() - began > SWEEP_S:
            break
        if discard(name):
            removed += 1
        else:
            broker.will_expire(name, after_s=RETRY_S)
    return removed


def _purge_converted() -> int:
    return _purge_older(CONVERTED)


def _purge_uploads() -> int:
    return _purge_older(UPLOADS)


def _purge_older(folder: str) -> int:
    local = Path(settings.MEDIA_ROOT) / folder
    entries = list(local.iterdir()) if local.is_dir() else []
    return sum(_remove(entry) for entry in entries if _age_s(entry) > _lifetime_s(folder))


def _age_s(entry: Path) -> float:
    """s since the entry was written; 0 when it is gone."""
    try:
        return time.time() - entry.stat().st_mtime
    except OSError:
        return 0.0


def _remove(entry: Path) -> bool:
    """Remove a file or folder; return whether that worked."""
    try:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink(missing_ok=True)
    except OSError as error:
        log.warning("can't remove %s: %r", entry.name, error)
        return False
    return True

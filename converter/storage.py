"""Store files and remove them: unfinished ones in work/, others in uploads/ and converted/.

work/ is always a local folder. A process locks (flock) its entries there. The kernel unlocks them
when the process ends, and the sweep removes unlocked entries. uploads/ (for a worker) and
converted/ (for a download) are in Django's default storage, of which only open, save, size and
delete are used.

Removing never raises: a file that can't be removed is logged, skipped, and tried again later.
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
# The time limit of a sweep of a bucket, in s; the next sweep continues. Failed deletions are tried
# again after RETRY_S.
SWEEP_S, RETRY_S = 10, 3600


def work_folder() -> Path:
    """Return the local folder for unfinished files; create it with private permissions."""
    folder = Path(settings.MEDIA_ROOT) / WORK
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return folder


@contextlib.contextmanager
def _work_lock(mode: int) -> Iterator[Path]:
    """Lock work/ during the block: with LOCK_SH to create and lock an entry, with LOCK_EX to sweep.

    This prevents a sweep between creating and locking an entry.
    """
    folder = work_folder()
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, mode)
        yield folder
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    """Lock the open entry; return False if another process has locked it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def locked_file() -> IO[bytes]:
    """Create a temporary file in work/. It is removed when closed, or by the sweep after a kill."""
    with _work_lock(fcntl.LOCK_SH) as folder:
        file = tempfile.NamedTemporaryFile(suffix=".upload", dir=folder)  # noqa: SIM115
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
    return file


@contextlib.contextmanager
def workspace() -> Iterator[Path]:
    """Create a private folder in work/, removed with the block, or by the sweep after a kill."""
    with _work_lock(fcntl.LOCK_SH) as parent:
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


def new_name(path: Path, *, folder: str) -> str:
    """Return a new name in the storage for the file at `path`."""
    return f"{folder}/{uuid.uuid4()}{path.suffix}"


def store(path: Path, *, folder: str) -> str:
    """Move the finished file at `path` into the storage; return its name there."""
    name = new_name(path, folder=folder)
    store_as(name, path)
    return name


def store_as(name: str, path: Path) -> None:
    """Move the finished file at `path` into the storage under a name from `new_name`."""
    os.utime(path)  # its age counts from now
    if not is_local():
        broker.register(name, after_s=_lifetime_s(name.partition("/")[0]))
    with path.open("rb") as file:
        default_storage.save(name, _Finished(file, name=str(path)))


def is_local() -> bool:
    """Return whether the sweep can list the stored files and read their age."""
    return isinstance(default_storage, FileSystemStorage)


def verify_storage() -> None:
    """Store, read and remove a file. Raises the storage's exceptions."""
    name = default_storage.save(f"{UPLOADS}/{uuid.uuid4()}.check", ContentFile(b"check"))
    try:
        with default_storage.open(name) as file:
            file.read()
    finally:
        default_storage.delete(name)


def _lifetime_s(folder: str) -> float:
    """Return how long files in `folder` are needed, in s."""
    if folder == CONVERTED:
        return float(settings.DOWNLOAD_TTL)
    return float(settings.QUEUE_TTL + settings.CONVERSION_TIMEOUT)


@contextlib.contextmanager
def local_copy(name: str) -> Iterator[Path]:
    """Copy the stored file to a temporary workspace; yield its local path."""
    with workspace() as folder:
        path = folder / f"upload{Path(name).suffix}"
        with default_storage.open(name) as source, path.open("wb") as target:
            shutil.copyfileobj(source, target, COPY_BYTES)
        yield path


def discard(name: str) -> bool:
    """Remove a stored file; return False if that failed, True also if it did not exist."""
    try:
        default_storage.delete(name)
        if not is_local():
            broker.unregister(name)
    except Exception as error:
        log.warning("can't remove %s: %r", name, error)
        return False
    return True


def reset_age(name: str) -> None:
    """Set the age of a stored file to 0, because its job waits again."""
    folder = name.partition("/")[0]
    if not is_local():
        broker.register(name, after_s=_lifetime_s(folder))
        return
    with contextlib.suppress(OSError):  # it doesn't exist: the job reports that
        os.utime(Path(settings.MEDIA_ROOT) / name)


def running_conversions() -> int:
    """Count the locked folders in work/: one for each running conversion in inline mode."""
    locked = 0
    for entry in work_folder().iterdir():
        with contextlib.suppress(OSError):  # removed just now
            descriptor = os.open(entry, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                locked += 1
            finally:
                os.close(descriptor)
    return locked


def count(folder: str) -> int:
    """Count the files stored in UPLOADS or CONVERTED."""
    if not is_local():
        return broker.expiring(f"{folder}/")
    local = Path(settings.MEDIA_ROOT) / folder
    return sum(1 for _ in local.iterdir()) if local.is_dir() else 0


def free_bytes() -> int:
    """Return the free bytes on the disk of work/."""
    return shutil.disk_usage(work_folder()).free


def sweep_if_due() -> None:
    """Call `purge_expired`, at most once a minute for all processes of this machine."""
    try:
        is_due = cache.add(f"swept:{socket.gethostname()}", 1, SWEEP_INTERVAL_S)
    except broker.errors():  # try again at the next sweep
        return
    except OSError:  # the disk is full, so sweep now
        is_due = True
    if is_due:
        purge_expired()


def purge_expired() -> int:
    """Delete expired cache entries and files; return the number of files. Never raises.

    In work/: entries that no process has locked. In converted/: files older than DOWNLOAD_TTL. In
    uploads/: files older than the longest queue time. Storages that aren't local can't be listed;
    broker.py has the names of their files.
    """
    removed = 0
    for purge in (
        _purge_cache,
        _purge_unlocked,
        *((_purge_converted, _purge_uploads) if is_local() else (_purge_registered,)),
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
    return 0  # cache entries don't count as files


def _purge_unlocked() -> int:
    with _work_lock(fcntl.LOCK_EX) as folder:
        return sum(_remove(entry) for entry in folder.iterdir() if not _is_locked(entry))


def _is_locked(entry: Path) -> bool:
    """Return whether a process has locked the entry; unreadable entries count as locked."""
    try:
        descriptor = os.open(entry, os.O_RDONLY)
    except FileNotFoundError:  # removed by its owner meanwhile
        return True
    except OSError as error:
        log.warning("can't open %s: %r", entry.name, error)
        return True
    try:
        return not _try_lock(descriptor)
    finally:
        os.close(descriptor)


def _purge_registered() -> int:
    removed, began = 0, time.monotonic()
    for name in broker.expired():
        if time.monotonic() - began > SWEEP_S:
            break
        if discard(name):
            removed += 1
        else:
            broker.register(name, after_s=RETRY_S)
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
    """Return the age of the entry in s; 0 if it does not exist."""
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

"""Django's file cache, made safe to rely on."""

import contextlib
import fcntl
import logging
import os
import pickle
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from django.core.cache.backends.filebased import FileBasedCache

log = logging.getLogger(__name__)


class SweptFileCache(FileBasedCache):
    """File cache with a method to delete expired entries.

    An entry that can't be read (a power cut leaves zero bytes) counts as missing. Writers hold a
    lock (flock) on the folder: Django's own `add` gives one key to several callers at once, and
    its readers, when they find an entry expired, may delete the fresh one that has replaced it.
    """

    def __init__(self, dir: str, params: dict[str, Any]) -> None:
        super().__init__(dir, params)
        self._thread = threading.local()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the folder's lock for the block, which may call methods that take it again."""
        if getattr(self._thread, "has_lock", False):
            yield
            return
        self._createdir()
        descriptor = os.open(self._dir, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self._thread.has_lock = True
            yield
        finally:
            self._thread.has_lock = False
            os.close(descriptor)

    def add(self, *args: Any, **kwargs: Any) -> bool:
        with self._locked():
            return super().add(*args, **kwargs)

    def set(self, *args: Any, **kwargs: Any) -> None:
        with self._locked():
            super().set(*args, **kwargs)

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        with (
            contextlib.suppress(FileNotFoundError),
            Path(self._key_to_file(key, version)).open("rb") as file,
        ):
            if self._is_expired(file):
                return default
            content = file.read()
            try:
                return pickle.loads(zlib.decompress(content))  # noqa: S301 - our own writing
            except Exception as error:  # odd bytes make pickle raise anything
                self._delete_corrupt(file, error)
        return default

    def _is_expired(self, f: BinaryIO) -> bool:
        """Return whether the open entry has expired or is corrupt; then delete it."""
        try:
            expiry = pickle.load(f)  # noqa: S301 - our own writing
            is_expired = expiry is not None and expiry < time.time()
        except OSError:
            raise
        except Exception as error:
            self._delete_corrupt(f, error)
            return True
        if is_expired:
            self._delete_open(f)
        return is_expired

    def _delete_corrupt(self, file: BinaryIO, error: Exception) -> None:
        log.warning("deleting a cache entry that can't be read: %r", error)
        self._delete_open(file)

    def _delete_open(self, file: BinaryIO) -> None:
        """Delete the open entry, unless another one has replaced it."""
        with self._locked(), contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(file.fileno()), Path(file.name).stat()):
                self._delete(file.name)

    def purge_expired(self) -> int:
        """Delete the expired entries; return how many. One that fails is logged and skipped."""
        removed = 0
        for name in self._list_cache_files():
            try:
                with Path(name).open("rb") as file:
                    removed += self._is_expired(file)
            except FileNotFoundError:  # another process was quicker
                continue
            except OSError as error:
                log.warning("can't purge a cache entry: %r", error)
        return removed

"""A download on its way out: won once, given back when it breaks off, removed when it arrives."""

import threading
from collections.abc import Callable, Iterator

from django.core.files.storage import default_storage

from converter import downloads, storage

CHUNK_BYTES = 64 * 1024


class Transfer:
    """One won download on its way out: iterate for its bytes, then close.

    Sent to the end: the file is removed. Broken off: the link is good again for the rest of its
    time. `was_received` is asked after the last byte, since a kernel takes more than a client does.
    """

    def __init__(
        self, token: str, download: downloads.Download, was_received: Callable[[], bool]
    ) -> None:
        self._token = token
        self._download = download
        self._was_received = was_received
        self._is_done = False
        self._closed = threading.Lock()
        self._file = default_storage.open(download.name)

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self._file.read(CHUNK_BYTES):
            yield chunk
        self._is_done = self._was_received()

    def close(self) -> None:
        if not self._closed.acquire(blocking=False):
            return
        self._file.close()
        if self._is_done or not downloads.give_back(self._token, self._download):
            storage.discard(self._download.name)


def begin_transfer(token: str, *, was_received: Callable[[], bool]) -> Transfer | None:
    """The download that this caller alone won, or None."""
    download = downloads.redeem(token)
    if download is None:
        return None
    try:
        return Transfer(token, download, was_received)
    except FileNotFoundError:  # swept, or the disk was changed under us
        return None


def stored_size(download: downloads.Download) -> int | None:
    """The file's size in bytes; None when it is gone."""
    try:
        return default_storage.size(download.name)
    except FileNotFoundError:
        return None

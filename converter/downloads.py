"""One-time links, from issue to the last byte. No other module knows the key dl:<uuid4>."""

import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from django.conf import settings
from django.core.cache import cache
from django.core.files.storage import default_storage

from converter import metrics, storage

log = logging.getLogger(__name__)

CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Download:
    """A token's file: its stored name, the name to save it as, its expiry (Unix time in s)."""

    name: str
    filename: str
    content_type: str
    expires_at: float
    job_id: str = ""


def _key(token: str) -> str:
    return f"dl:{token}"


def _revoked_key(token: str) -> str:
    return f"revoked:{token}"


def issue(name: str, *, filename: str, content_type: str, job_id: str = "") -> str:
    """Issue a token for the stored file `name`, valid for DOWNLOAD_TTL s."""
    token = str(uuid.uuid4())
    _cache_link(
        token,
        Download(
            name=name,
            filename=filename,
            content_type=content_type,
            expires_at=time.time() + settings.DOWNLOAD_TTL,
            job_id=job_id,
        ),
    )
    return token


def offer(
    path: Path,
    *,
    filename: str,
    content_type: str,
    job_id: str,
    announce: Callable[[str], None] = lambda token: None,
) -> str:
    """Issue a token for the finished file at `path` and move the file into the storage.

    `announce(token)` is called before the file is stored, so that a process that is killed here
    leaves no file whose token nothing else knows.
    """
    name = storage.new_name(path, folder=storage.CONVERTED)
    token = issue(name, filename=filename, content_type=content_type, job_id=job_id)
    try:
        announce(token)
        storage.store_as(name, path)
    except BaseException:
        undo_offers(token)
        raise
    return token


def undo_offers(*tokens: str) -> None:
    """Remove the links and their files."""
    for token in tokens:
        download = revoke(token)
        if download is not None:
            storage.discard(download.name)


def peek(token: str) -> Download | None:
    """Return the token's download without using it up; None if it is used or expired."""
    found = cache.get(_key(token))
    return Download(**found) if found else None


def redeem(token: str) -> Download | None:
    """Use up the token. In a race exactly one caller gets the download, all others None.

    The caller whose delete removed the key wins. Without this check up to 50 concurrent callers got
    the file (measured with the file cache and with Redis).
    """
    found = peek(token)
    return found if found is not None and cache.delete(_key(token)) else None


def revoke(token: str) -> Download | None:
    """Use up the token, and prevent a running transfer from restoring it."""
    cache.set(_revoked_key(token), True, settings.DOWNLOAD_TTL)  # first: restore checks it last
    return redeem(token)


def restore(token: str, download: Download) -> bool:
    """Make the link of an interrupted transfer valid again until its expiry.

    Returns False if it was revoked meanwhile: then the caller must remove the file.
    """
    if cache.get(_revoked_key(token)):  # checked first: no request may redeem a revoked token
        return False
    _cache_link(token, download)
    if not cache.get(_revoked_key(token)):
        return True
    redeem(token)
    return False


def _cache_link(token: str, download: Download) -> None:
    left = download.expires_at - time.time()
    if left > 0:
        cache.set(_key(token), asdict(download), left)


class Transfer:
    """A redeemed download being sent: iterate over its bytes, then close it.

    After a complete transfer the file is removed; after an interrupted one the link is valid again
    until its expiry. `was_received` is called after the last byte, because the kernel buffers bytes
    that the client has not received.
    """

    def __init__(self, token: str, download: Download, was_received: Callable[[], bool]) -> None:
        self._token = token
        self._download = download
        self._was_received = was_received
        self._is_done = False
        self._sent_bytes = 0
        self._closed = threading.Lock()
        self._after: Callable[[], None] = lambda: None
        self._file = default_storage.open(download.name)

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self._file.read(CHUNK_BYTES):
            self._sent_bytes += len(chunk)
            yield chunk
        self._is_done = self._was_received()

    def and_then(self, after: Callable[[], None]) -> None:
        """Call `after` when the transfer has been closed."""
        self._after = after

    def close(self) -> None:
        """Remove the file if it was received, else restore the token. May be called again."""
        if not self._closed.acquire(blocking=False):
            return
        try:
            self._file.close()
            if self._is_done or not restore(self._token, self._download):
                storage.discard(self._download.name)
        finally:
            self._after()
            self._record_end()

    def _record_end(self) -> None:
        """Log and count how the transfer ended."""
        download, sent = self._download, self._sent_bytes
        event = "downloaded" if self._is_done else "download broken off"
        log.info("job=%s %s file=%s bytes=%d", download.job_id, event, download.filename, sent)
        metrics.count_download(download.filename, sent, is_received=self._is_done)


def begin_transfer(token: str, *, was_received: Callable[[], bool]) -> Transfer | None:
    """Redeem the token and open its file; return None if the token or the file no longer exists.

    The link stays valid if opening the file fails for another reason. Raises that error.
    """
    download = redeem(token)
    if download is None:
        return None
    try:
        return Transfer(token, download, was_received)
    except FileNotFoundError:  # swept, or removed by another process
        return None
    except BaseException:  # such as no free descriptor, or a time-out of the bucket
        if not restore(token, download):
            storage.discard(download.name)
        raise


def stored_size(download: Download) -> int | None:
    """Return the file's size in bytes; None if it does not exist."""
    try:
        return default_storage.size(download.name)
    except FileNotFoundError:
        return None

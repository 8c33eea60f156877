"""Admit or refuse requests by their headers, before the body is read."""

import contextlib
import hashlib
import threading
import uuid
from collections.abc import Iterator

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from converter import broker, inline, progress, storage
from converter.errors import (
    BusyError,
    DownloadsBusyError,
    LengthRequiredError,
    LowDiskError,
    ShuttingDownError,
    TooLargeError,
)
from converter.web import uploads

# An upload occupies a slot until its response. Downloads and the admin's forms, which may be slow
# too, have separate slots. One thread always stays free for /health/.
_UPLOADS = max(1, settings.MAX_CONVERSIONS, settings.WEB_THREADS // 2)
uploading = inline.Slots(_UPLOADS)
transfer_slots = inline.Slots(
    max(1, settings.WEB_THREADS - 1 - _UPLOADS), refusal=DownloadsBusyError
)

# Set when the server stops: running requests may finish, new uploads are refused.
closing = threading.Event()


@contextlib.contextmanager
def admitted(request: HttpRequest) -> Iterator[None]:
    """Admit an upload during the block, or refuse it by its headers. Raises RequestError."""
    if closing.is_set():
        raise ShuttingDownError
    _check_length(request, settings.FILE_UPLOAD_MAX_MEMORY_SIZE + uploads.UPLOAD_FORM_BYTES)
    broker.ping()
    if inline.conversions.is_full:
        raise BusyError
    storage.sweep_if_due()
    with uploading.occupy(), one_per_address(request):
        if storage.free_bytes() < settings.MIN_FREE_DISK:
            raise LowDiskError
        yield


@contextlib.contextmanager
def small_form(request: HttpRequest) -> Iterator[None]:
    """Admit a form without files during the block. Raises RequestError."""
    _check_length(request, uploads.FORM_BYTES)
    with transfer_slots.occupy():
        yield


def _check_length(request: HttpRequest, most_bytes: int) -> None:
    """Raise RequestError unless Content-Length is at most `most_bytes`."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length.isdecimal():
        raise LengthRequiredError
    if int(length) > most_bytes:
        raise TooLargeError


def client_address(request: HttpRequest) -> str:
    """Return the client's address: the peer's, or the one that the trusted proxy reports."""
    hops = settings.TRUSTED_PROXIES
    forwarded = [a.strip() for a in request.headers.get("X-Forwarded-For", "").split(",") if a]
    if hops and len(forwarded) >= hops:
        return str(forwarded[-hops])
    return str(request.META.get("REMOTE_ADDR", ""))


# --- Slots per address: cache keys whose value is the holder. The key of an upload expires after
# SLOT_TTL_S and is renewed during the upload, so that it expires soon after the process was killed.
# The key of a job lasts for the longest possible job, and counts as free when the job has ended.
SLOT_TTL_S = 15
RENEW_S = SLOT_TTL_S / 3
JOB = "job:"


@contextlib.contextmanager
def one_per_address(request: HttpRequest) -> Iterator[None]:
    """Occupy one of the address's slots during the block. Raises BusyError.

    Do nothing unless MAX_CONVERSIONS_PER_ADDRESS is set. It is off by default, because behind an
    unknown proxy all clients have the same address.
    """
    limit = settings.MAX_CONVERSIONS_PER_ADDRESS
    if not limit:
        yield
        return
    digest = hashlib.sha256(client_address(request).encode()).hexdigest()[:32]
    holder = str(uuid.uuid4())
    slots = (f"address:{digest}:{number}" for number in range(limit))
    slot = next((slot for slot in slots if _occupy(slot, holder)), None)
    if slot is None:
        raise BusyError
    with _Renewal(slot, holder) as renewal:
        request.address_slot = renewal  # type: ignore[attr-defined]
        yield


def transfer_slot_to_job(request: HttpRequest, job_id: str) -> None:
    """Transfer the address's slot to the enqueued job, until the job has ended."""
    renewal: _Renewal | None = getattr(request, "address_slot", None)
    if renewal is not None:
        renewal.transfer_to_job(job_id)


def _occupy(slot: str, holder: str) -> bool:
    """Occupy the slot if it is free or belongs to a job that has ended; return whether it was.

    If several requests find that the job has ended, the first one to add the key `after` wins.
    """
    if cache.add(slot, holder, SLOT_TTL_S):
        return True
    last = str(cache.get(slot, ""))
    if not last.startswith(JOB) or progress.is_running(last.removeprefix(JOB)):
        return False
    if not cache.add(f"{slot}:after:{last}", holder, _job_lifetime_s()):
        return False
    cache.set(slot, holder, SLOT_TTL_S)
    return True


def _job_lifetime_s() -> float:
    return float(settings.QUEUE_TTL + settings.CONVERSION_TIMEOUT + settings.UPLOAD_TIMEOUT)


class _Renewal:
    """Renew the slot's key in the cache until the block ends or a job gets the slot."""

    def __init__(self, slot: str, holder: str) -> None:
        self._slot = slot
        self._holder = holder
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="slot", daemon=True)

    def _renew(self) -> None:
        while not self._done.wait(RENEW_S):
            with contextlib.suppress(OSError, *broker.errors()):  # try again at the next renewal
                cache.set(self._slot, self._holder, SLOT_TTL_S)

    def _stop(self) -> None:
        self._done.set()
        self._thread.join()

    def transfer_to_job(self, job_id: str) -> None:
        self._stop()
        cache.set(self._slot, f"{JOB}{job_id}", _job_lifetime_s())

    def __enter__(self) -> "_Renewal":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        if not self._done.is_set():
            self._stop()
            # If the cache does not answer, the key expires.
            with contextlib.suppress(OSError, *broker.errors()):
                self._free()

    def _free(self) -> None:
        if cache.get(self._slot) == self._holder:
            cache.delete(self._slot)

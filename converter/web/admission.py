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
    _bound_length(request, settings.FILE_UPLOAD_MAX_MEMORY_SIZE + uploads.UPLOAD_FORM_BYTES)
    broker.ping()
    if inline.conversions.is_full:
        raise BusyError
    storage.sweep_if_due()
    with uploading.one(), one_per_address(request):
        if storage.free_bytes() < settings.MIN_FREE_DISK:
            raise LowDiskError
        yield


@contextlib.contextmanager
def small_form(request: HttpRequest) -> Iterator[None]:
    """Admit a form without files during the block. Raises RequestError."""
    _bound_length(request, uploads.FORM_BYTES)
    with transfer_slots.one():
        yield


def _bound_length(request: HttpRequest, most_bytes: int) -> None:
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


# --- Slots per address: keys in the cache whose value is the holder. The key of an upload lives for
# PLACE_TTL_S and is renewed during the upload, so that it ends with the process. The key of a job
# lives as long as a job may, and counts as free when the job has ended.
PLACE_TTL_S = 15
RENEW_S = PLACE_TTL_S / 3
JOB = "job:"


@contextlib.contextmanager
def one_per_address(request: HttpRequest) -> Iterator[None]:
    """Occupy one of the address's slots during the block. Raises BusyError.

    Off unless MAX_CONVERSIONS_PER_ADDRESS is set: behind an unknown proxy all clients have the same
    address.
    """
    limit = settings.MAX_CONVERSIONS_PER_ADDRESS
    if not limit:
        yield
        return
    digest = hashlib.sha256(client_address(request).encode()).hexdigest()[:32]
    holder = str(uuid.uuid4())
    places = (f"address:{digest}:{number}" for number in range(limit))
    place = next((place for place in places if _take(place, holder)), None)
    if place is None:
        raise BusyError
    with _Renewal(place, holder) as renewal:
        request.address_place = renewal  # type: ignore[attr-defined]
        yield


def keep_place_for_job(request: HttpRequest, job_id: str) -> None:
    """Transfer the address's slot to the enqueued job, until the job has ended."""
    renewal: _Renewal | None = getattr(request, "address_place", None)
    if renewal is not None:
        renewal.leave_to(job_id)


def _take(place: str, holder: str) -> bool:
    """Occupy the slot if it is free, or if it belongs to a job that has ended.

    If several requests find the job ended, the one that adds the key of its end wins.
    """
    if cache.add(place, holder, PLACE_TTL_S):
        return True
    last = str(cache.get(place, ""))
    if not last.startswith(JOB) or progress.is_running(last.removeprefix(JOB)):
        return False
    if not cache.add(f"{place}:after:{last}", holder, _job_lifetime_s()):
        return False
    cache.set(place, holder, PLACE_TTL_S)
    return True


def _job_lifetime_s() -> float:
    return float(settings.QUEUE_TTL + settings.CONVERSION_TIMEOUT + settings.UPLOAD_TIMEOUT)


class _Renewal:
    """Renew the slot's key in the cache until the block ends or a job takes the slot over."""

    def __init__(self, place: str, holder: str) -> None:
        self._place = place
        self._holder = holder
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._renew, name="place", daemon=True)

    def _renew(self) -> None:
        while not self._done.wait(RENEW_S):
            with contextlib.suppress(OSError, *broker.errors()):  # try again at the next renewal
                cache.set(self._place, self._holder, PLACE_TTL_S)

    def _stop(self) -> None:
        self._done.set()
        self._thread.join()

    def leave_to(self, job_id: str) -> None:
        self._stop()
        cache.set(self._place, f"{JOB}{job_id}", _job_lifetime_s())

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
        if cache.get(self._place) == self._holder:
            cache.delete(self._place)

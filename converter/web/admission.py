"""Who may come in: looked at before a byte of an upload is read, and before a download is spent."""

import contextlib
import hashlib
import threading
from collections.abc import Iterator

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest

from converter import broker, progress, storage
from converter.errors import RequestError, busy, low_disk, shutting_down
from converter.web import uploads


class Slots:
    """A number of places; who finds none free is told so at once instead of waiting."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._counting = threading.Lock()

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Take a place for the block. Raises RequestError `busy`."""
        with self._counting:
            if not self._free:
                raise busy()
            self._free -= 1
        try:
            yield
        finally:
            with self._counting:
                self._free += 1

    @property
    def is_full(self) -> bool:
        return not self._free


# An inline conversion keeps its place from the first byte of its upload to the end; with a queue
# the place is only the upload's. One thread always stays free, so that /health/ answers.
_UPLOADS = max(1, settings.WEB_THREADS // 2) if settings.USE_RQ else settings.MAX_CONVERSIONS
uploading = Slots(_UPLOADS)
# Whoever else may be slow: who takes a download, and who sends a form of the admin.
transfer_slots = Slots(max(1, settings.WEB_THREADS - 1 - _UPLOADS))

# Who holds an address's place: an upload, else the id of the job it was left to.
UPLOADING = "uploading"
# Set when the server was told to stop: what runs may end, nothing new begins.
closing = threading.Event()


@contextlib.contextmanager
def admitted(request: HttpRequest) -> Iterator[None]:
    """Let an upload in for the block, or refuse it by its headers alone. Raises RequestError."""
    if closing.is_set():
        raise shutting_down()
    _bound_length(request, settings.FILE_UPLOAD_MAX_MEMORY_SIZE + uploads.UPLOAD_FORM_BYTES)
    if settings.USE_RQ:
        broker.ping()
    with uploading.one(), one_per_address(request):
        if storage.free_bytes() < settings.MIN_FREE_DISK:
            raise low_disk()
        yield


@contextlib.contextmanager
def small_form(request: HttpRequest) -> Iterator[None]:
    """Let a form without files in for the block. Raises RequestError."""
    _bound_length(request, uploads.FORM_BYTES)
    with transfer_slots.one():
        yield


def _bound_length(request: HttpRequest, most_bytes: int) -> None:
    """Raise RequestError unless the body's announced length is at most `most_bytes`."""
    length = request.META.get("CONTENT_LENGTH") or ""
    if not length.isdecimal():
        raise RequestError(
            411, "length_required", "Send the upload with a Content-Length header, not in chunks."
        )
    if int(length) > most_bytes:
        raise uploads.too_large()


def client_address(request: HttpRequest) -> str:
    """The client's address: the peer, or what the last trusted proxy says of it."""
    hops = settings.TRUSTED_PROXIES
    forwarded = [a.strip() for a in request.headers.get("X-Forwarded-For", "").split(",") if a]
    if hops and len(forwarded) >= hops:
        return forwarded[-hops]
    return str(request.META.get("REMOTE_ADDR", ""))


@contextlib.contextmanager
def one_per_address(request: HttpRequest) -> Iterator[None]:
    """Hold one of the address's places for the block. Raises RequestError `busy`.

    Off unless MAX_CONVERSIONS_PER_ADDRESS is set: behind an unknown proxy all have one address.
    """
    limit = settings.MAX_CONVERSIONS_PER_ADDRESS
    if not limit:
        yield
        return
    digest = hashlib.sha256(client_address(request).encode()).hexdigest()[:32]
    places = [f"address:{digest}:{place}" for place in range(limit)]
    taken = next((place for place in places if _take(place)), None)
    if taken is None:
        raise busy()
    request.address_place = taken  # type: ignore[attr-defined]
    try:
        yield
    finally:
        if request.address_place is not None:  # type: ignore[attr-defined]
            cache.delete(taken)


def keep_place_for_job(request: HttpRequest, job_id: str) -> None:
    """Leave the address's place to the enqueued job; it is free again when the job has ended."""
    place: str | None = getattr(request, "address_place", None)
    if place is not None:
        cache.set(place, job_id, _place_lifetime_s())
        request.address_place = None  # type: ignore[attr-defined]


def _take(place: str) -> bool:
    """Take the place if it is free, or if it was left to a job that has ended since."""
    if cache.add(place, UPLOADING, _place_lifetime_s()):
        return True
    holder = cache.get(place, UPLOADING)
    if holder == UPLOADING or progress.is_running(holder):
        return False
    return cache.delete(place) and cache.add(place, UPLOADING, _place_lifetime_s())


def _place_lifetime_s() -> float:
    waiting = settings.QUEUE_TTL if settings.USE_RQ else 0
    return settings.UPLOAD_TIMEOUT + waiting + settings.CONVERSION_TIMEOUT

"""Receive uploads to disk, with limits of size and time."""

import contextlib
from pathlib import PurePath
from typing import Any, NoReturn

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler
from django.http import HttpRequest

from converter import storage
from converter.errors import (
    NoFileError,
    RequestError,
    TooLargeError,
    UnsupportedUploadError,
    UploadStalledError,
    as_refusal,
)
from converter.pipeline.source.sniff import SNIFF_BYTES, container_of
from converter.web import client_socket

# The form fields that may contain the video, and its allowed extensions.
VIDEO_FIELDS = ("video", "file")
EXTENSIONS = (".mp4", ".mov", ".webm", ".gif")
# Maximal bytes of the form's other fields and the multipart boundaries.
FORM_BYTES = 64 * 1024
# More for the field `layout`, which has up to 128 KiB, and its encoding.
UPLOAD_FORM_BYTES = 256 * 1024


class LimitedUploadHandler(TemporaryFileUploadHandler):
    """Write the upload to work/; stop at the size limit, or at the first bytes of a wrong type.

    `StopUpload(connection_reset=True)` leaves the rest unread; without it Django reads all of it.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super(TemporaryFileUploadHandler, self).new_file(*args, **kwargs)
        if self.field_name in VIDEO_FIELDS and not _is_named_like_a_video(self.file_name):
            self._stop(UnsupportedUploadError())
        self.file = LockedUpload(
            self.file_name, self.content_type, 0, self.charset, self.content_type_extra
        )
        self._received = 0
        # The first bytes until the type can be determined, then None.
        self._head: bytes | None = b"" if self.field_name in VIDEO_FIELDS else None

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self._received += len(raw_data)
        if self._received > settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
            self._stop(TooLargeError())
        if self._head is not None:
            self._head += raw_data[:SNIFF_BYTES]
            if len(self._head) >= SNIFF_BYTES:
                self._check_type()
        try:
            super().receive_data_chunk(raw_data, start)
        except OSError as error:
            self._stop(_refusal_of_the_disk(error))

    def file_complete(self, file_size: int) -> "UploadedFile[Any] | None":
        if self._head is not None:
            self._check_type()
        try:
            return super().file_complete(file_size)
        except OSError as error:
            self._stop(_refusal_of_the_disk(error))

    def _check_type(self) -> None:
        if container_of(self._head or b"") is None:
            self._stop(UnsupportedUploadError())
        self._head = None

    def _stop(self, error: RequestError) -> NoReturn:
        self.request.upload_error = error  # type: ignore[union-attr]
        self.upload_interrupted()
        raise StopUpload(connection_reset=True)

    def upload_interrupted(self) -> None:
        if hasattr(self, "file"):
            with contextlib.suppress(OSError):  # removed already, or no space for the last bytes
                self.file.close()


def _is_named_like_a_video(name: str | None) -> bool:
    return PurePath(name or "").suffix.lower() in EXTENSIONS


def _refusal_of_the_disk(error: OSError) -> RequestError:
    """Return `low_disk` for a full disk. Raises other errors, which are bugs."""
    refusal = as_refusal(error)
    if refusal is None:
        raise error
    return refusal


class LockedUpload(TemporaryUploadedFile):
    """A temporary upload in work/, locked against the sweep."""

    def __init__(
        self, name: str | None, content_type: str | None, size: int, charset: str | None, extra: Any
    ) -> None:
        UploadedFile.__init__(self, storage.locked_file(), name, content_type, size, charset, extra)


class CountedBody:
    """Count the bytes of the request's body, to detect an incomplete one."""

    def __init__(self, stream: Any, announced: int) -> None:
        self._stream = stream
        self._missing = announced
        self.received = 0

    def read(self, *args: Any) -> bytes:
        chunk: bytes = self._stream.read(*args)
        self._count(chunk)
        return chunk

    def readline(self, *args: Any) -> bytes:
        line: bytes = self._stream.readline(*args)
        self._count(line)
        return line

    def _count(self, part: bytes) -> None:
        self._missing -= len(part)
        self.received += len(part)

    @property
    def is_short(self) -> bool:
        return self._missing > 0


def receive(request: HttpRequest, *, within_s: float) -> None:
    """Read the whole form, and its files to disk. Raises RequestError.

    The codes are `too_large` above the limit, `unsupported_type` for other files than videos, and
    `upload_stalled` if the client stalls, disconnects or takes longer than `within_s`. (Django
    accepts an incomplete body.) Other bodies than multipart forms contain no file; Django reads
    them, and the view refuses them.
    """
    body = CountedBody(request._stream, int(request.META["CONTENT_LENGTH"]))
    request.counted_body = body  # type: ignore[attr-defined]  # for metrics.py
    is_form = request.content_type == "multipart/form-data"
    if is_form:
        request._stream = body  # type: ignore[assignment]
    client_socket.drop_stalled(request)
    with contextlib.suppress(OSError), client_socket.body_deadline(request, within_s=within_s):
        request.POST  # noqa: B018 - Django reads the body here
    error: RequestError | None = getattr(request, "upload_error", None)
    if not is_form or (error is None and not body.is_short):
        return
    for handler in request.upload_handlers:  # Django doesn't close an incomplete file
        handler.upload_interrupted()
    raise error or UploadStalledError()


def video_of(request: HttpRequest) -> TemporaryUploadedFile:
    """Return the received file. Raises NoFileError."""
    for field in VIDEO_FIELDS:
        video = request.FILES.get(field)
        if isinstance(video, TemporaryUploadedFile):
            return video
    raise NoFileError

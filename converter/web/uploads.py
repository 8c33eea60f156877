"""Receive an upload: to disk, no more than the limit, and not from a client that stalls."""

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

# The form's fields that may hold the video, and how its name may end.
VIDEO_FIELDS = ("video", "file")
EXTENSIONS = (".mp4", ".mov", ".webm", ".gif")
# What the form's other fields and the multipart boundaries may add to the file itself.
FORM_BYTES = 64 * 1024
# As much again for the field `layout`, which has 128 KiB, and its encoding.
UPLOAD_FORM_BYTES = 256 * 1024


class LimitedUploadHandler(TemporaryFileUploadHandler):
    """Write the upload into work/; stop at the limit, or at the first bytes of a wrong type.

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
        # The first bytes, until there are enough to tell the type; None once it is known.
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
            with contextlib.suppress(OSError):  # gone already, or no room for the last bytes
                self.file.close()


def _is_named_like_a_video(name: str | None) -> bool:
    return PurePath(name or "").suffix.lower() in EXTENSIONS


def _refusal_of_the_disk(error: OSError) -> RequestError:
    """`low_disk` for a full disk. Raises any other error: it is ours."""
    refusal = as_refusal(error)
    if refusal is None:
        raise error
    return refusal


class LockedUpload(TemporaryUploadedFile):
    """A temporary upload in work/, locked so that the sweep leaves it alone."""

    def __init__(
        self, name: str | None, content_type: str | None, size: int, charset: str | None, extra: Any
    ) -> None:
        UploadedFile.__init__(self, storage.locked_file(), name, content_type, size, charset, extra)


class CountedBody:
    """The request's body as Django reads it; knows whether all that was announced has come."""

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
    """Read the whole form, its files to disk. Raises RequestError.

    `too_large` beyond the limit, `unsupported_type` for a file that is no video, `upload_stalled`
    when the client stalls, hangs up or takes longer than `within_s`: Django by itself takes half a
    body for the whole. A body that is no form with files is read, or left unread, as Django does:
    it can hold no video, which the view says.
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
    for handler in request.upload_handlers:  # Django closes whole files only, not the half one
        handler.upload_interrupted()
    raise error or UploadStalledError()


def video_of(request: HttpRequest) -> TemporaryUploadedFile:
    """The file that was received. Raises NoFileError."""
    for field in VIDEO_FIELDS:
        video = request.FILES.get(field)
        if isinstance(video, TemporaryUploadedFile):
            return video
    raise NoFileError

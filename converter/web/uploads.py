"""Receives an upload: to disk, no more than the limit, and not from a client that stalls."""

import contextlib
from typing import Any, NoReturn

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.core.files.uploadhandler import StopUpload, TemporaryFileUploadHandler
from django.http import HttpRequest

from converter import storage
from converter.errors import DISK_IS_FULL, RequestError, low_disk
from converter.web import client_socket

# What the form's other fields and the multipart boundaries may add to the file itself.
FORM_BYTES = 64 * 1024
# As much again for the field `layout`, which has 128 KiB, and its encoding.
UPLOAD_FORM_BYTES = 256 * 1024


def too_large() -> RequestError:
    limit = settings.FILE_UPLOAD_MAX_MEMORY_SIZE
    return RequestError(
        413,
        "too_large",
        f"The file is too large. Choose one of at most {limit // (1 << 20)} MB, or cut it first.",
    )


def stalled() -> RequestError:
    return RequestError(
        408, "upload_stalled", "The upload stopped on its way. Check the connection and try again."
    )


def refused_by_disk(error: OSError) -> RequestError:
    """`low_disk` for a full one; what else a disk may say is our fault and raised on."""
    if error.errno not in DISK_IS_FULL:
        raise error
    return low_disk()


class LimitedUploadHandler(TemporaryFileUploadHandler):
    """Writes the upload into work/ and stops it at the limit, whatever length was claimed.

    `StopUpload(connection_reset=True)` leaves the rest unread; without it Django reads all of it.
    """

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super(TemporaryFileUploadHandler, self).new_file(*args, **kwargs)
        self.file = LockedUpload(
            self.file_name, self.content_type, 0, self.charset, self.content_type_extra
        )
        self.received = 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.received += len(raw_data)
        if self.received > settings.FILE_UPLOAD_MAX_MEMORY_SIZE:
            self._stop(too_large())
        try:
            super().receive_data_chunk(raw_data, start)
        except OSError as error:
            self._stop(refused_by_disk(error))

    def file_complete(self, file_size: int) -> UploadedFile | None:
        try:
            return super().file_complete(file_size)
        except OSError as error:
            self._stop(refused_by_disk(error))

    def _stop(self, error: RequestError) -> NoReturn:
        self.request.upload_error = error
        self.upload_interrupted()
        raise StopUpload(connection_reset=True)

    def upload_interrupted(self) -> None:
        if hasattr(self, "file"):
            with contextlib.suppress(OSError):  # gone already, or no room for the last bytes
                self.file.close()


class LockedUpload(TemporaryUploadedFile):
    """A temporary upload in work/, held so that the sweep knows its owner lives."""

    def __init__(
        self, name: str, content_type: str, size: int, charset: str | None, extra: Any
    ) -> None:
        UploadedFile.__init__(self, storage.locked_file(), name, content_type, size, charset, extra)


class CountedBody:
    """The request's body as Django reads it; knows whether all that was announced has come."""

    def __init__(self, stream: Any, announced: int) -> None:
        self._stream = stream
        self._missing = announced

    def read(self, *args: Any) -> bytes:
        chunk: bytes = self._stream.read(*args)
        self._missing -= len(chunk)
        return chunk

    def readline(self, *args: Any) -> bytes:
        line: bytes = self._stream.readline(*args)
        self._missing -= len(line)
        return line

    @property
    def is_short(self) -> bool:
        return self._missing > 0


def receive(request: HttpRequest, *, within_s: float) -> None:
    """Read the whole form, its files to disk. Raises RequestError.

    `too_large` beyond the limit, `upload_stalled` when the client stalls, hangs up or takes too
    long: Django by itself takes half a body for the whole. Another body than a form with files
    is read, or left unread, as Django does: it can hold no video, which the view says.
    """
    body = CountedBody(request._stream, int(request.META["CONTENT_LENGTH"]))  # type: ignore[attr-defined]
    is_form = request.content_type == "multipart/form-data"
    if is_form:
        request._stream = body  # type: ignore[attr-defined]
    client_socket.drop_stalled(request)
    with contextlib.suppress(OSError), client_socket.body_deadline(request, within_s=within_s):
        request.POST  # noqa: B018 - Django reads the body here
    error: RequestError | None = getattr(request, "upload_error", None)
    if not is_form or (error is None and not body.is_short):
        return
    for handler in request.upload_handlers:  # Django closes whole files only, not the half one
        handler.upload_interrupted()
    raise error or stalled()

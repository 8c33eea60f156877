"""Every refusal: an HTTP status, a code, and one sentence that says what to do.

Subclasses of RequestError are refusals of the web layer. `as_refusal` gives the pipeline's errors
(pipeline/errors.py) their status.
"""

import errno
from typing import Any

from django.conf import settings

from converter import broker
from converter.pipeline.errors import (
    ConversionCanceledError,
    ConversionError,
    ConversionTimeoutError,
    InputError,
    StartPastEndError,
    UnsupportedTypeError,
)

RETRY_AFTER_S = 10
DISK_IS_FULL = {errno.ENOSPC, errno.EDQUOT}


class RequestError(Exception):
    """A refused request: an HTTP status, a code and one sentence."""

    status = 400
    code = "invalid_field"
    sentence = "The request is invalid. Check its fields and its Host header."
    retry_after_s: int | None = None

    def __init__(self, sentence: str = "") -> None:
        super().__init__(sentence or self.sentence)

    @property
    def payload(self) -> dict[str, Any]:
        """Return the JSON object of the error."""
        return {"success": False, "error": str(self), "code": self.code}


class BadRequestError(RequestError):
    """The request is malformed: its head, its Host header or its form."""


class NoFileError(RequestError):
    code = "no_file"
    sentence = "Choose a video file first."


class UnsupportedUploadError(RequestError):
    code = UnsupportedTypeError.code
    sentence = "This type of file can't be converted. Choose an MP4, MOV, WebM or GIF file."


class InvalidStartTimeError(RequestError):
    code = "invalid_start_time"
    sentence = "Give the start time as HH:MM:SS, for example 00:01:30."


class InvalidFieldError(RequestError):
    def __init__(self, field: str) -> None:
        super().__init__(f"The field {field} is invalid. The README lists its values.")


class JobIdTakenError(RequestError):
    sentence = "This job_id is already in use. Choose a new one."


class RqDisabledError(RequestError):
    code = "rq_disabled"
    sentence = "This server has no queue, and no conversion with this id."


class CsrfError(RequestError):
    status, code = 403, "csrf"
    sentence = "Load / to get the csrftoken cookie, and send its value in the header X-CSRFToken."


class ForbiddenError(RequestError):
    status, code = 403, "forbidden"
    sentence = "You don't have permission to do this. Log in with an account that may."


class PageNotFoundError(RequestError):
    status, code = 404, "not_found"
    sentence = "This address does not exist. Check the URL."


class UnknownJobError(RequestError):
    status, code = 404, "unknown_job"
    sentence = "This job does not exist or has expired. Start a new conversion."


class ExpiredError(RequestError):
    status, code = 404, "expired"
    sentence = "This link was used or has expired. Convert the video again to get a new one."


class MethodNotAllowedError(RequestError):
    status, code = 405, "method_not_allowed"

    def __init__(self, allowed: str) -> None:
        super().__init__(f"This address only accepts {' or '.join(allowed.split(', '))}.")


class UploadStalledError(RequestError):
    status, code = 408, "upload_stalled"
    sentence = "The upload was interrupted. Check the connection and try again."


class LengthRequiredError(RequestError):
    status, code = 411, "length_required"
    sentence = "Send the upload with a Content-Length header, without chunked encoding."


class TooLargeError(RequestError):
    status, code = 413, "too_large"

    def __init__(self) -> None:
        megabytes = settings.FILE_UPLOAD_MAX_MEMORY_SIZE // (1 << 20)
        super().__init__(
            f"The file is too large. Choose a file of at most {megabytes} MB, or cut it first."
        )


class InternalError(RequestError):
    status, code, sentence = 500, ConversionError.code, ConversionError.message


class BusyError(RequestError):
    status, code, retry_after_s = 503, "busy", RETRY_AFTER_S
    sentence = "Another video is being converted. Please try again in a few seconds."


class DownloadsBusyError(BusyError):
    sentence = "Too many files are being sent at the moment. Please try again in a few seconds."


class ShuttingDownError(RequestError):
    status, code, retry_after_s = 503, "shutting_down", RETRY_AFTER_S
    sentence = "The server is restarting. Please try again in a few seconds."


class LowDiskError(RequestError):
    status, code, retry_after_s = 503, "low_disk", 60
    sentence = "The server is out of disk space. Please try again in a minute."


class QueueUnavailableError(RequestError):
    status, code, retry_after_s = 503, "queue_unavailable", 60
    sentence = "The conversion queue does not answer. Please try again in a minute."


class FailedConversionError(RequestError):
    """A failed conversion: 4xx if the upload is the cause, 503 if the time was not enough."""

    STATUS: tuple[tuple[type[ConversionError], int], ...] = (
        (UnsupportedTypeError, 400),
        (StartPastEndError, 400),
        (InputError, 422),
        (ConversionTimeoutError, 503),
        (ConversionCanceledError, 409),
        (ConversionError, 500),
    )

    def __init__(self, error: ConversionError) -> None:
        super().__init__(str(error))
        self.status = next(status for kind, status in self.STATUS if isinstance(error, kind))
        self.code = error.code


def as_refusal(error: Exception) -> RequestError | None:
    """Return the refusal for an exception; None for a bug, which Django logs and answers."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, ConversionError):
        return FailedConversionError(error)
    if isinstance(error, broker.errors()):
        return QueueUnavailableError()
    if isinstance(error, OSError) and error.errno in DISK_IS_FULL:
        return LowDiskError()
    return None

"""What the web refuses, beside the pipeline's own errors: a code, a status, one sentence."""

import errno
from typing import Any

from converter.pipeline.errors import (
    ConversionCanceledError,
    ConversionError,
    ConversionTimeoutError,
    InputError,
    StartPastEndError,
    UnsupportedTypeError,
)


class RequestError(Exception):
    """A request that is answered with `status`, `code` and one sentence that says what to do."""

    def __init__(
        self, status: int, code: str, message: str, *, retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.retry_after_s = retry_after_s

    @property
    def payload(self) -> dict[str, Any]:
        """The one JSON form of all errors."""
        return {"success": False, "error": str(self), "code": self.code}


RETRY_AFTER_S = 10
DISK_IS_FULL = {errno.ENOSPC, errno.EDQUOT}
CANCELED_STATUS = 409

_STATUS: list[tuple[type[ConversionError], int]] = [
    (UnsupportedTypeError, 400),
    (StartPastEndError, 400),
    (InputError, 422),
    (ConversionTimeoutError, 503),
    (ConversionCanceledError, CANCELED_STATUS),
]


def as_request_error(error: ConversionError) -> RequestError:
    """The answer to a failed conversion: 4xx the sender's to mend, 503 out of time, 500 ours."""
    status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
    return RequestError(status, error.code, str(error))


def bad_request() -> RequestError:
    return RequestError(
        400,
        "invalid_field",
        "The request could not be read. Check its fields and its Host header.",
    )


def busy() -> RequestError:
    return RequestError(
        503,
        "busy",
        "Another video is being converted. Please try again in a few seconds.",
        retry_after_s=RETRY_AFTER_S,
    )


def expired() -> RequestError:
    return RequestError(
        404,
        "expired",
        "This link was used or has expired. Convert the video again to get a new one.",
    )


def low_disk() -> RequestError:
    return RequestError(
        503,
        "low_disk",
        "The server is out of disk space. Please try again in a minute.",
        retry_after_s=60,
    )


def shutting_down() -> RequestError:
    return RequestError(
        503,
        "shutting_down",
        "The server is restarting. Please try again in a few seconds.",
        retry_after_s=RETRY_AFTER_S,
    )


def method_not_allowed(*methods: str) -> RequestError:
    return RequestError(405, "method_not_allowed", f"Use {' or '.join(methods)} for this address.")


def unknown_job() -> RequestError:
    return RequestError(404, "unknown_job", "There is no such job; it may have expired.")


def queue_unavailable() -> RequestError:
    return RequestError(
        503,
        "queue_unavailable",
        "The conversion queue does not answer. Please try again in a minute.",
        retry_after_s=60,
    )


def rq_disabled() -> RequestError:
    return RequestError(
        400, "rq_disabled", "This server converts while you wait; it keeps no such job."
    )

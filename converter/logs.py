"""Filter the log: one line per event, without tokens and without text of clients or files."""

import logging
import re

from django.conf import settings

TAIL = 400
_REQUEST_ID = re.compile(r"[\w.:-]{1,64}", re.ASCII)
_TOKEN = re.compile(r"(/download/)[^/\s]+")


def without_token(text: str) -> str:
    """Replace the tokens in download URLs, which give access to the file.

    >>> without_token("/download/475e4ef9-3fce/")
    '/download/-/'
    """
    return _TOKEN.sub(r"\1-", text)


def printable(text: str) -> str:
    """Replace line ends and other control characters by spaces, so that no line can be forged.

    >>> printable("a\\nGET / 200")
    'a GET / 200'
    """
    return "".join(c if c.isprintable() else " " for c in text)


def request_id(header: str) -> str:
    """Return the X-Request-ID that a proxy or client sent; "-" for a missing or unsafe one.

    >>> request_id("58c9a1e2-7f3a"), request_id("a b"), request_id("")
    ('58c9a1e2-7f3a', '-', '-')
    """
    return header if _REQUEST_ID.fullmatch(header) else "-"


def one_line(report: str) -> str:
    """Return the end of a tool's output in one line, without control characters and paths.

    Indented lines are left out: ffmpeg indents a file's metadata, such as its title and location.
    """
    own = " ".join(line for line in report.splitlines() if not line.startswith(" "))
    return " ".join(printable(own[-TAIL:]).split()).replace(str(settings.MEDIA_ROOT), "")


class DjangoRequestFilter(logging.Filter):
    """Keep Django's records of crashes (with traceback) and suspicious requests (without).

    Other refusals are only in the access log, so that clients can't flood this log with tracebacks.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "django.request" and not _is_crash(record):
            return False
        if record.name.startswith("django.security"):
            record.exc_info = None
        if isinstance(record.args, tuple):
            record.args = tuple(without_token(a) if isinstance(a, str) else a for a in record.args)
        return True


def _is_crash(record: logging.LogRecord) -> bool:
    return record.exc_info is not None and getattr(record, "status_code", 500) >= 500

"""What goes into the log: one line an event, no tokens, no words of a client's or of a file's."""

import logging
import re

from django.conf import settings

TAIL = 400
_TOKEN = re.compile(r"(/download/)[^/\s]+")


def without_token(text: str) -> str:
    """The text without the tokens in download addresses: whoever has one has the file.

    >>> without_token("/download/475e4ef9-3fce/")
    '/download/-/'
    """
    return _TOKEN.sub(r"\1-", text)


def printable(text: str) -> str:
    """The text without line ends and other control characters: nobody writes lines of his own.

    >>> printable("a\\nGET / 200")
    'a GET / 200'
    """
    return "".join(c if c.isprintable() else " " for c in text)


def one_line(report: str) -> str:
    """The end of a tool's report in one line: no control characters, no paths.

    ffmpeg indents what it reads in the file: its title, where it was taken. None of our business.
    """
    own = " ".join(line for line in report.splitlines() if not line.startswith(" "))
    return " ".join(printable(own[-TAIL:]).split()).replace(str(settings.MEDIA_ROOT), "")


class DjangosLines(logging.Filter):
    """Of what Django says of requests: crashes with their traceback, and doubts about a client.

    Refusals have their line in the access log; a traceback of each would let clients flood it.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == "django.request" and not _is_crash(record):
            return False
        if record.name.startswith("django.security"):
            record.exc_info = None
        if isinstance(record.args, tuple):
            told = (without_token(a) if isinstance(a, str) else a for a in record.args)
            record.args = tuple(told)
        return True


def _is_crash(record: logging.LogRecord) -> bool:
    return record.exc_info is not None and getattr(record, "status_code", 500) >= 500

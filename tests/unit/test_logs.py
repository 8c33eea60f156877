"""Log lines are complete, and contain no private data."""

import logging

from converter.logs import DjangoRequestFilter, one_line, request_id

REPORT = """Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:{media}/work/tmpab/upload.mp4':
  Metadata:
    title           : Anna's birthday
                    : and her address
    location        : +48.1371+011.5754/
  Duration: 00:00:02.50, start: 0.000000, bitrate: 1 kb/s
[mov,mp4 @ 0x55] moov atom not found\x1b[31m
"""


def record(name: str, message: str, *args, exc_info=None, status=404) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.WARNING, "", 0, message, args, exc_info)
    made.status_code = status
    return made


def test_a_tools_output_is_logged_in_one_line_without_paths_and_metadata(settings):
    line = one_line(REPORT.format(media=settings.MEDIA_ROOT))
    assert line == (
        "Input #0, mov,mp4,m4a,3gp,3g2,mj2, from 'file:/work/tmpab/upload.mp4': "
        "[mov,mp4 @ 0x55] moov atom not found [31m"
    )


def test_a_refusal_is_logged_by_the_access_log_only():
    lines = DjangoRequestFilter()
    crash = (ValueError, ValueError("x"), None)
    assert not lines.filter(record("django.request", "%s: %s", "Not Found", "/download/secret/"))
    assert not lines.filter(record("django.request", "Bad request", exc_info=crash, status=400))
    assert lines.filter(record("converter.conversions", "job=%s finished", "1"))


def test_a_crash_is_logged_without_the_token():
    crash = record(
        "django.request",
        "%s: %s",
        "Internal Server Error",
        "/download/secret/",
        exc_info=(ValueError, ValueError("x"), None),
        status=500,
    )
    assert DjangoRequestFilter().filter(crash)
    assert crash.getMessage() == "Internal Server Error: /download/-/"
    assert crash.exc_info is not None


def test_a_warning_about_a_client_is_one_line():
    warning = record("django.security.RequestDataTooBig", "too big", exc_info=(None, None, None))
    assert DjangoRequestFilter().filter(warning)
    assert warning.exc_info is None


def test_a_request_id_that_could_forge_a_line_is_left_out():
    assert request_id("58c9a1e2-7f3a") == "58c9a1e2-7f3a"
    for forged in ("", "a b", "a\nGET / 200", "a" * 65, "\u0661", "a\n"):
        assert request_id(forged) == "-"

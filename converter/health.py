"""Check whether conversions work on this machine."""

import os
import tempfile
import uuid
from collections.abc import Callable
from typing import Any

from django.core.cache import cache

from chrome_background_converter import VERSION
from converter import broker, inline, jobs, storage
from converter.pipeline.ffmpeg import ffmpeg_path
from converter.web import admission


def _ffmpeg() -> None:
    if not os.access(ffmpeg_path(), os.X_OK):
        raise OSError("not executable")


def _media() -> None:
    # A file without a name, which the sweep can't remove.
    with tempfile.TemporaryFile(dir=storage.work_folder()):
        pass


def _cache() -> None:
    key = f"health:{uuid.uuid4()}"  # a new key each time, which the sweep can't find expired
    cache.set(key, 1, 10)
    if not cache.delete(key):
        raise OSError("does not keep what it is given")


CHECKS: dict[str, Callable[[], None]] = {
    "ffmpeg": _ffmpeg,
    "media": _media,
    "redis": broker.ping,
    "cache": _cache,
}


def failing() -> str | None:
    """Return the name of the first failing check, or None."""
    for name, check in CHECKS.items():
        try:
            check()
        except Exception:
            return name
    return None


def report() -> dict[str, Any]:
    """Return the response of GET /health/."""
    failed = failing()
    if failed:
        return {
            "status": "unhealthy",
            "message": f"The check {failed} fails.",
            "check": failed,
            "mode": jobs.mode(),
            "version": VERSION,
        }
    return {
        "status": "healthy",
        "message": "Chromi is running!",
        "mode": jobs.mode(),
        "busy": inline.conversions.is_full or admission.uploading.is_full,
        "queued": jobs.waiting(),
        "disk_free_mb": storage.free_bytes() // 1_000_000,
        "version": VERSION,
    }

"""System checks: a misconfigured deployment fails at start with a sentence."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from converter import health, storage
from converter.pipeline.capabilities import joins_graphs, writes_avif
from converter.pipeline.errors import ConversionError

PRIVATE_CACHES = ("locmem.LocMemCache", "dummy.DummyCache")


@register()
def check_cache_is_shared(**kwargs: Any) -> list[CheckMessage]:
    backend = settings.CACHES["default"]["BACKEND"]
    if settings.USE_RQ and backend.endswith((*PRIVATE_CACHES, "FileBasedCache", "SweptFileCache")):
        return [
            Error(
                "USE_RQ needs a cache that web and worker share.",
                hint="Set CACHES to Redis, as settings.py does when USE_RQ is on.",
                id="converter.E001",
            )
        ]
    return []


@register()
def check_health(**kwargs: Any) -> list[CheckMessage]:
    failed = health.failing()
    hints = {
        "ffmpeg": "Install imageio-ffmpeg, or set IMAGEIO_FFMPEG_EXE to the path of an ffmpeg.",
        "media": "Make MEDIA_ROOT writable for this user.",
        "redis": "Start Redis, or set REDIS_URL to its address: USE_RQ needs it.",
        "cache": "Make CACHE_DIR writable, or start the cache's server.",
    }
    if failed is None:
        return []
    return [Error(f"The check {failed} fails.", hint=hints.get(failed), id="converter.E002")]


@register()
def check_ffmpeg_version(**kwargs: Any) -> list[CheckMessage]:
    try:
        if joins_graphs():
            return []
    except (ConversionError, OSError):  # check_health reports it
        return []
    return [
        Error(
            "This ffmpeg is too old to decode videos.",
            hint="Use imageio-ffmpeg's own: unset IMAGEIO_FFMPEG_EXE.",
            id="converter.E006",
        )
    ]


@register()
def check_files_are_shared(**kwargs: Any) -> list[CheckMessage]:
    is_shared = not storage.is_local() or settings.SHARED_MEDIA
    if settings.USE_RQ and settings.MACHINES > 1 and not is_shared:
        return [
            Error(
                "Workers on another machine can't see uploads in a local MEDIA_ROOT.",
                hint="Set S3_BUCKET, or mount one volume on all machines and set SHARED_MEDIA.",
                id="converter.E003",
            )
        ]
    return []


@register()
def check_bucket(**kwargs: Any) -> list[CheckMessage]:
    if storage.is_local():
        return []
    if not settings.USE_RQ:
        return [
            Error(
                "S3_BUCKET needs USE_RQ: only the queue mode shares files.",
                id="converter.E004",
            )
        ]
    try:
        storage.verify_storage()
    except Exception as error:
        return [
            Error(
                f"Can't write to the bucket ({type(error).__name__}).",
                hint="Check the settings S3_*; the key needs put, get, head and delete.",
                id="converter.E005",
            )
        ]
    return []


@register()
def check_avif_encoder(**kwargs: Any) -> list[CheckMessage]:
    try:
        if writes_avif():
            return []
    except (ConversionError, OSError):  # check_health reports it
        return []
    return [
        Error(
            "This ffmpeg can't write AVIF: there would be no picture for Chrome and no theme.",
            hint="Unset IMAGEIO_FFMPEG_EXE to use imageio-ffmpeg's own, or build with libsvtav1.",
            id="converter.E007",
        )
    ]


@register(Tags.security, deploy=True)
def check_metrics_are_private(**kwargs: Any) -> list[CheckMessage]:
    if not settings.METRICS or settings.METRICS_TOKEN:
        return []
    return [
        Warning(
            "Anyone can read /metrics.",
            hint="Set METRICS_TOKEN, or let no request from outside reach that address.",
            id="converter.W003",
        )
    ]

"""The Redis that web and workers share: its connection, its errors, names of files that expire.

Used with USE_RQ only. redis is imported when it is needed: it takes 22 MB, which inline mode saves.
Nothing read from Redis is ever unpickled: the queue and Django's cache use JSON.
"""

import functools
import time
from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    from redis import Redis

# Stored names by the Unix second after which nobody wants the file.
EXPIRING_KEY = "chromi:expiring"
# The counts of /metrics, by name.
COUNTS_KEY = "chromi:counts"


def connect(*, timeout_s: float) -> "Redis":
    """A new connection that gives up after `timeout_s` and does not try again by itself."""
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    return Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=settings.REDIS_TIMEOUT,
        socket_timeout=timeout_s,
        retry=Retry(NoBackoff(), 0),
    )


@functools.cache
def connection() -> "Redis":
    """This process's connection."""
    return connect(timeout_s=settings.REDIS_TIMEOUT)


@functools.cache
def errors() -> tuple[type[Exception], ...]:
    """What is raised while the shared cache is away: no kind of error without USE_RQ."""
    if not settings.USE_RQ:
        return ()
    from redis import RedisError

    return (RedisError,)


def ping() -> None:
    """Raise one of errors() when Redis does not answer in time. Do nothing without USE_RQ."""
    if settings.USE_RQ:
        connection().ping()


def takeover_s() -> float:
    """How long it may take until a killed worker's job is given to another; 0 without USE_RQ."""
    return settings.WORKER_TTL if settings.USE_RQ else 0


def will_expire(name: str, *, after_s: float) -> None:
    """Note that the stored file `name` is to be removed after so long, whoever is alive then."""
    connection().zadd(EXPIRING_KEY, {name: time.time() + after_s})


def is_gone(name: str) -> None:
    """Forget the name: its file was removed."""
    connection().zrem(EXPIRING_KEY, name)


def expired() -> list[str]:
    """The names whose time is over."""
    due: Any = connection().zrange(EXPIRING_KEY, 0, time.time(), byscore=True)
    return [name.decode() for name in due]


def expiring(prefix: str) -> int:
    """How many files whose stored name begins with `prefix` are to be removed some time."""
    names: Any = connection().zrange(EXPIRING_KEY, 0, -1)
    return sum(name.decode().startswith(prefix) for name in names)


def add_counts(counts: dict[str, float]) -> bool:
    """Add to the counts in Redis, to all of them or to none; False without USE_RQ."""
    if not settings.USE_RQ:
        return False
    with connection().pipeline(transaction=True) as pipeline:
        for name, count in counts.items():
            pipeline.hincrbyfloat(COUNTS_KEY, name, count)
        pipeline.execute()
    return True


def counts() -> dict[str, float] | None:
    """The counts in Redis; None without USE_RQ."""
    if not settings.USE_RQ:
        return None
    found: Any = connection().hgetall(COUNTS_KEY)
    return {name.decode(): float(count) for name, count in found.items()}

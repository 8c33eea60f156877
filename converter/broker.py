"""Access the Redis that web processes and workers share: files that expire, and counts.

Only used with USE_RQ. redis is imported lazily, which saves 22 MB in inline mode. No data from
Redis is unpickled: the queue and Django's cache use JSON.
"""

import functools
import time
from typing import TYPE_CHECKING, Any

from django.conf import settings

if TYPE_CHECKING:
    from redis import Redis

# A sorted set of stored names, scored by the Unix time in s at which the file expires.
EXPIRING_KEY = "chromi:expiring"
# The counts of /metrics, by name.
COUNTS_KEY = "chromi:counts"


def connect(*, timeout_s: float) -> "Redis":
    """Return a new connection with the time-out `timeout_s` and without retries."""
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
    """Return this process's connection."""
    return connect(timeout_s=settings.REDIS_TIMEOUT)


@functools.cache
def errors() -> tuple[type[Exception], ...]:
    """Return the exceptions raised while Redis is down; an empty tuple without USE_RQ."""
    if not settings.USE_RQ:
        return ()
    from redis import RedisError

    return (RedisError,)


def ping() -> None:
    """Raise one of errors() if Redis doesn't answer in time. Do nothing without USE_RQ."""
    if settings.USE_RQ:
        connection().ping()


def takeover_s() -> float:
    """Return the longest time, in s, until another worker gets a killed worker's job (else 0)."""
    return settings.WORKER_TTL if settings.USE_RQ else 0


def register(name: str, *, after_s: float) -> None:
    """Register the stored file `name` for removal in `after_s` s, by any process."""
    connection().zadd(EXPIRING_KEY, {name: time.time() + after_s})


def unregister(name: str) -> None:
    """Forget the stored file `name`, because it was removed."""
    connection().zrem(EXPIRING_KEY, name)


def expired() -> list[str]:
    """Return the names of expired files."""
    due: Any = connection().zrange(EXPIRING_KEY, 0, time.time(), byscore=True)
    return [name.decode() for name in due]


def expiring(prefix: str) -> int:
    """Return the number of registered files whose stored name begins with `prefix`."""
    names: Any = connection().zrange(EXPIRING_KEY, 0, -1)
    return sum(name.decode().startswith(prefix) for name in names)


def add_counts(counts: dict[str, float]) -> bool:
    """Add to the counts in Redis, all in one transaction; return False without USE_RQ."""
    if not settings.USE_RQ:
        return False
    with connection().pipeline(transaction=True) as pipeline:
        for name, count in counts.items():
            pipeline.hincrbyfloat(COUNTS_KEY, name, count)
        pipeline.execute()
    return True


def counts() -> dict[str, float] | None:
    """Return the counts in Redis; None without USE_RQ."""
    if not settings.USE_RQ:
        return None
    found: Any = connection().hgetall(COUNTS_KEY)
    return {name.decode(): float(count) for name, count in found.items()}

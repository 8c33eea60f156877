"""Removes what nobody will fetch any more, and what a killed process left."""

import contextlib
import socket

from django.core.cache import cache

from converter import broker, storage

EVERY_S = 55


def if_due() -> None:
    """`purge_expired`, at most once a minute over a machine's processes."""
    with contextlib.suppress(*broker.errors()):  # the next sweep will do
        try:
            is_due = cache.add(f"swept:{socket.gethostname()}", 1, EVERY_S)
        except OSError:  # no room for the note: all the more reason
            is_due = True
        if is_due:
            purge_expired()


def purge_expired() -> int:
    """Remove files and cache entries whose time is over; how many files."""
    purge_cache = getattr(cache, "purge_expired", None)  # a Redis cache does it by itself
    if purge_cache is not None:
        purge_cache()
    return storage.purge_expired()

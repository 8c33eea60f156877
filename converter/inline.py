"""Inline mode: the web process converts while the client waits, MAX_CONVERSIONS at a time."""

import contextlib
from collections.abc import Iterator

from django.conf import settings

from converter import progress
from converter.slots import Slots

places = Slots(settings.MAX_CONVERSIONS)


@contextlib.contextmanager
def place(job_id: str) -> Iterator[None]:
    """Hold a place for the job's conversion and open its record. Raises RequestError."""
    with places.one():
        progress.begin(job_id, status="started")
        yield

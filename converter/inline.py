"""Inline mode: the web process converts while the client waits, MAX_CONVERSIONS at a time."""

import contextlib
import threading
from collections.abc import Iterator

from django.conf import settings

from converter.errors import BusyError


class Slots:
    """`places` places; whoever finds none free is refused at once instead of waiting."""

    def __init__(self, places: int, *, refusal: type[BusyError] = BusyError) -> None:
        self._free = places
        self._refusal = refusal
        self._counting = threading.Lock()

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Take a place for the block. Raises `refusal`."""
        with self._counting:
            if self.is_full:
                raise self._refusal
            self._free -= 1
        try:
            yield
        finally:
            with self._counting:
                self._free += 1

    @property
    def is_full(self) -> bool:
        return self._free <= 0


# An upload takes its place here when it is complete: a slow one keeps nobody from converting.
conversions = Slots(settings.MAX_CONVERSIONS)

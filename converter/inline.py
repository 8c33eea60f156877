"""Inline mode: the web process converts while the client waits, MAX_CONVERSIONS at a time."""

import contextlib
import threading
from collections.abc import Iterator

from django.conf import settings

from converter.errors import BusyError


class Slots:
    """Limit how many threads execute a block; refuse further ones immediately."""

    def __init__(self, places: int, *, refusal: type[BusyError] = BusyError) -> None:
        self._free = places
        self._refusal = refusal
        self._counting = threading.Lock()

    @contextlib.contextmanager
    def occupy(self) -> Iterator[None]:
        """Occupy a slot during the block. Raises `refusal` if none is free."""
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
        """Return whether no slot is free."""
        return self._free <= 0


# An upload occupies a slot when it is complete, so that a slow upload blocks no conversion.
conversions = Slots(settings.MAX_CONVERSIONS)

"""A number of places, for what only so many may do at a time."""

import contextlib
import threading
from collections.abc import Iterator

from converter.errors import BusyError


class Slots:
    """`places` places; whoever finds none free is refused at once instead of waiting."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._counting = threading.Lock()

    @contextlib.contextmanager
    def one(self) -> Iterator[None]:
        """Take a place for the block. Raises BusyError."""
        with self._counting:
            if self.is_full:
                raise BusyError
            self._free -= 1
        try:
            yield
        finally:
            with self._counting:
                self._free += 1

    @property
    def is_full(self) -> bool:
        return self._free <= 0

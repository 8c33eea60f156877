"""Django's file cache, which by itself keeps what has expired until somebody asks for it."""

from pathlib import Path

from django.core.cache.backends.filebased import FileBasedCache


class SweptFileCache(FileBasedCache):
    """A file cache that can be rid of its expired entries: else they crowd out live tokens."""

    def purge_expired(self) -> int:
        """Remove the expired entries; how many."""
        removed = 0
        for name in self._list_cache_files():
            try:
                with Path(name).open("rb") as file:
                    removed += self._is_expired(file)  # removes it, too
            except FileNotFoundError:  # another process was quicker
                continue
        return removed

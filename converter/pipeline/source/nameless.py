"""Temporary files for a child process, removed by the system even if this process is killed."""

import os
import tempfile
import weakref
from collections.abc import Iterable
from pathlib import Path


class NamelessFile:
    """A temporary file that exists as long as this object does; without a name on Linux."""

    def __init__(self, parts: Iterable[bytes]) -> None:
        """Write the parts. Raises OSError."""
        self._number, name = tempfile.mkstemp(prefix="chromi-")
        self._name = Path(name)
        self._close = weakref.finalize(self, os.close, self._number)
        if Path("/proc/self/fd").exists():
            self._name.unlink()
        else:  # macOS
            weakref.finalize(self, self._name.unlink)
        with open(self._number, "wb", closefd=False) as file:
            file.writelines(parts)

    @property
    def path(self) -> Path:
        """Return the path for this process and for the ffmpeg that it starts (see `ffmpeg`)."""
        return self._name if self._name.exists() else Path(f"/proc/self/fd/{self._number}")

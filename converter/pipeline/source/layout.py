"""Parse the layout of a partial upload, and restore the file as a sparse file."""

import bisect
import itertools
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from converter.pipeline.errors import IncompleteUploadError

MAX_TEXT_BYTES = 128 * 1024
MAX_RANGES = 4096
MAX_SIZE = 64 << 30
COPY_BYTES = 1 << 20
# Disk use that reveals a file system without sparse files; a sparse file takes a few KB.
MAX_EMPTY_BYTES = 4 << 20
DISK_BLOCK = 512  # the unit of st_blocks, independent of the file system


class LayoutError(ValueError):
    """The text is not a valid layout."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """A file of `size` bytes of which only `ranges` were sent: sorted (offset, length) pairs."""

    size: int
    ranges: tuple[tuple[int, int], ...]

    @property
    def sent_bytes(self) -> int:
        """Return the number of bytes that the upload must have."""
        return sum(length for _, length in self.ranges)

    @property
    def text(self) -> str:
        """Return the layout as JSON for `parse_layout`."""
        return json.dumps({"size": self.size, "ranges": self.ranges})

    def covers(self, start: int, end: int) -> bool:
        """Return whether all of [start, end) was sent, as far as it lies within the file."""
        end = min(end, self.size)
        if start >= end:
            return start >= 0
        index = bisect.bisect_right(self.ranges, (start, self.size + 1)) - 1
        if index < 0:
            return False
        offset, length = self.ranges[index]
        return end <= offset + length


def parse_layout(text: str) -> Layout:
    """Parse the JSON `text`. Raises LayoutError if it is invalid.

    >>> parse_layout('{"size": 100, "ranges": [[0, 10], [50, 5]]}').sent_bytes
    15
    """
    try:
        if len(text.encode()) > MAX_TEXT_BYTES:
            raise LayoutError("too long")
        # Refuse floats and NaN, which json accepts; int() refuses 5,000 digits itself.
        record = json.loads(text, parse_float=_refuse, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise LayoutError(f"no JSON of whole numbers: {type(error).__name__}") from error
    if not isinstance(record, dict) or record.keys() != {"size", "ranges"}:
        raise LayoutError("not size and ranges")
    size, ranges = record["size"], record["ranges"]
    if not _is_count(size) or not 0 < size <= MAX_SIZE:
        raise LayoutError("no such size")
    if not isinstance(ranges, list) or not 0 < len(ranges) <= MAX_RANGES:
        raise LayoutError("no such ranges")
    pairs = tuple(_pair(entry) for entry in ranges)
    for (offset, length), (following, _) in itertools.pairwise(pairs):
        if following <= offset + length:
            raise LayoutError("ranges that touch, overlap or are out of order")
    if sum(pairs[-1]) > size:
        raise LayoutError("ranges beyond the size")
    return Layout(size=size, ranges=pairs)


def _refuse(text: str) -> Any:
    raise LayoutError(f"not a whole number: {text[:20]}")


def _is_count(value: object) -> bool:
    return type(value) is int  # bool is a subclass of int


def _pair(entry: object) -> tuple[int, int]:
    if not isinstance(entry, list) or len(entry) != 2 or not all(_is_count(n) for n in entry):
        raise LayoutError("not a pair of whole numbers")
    offset, length = entry
    if offset < 0 or length <= 0:
        raise LayoutError("not a range")
    return offset, length


def lay_out(upload: Path, layout: Layout, target: Path) -> None:
    """Write the file that `layout` describes to `target`, a new sparse file.

    It takes as much disk space as the upload. Raises IncompleteUploadError if the upload is shorter
    than the layout or the disk can't store such a file, and OSError.
    """
    with upload.open("rb") as source, target.open("xb", buffering=0) as whole:
        if os.fstat(source.fileno()).st_size != layout.sent_bytes:
            raise IncompleteUploadError(detail="the layout is not the upload's")
        try:
            whole.truncate(layout.size)
        except OSError as error:  # larger than the file system or RLIMIT_FSIZE allows
            raise IncompleteUploadError(detail=f"truncate: {error.strerror}") from error
        if os.fstat(whole.fileno()).st_blocks * DISK_BLOCK > MAX_EMPTY_BYTES:
            raise IncompleteUploadError(detail="this file system has no sparse files")
        for piece, offset in _pieces(layout):
            data = source.read(piece)
            if os.pwrite(whole.fileno(), data, offset) != piece:
                raise OSError(f"short write at {offset}")


def _pieces(layout: Layout) -> Iterator[tuple[int, int]]:
    """Yield the ranges in pieces of at most COPY_BYTES: (length, offset)."""
    for offset, length in layout.ranges:
        for start in range(0, length, COPY_BYTES):
            yield min(COPY_BYTES, length - start), offset + start

"""Check the top-level boxes of a partially uploaded MP4 or MOV (ISO/IEC 14496-12, 4.2)."""

import struct
from typing import IO

from converter.pipeline.errors import IncompleteUploadError
from converter.pipeline.source.layout import Layout

# Media data and padding may have holes, but ffmpeg reads a few bytes at their beginning.
SPARSE = {b"mdat", b"free", b"skip", b"wide"}
SPARSE_HEAD = 32
MAX_BOXES = 40_000


def require_boxes(file: IO[bytes], layout: Layout) -> None:
    """Raise IncompleteUploadError if a box other than media data or padding has a hole."""
    at = 0
    for _ in range(MAX_BOXES):
        if at >= layout.size:
            return
        if not layout.covers(at, at + 16):
            raise IncompleteUploadError(detail=f"a hole in the box at {at}")
        file.seek(at)
        head = file.read(16)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head[:8])
        header = 8
        if length == 1 and len(head) == 16:
            length, header = struct.unpack(">Q", head[8:])[0], 16
        if length == 0:
            length = layout.size - at
        if length < header:
            raise IncompleteUploadError(detail=f"no box at {at}")
        needed = min(length, SPARSE_HEAD) if kind in SPARSE else length
        if not layout.covers(at, at + needed):
            raise IncompleteUploadError(detail=f"a hole in {kind!r} at {at}")
        at += length
    raise IncompleteUploadError(detail="too many boxes")

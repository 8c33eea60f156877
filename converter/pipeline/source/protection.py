"""Detect encrypted video by the file's structure. ffmpeg reports no error and decodes noise.

Sources: ISO/IEC 14496-12, 8.12 (sample entry `encv`), and RFC 9559 (ContentEncodings).
"""

import os
import re
from pathlib import Path
from typing import IO

from converter.pipeline.source.sniff import Container

PATH_TO_ENTRIES = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd")
MOST_BOXES = 4096
MATROSKA_HEAD = 256 * 1024
# ContentEncodings, ContentEncoding, ContentEncryption, then ContentEncAlgo or ContentEncKeyID.
_MATROSKA = re.compile(rb"\x6d\x80.{1,8}\x62\x40.{1,40}?\x50\x35.{1,8}?\x47[\xe1\xe2]", re.DOTALL)


def is_protected(path: Path, *, container: Container) -> bool:
    """Return whether a video track of the file at `path` is encrypted."""
    with path.open("rb") as file:
        if container == "matroska":
            return bool(_MATROSKA.search(file.read(MATROSKA_HEAD)))
        if container == "mov":
            size = file.seek(0, os.SEEK_END)
            return _has_entry(file, 0, size, depth=0, left=[MOST_BOXES])
    return False


def _has_entry(file: IO[bytes], at: int, end: int, *, depth: int, left: list[int]) -> bool:
    """Return whether the boxes in [at, end) lead along PATH_TO_ENTRIES to an `encv` entry.

    `depth` is the number of parents in that path; `left` counts down from MOST_BOXES.
    """
    while at + 8 <= end and left[0] > 0:
        left[0] -= 1
        file.seek(at)
        head = file.read(16)
        size, kind, skip = int.from_bytes(head[:4], "big"), head[4:8], 8
        if size == 1:
            size, skip = int.from_bytes(head[8:16], "big"), 16
        size = min(size or end - at, end - at)
        if depth == len(PATH_TO_ENTRIES):
            if kind == b"encv":
                return True
        elif kind == PATH_TO_ENTRIES[depth]:
            skip += 8 if kind == b"stsd" else 0  # version, flags and the number of entries
            if _has_entry(file, at + skip, at + size, depth=depth + 1, left=left):
                return True
        if size < 8:
            return False
        at += size
    return False

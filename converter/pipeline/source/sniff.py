"""Detect a file's container by its first bytes. Other files never reach ffmpeg."""

from pathlib import Path
from typing import Literal

from converter.pipeline.errors import UnsupportedTypeError

Container = Literal["mov", "matroska", "gif"]

SNIFF_BYTES = 4096
# First boxes of ISO 14496-12 and QuickTime files; size in bytes 0-3, type in bytes 4-7. The second
# row is rare: pnot from cameras until 2008, styp from CMAF segments.
MOV_BOXES = {
    *(b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"),
    *(b"pnot", b"styp", b"uuid", b"udta", b"meta", b"sidx", b"junk", b"PICT", b"pict"),
}
EBML_MAGIC = b"\x1a\x45\xdf\xa3"
DOC_TYPE_WITHIN = 64


def container_of(head: bytes) -> Container | None:
    """Return ffmpeg's demuxer name for the first bytes `head`; None for other files.

    >>> container_of(b"GIF89a...")
    'gif'
    >>> container_of(b"#EXTM3U") is None
    True
    """
    if head[4:8] in MOV_BOXES:
        return "mov"
    early = head[:DOC_TYPE_WITHIN]
    if head.startswith(EBML_MAGIC) and (b"webm" in early or b"matroska" in early):
        return "matroska"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    return None


def sniff(path: Path) -> Container:
    """Return the container of the file at `path`. Raises UnsupportedTypeError."""
    with path.open("rb") as file:
        container = container_of(file.read(SNIFF_BYTES))
    if container is None:
        raise UnsupportedTypeError
    return container

"""Rewrite a GIF so that ffmpeg plays it as browsers do (GIF89a, sections 18 to 27).

The compressed pictures are copied without decoding. These parts of the structure change:

- Each picture gets its own colour table, and the global table is removed, because ffmpeg fills the
  canvas with its background colour. Browsers leave the canvas transparent.
- Each picture gets a control block, because ffmpeg joins or skips pictures without one.
- A delay below 2 cs and a missing delay become 10 cs.
- A picture without any colour table is replaced by a transparent pixel, because ffmpeg stops there.
"""

import contextlib
import itertools
import mmap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from converter.pipeline.source.nameless import NamelessFile

IMAGE, EXTENSION, TRAILER, CONTROL = 0x2C, 0x21, 0x3B, 0xF9
HEADER_BYTES, IMAGE_BYTES = 13, 10
LEAST_DELAY_CS, DEFAULT_DELAY_CS = 2, 10
# Disposal methods; some old encoders wrote 4 instead of 3.
DISPOSALS = {0: 0, 1: 1, 2: 2, 3: 3, 4: 3}
# Their colour tables take up to 77 MB; at 2 cs each they play for half an hour.
MOST_PICTURES = 100_000
# A picture of one transparent pixel: position, size, a table of two colours, compressed data.
NOTHING = b"\x2c" + bytes(4) + b"\x01\0\x01\0\x80" + bytes(6) + b"\x02\x02\x44\x01\0"


@dataclass(frozen=True)
class _Control:
    """The fields of a graphic control block, which apply to the next picture."""

    disposal: int = 0
    delay_cs: int = 0
    transparent: int | None = None

    def to_bytes(self) -> bytes:
        """Return the control block with a corrected delay and disposal method."""
        delay = self.delay_cs if self.delay_cs >= LEAST_DELAY_CS else DEFAULT_DELAY_CS
        flags = DISPOSALS.get(self.disposal, 0) << 2 | (self.transparent is not None)
        index = self.transparent or 0
        return bytes((EXTENSION, CONTROL, 4, flags, *delay.to_bytes(2, "little"), index, 0))


def rewrite(path: Path) -> NamelessFile | None:
    """Return the rewritten GIF; None if it has no picture. Raises OSError.

    Of a file that is cut off, the available part of the last picture is included.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as gif:
        pictures = _pictures(gif)
        first = next(pictures, None)
        if first is None:
            return None
        head = b"GIF89a" + gif[6:10] + bytes((gif[10] & 0x70, 0, gif[12]))
        return NamelessFile(itertools.chain([head, first], pictures, [bytes((TRAILER,))]))


def _pictures(gif: mmap.mmap) -> Iterator[bytes]:
    """Yield each picture with its control block; stop without an error at the end of the file."""
    with contextlib.suppress(IndexError):
        flags = gif[HEADER_BYTES - 3]
        at = HEADER_BYTES + _table_bytes(flags)
        shared = (flags & 7, gif[HEADER_BYTES:at]) if flags & 0x80 else None
        control = _Control()
        for _ in range(MOST_PICTURES):
            while gif[at] != IMAGE:
                if gif[at] == EXTENSION:
                    if gif[at + 1] == CONTROL and gif[at + 2] >= 4:
                        control = _read_control(gif, at + 3)
                    at = _after_sub_blocks(gif, at + 2)
                elif gif[at] == 0:  # some encoders write a zero between blocks
                    at += 1
                else:
                    return
            head = gif[at : at + IMAGE_BYTES]
            table_at = at + IMAGE_BYTES
            own = _table_bytes(head[9])
            table = (head[9] & 7, gif[table_at : table_at + own]) if own else shared
            data_at = table_at + own
            if data_at >= len(gif):
                return
            end = _after_sub_blocks(gif, data_at + 1, is_cut_allowed=True)
            if table is None:
                nothing = _Control(1, control.delay_cs, transparent=0)
                yield nothing.to_bytes() + NOTHING
            else:
                size, colours = table
                place = head[:9] + bytes((0x80 | head[9] & 0x40 | size,))
                yield control.to_bytes() + place + colours + gif[data_at:end]
            control, at = _Control(), end


def _table_bytes(flags: int) -> int:
    """Return the size in bytes of the colour table that the packed `flags` describe."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _read_control(gif: mmap.mmap, at: int) -> _Control:
    flags, low, high, index = (gif[at + n] for n in range(4))
    return _Control(flags >> 2 & 7, low | high << 8, index if flags & 1 else None)


def _after_sub_blocks(gif: mmap.mmap, at: int, *, is_cut_allowed: bool = False) -> int:
    """Return the offset after the data sub-blocks at `at`.

    Raises IndexError if they are cut off, unless `is_cut_allowed`; then return the file's length.
    """
    while at < len(gif) or not is_cut_allowed:
        if not gif[at]:
            return at + 1
        at += gif[at] + 1
    return len(gif)

"""A GIF written again so that ffmpeg plays it as browsers do (GIF89a, sections 18 to 27).

The pictures' compressed data is copied, nothing is decoded. What changes is their structure:

- Each picture has its own colour table, and the file has none: ffmpeg fills the canvas with the
  background colour of a global table, browsers leave it transparent.
- Each picture has a control block: ffmpeg joins or misses pictures that have none.
- A delay below 2 cs is 10 cs, and so is a missing one.
- A picture without any colour table draws nothing; ffmpeg ends there.
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
# Disposal methods 0 to 3; 4 is what some old encoders wrote for 3.
DISPOSALS = {0: 0, 1: 1, 2: 2, 3: 3, 4: 3}
# A colour table for each makes 77 MB of these; at 2 cs each they play for half an hour.
MOST_PICTURES = 100_000
# One transparent pixel: its place and size, a table of two colours, and its code.
NOTHING = b"\x2c" + bytes(4) + b"\x01\0\x01\0\x80" + bytes(6) + b"\x02\x02\x44\x01\0"


@dataclass(frozen=True)
class _Control:
    """What a control block says of the next picture."""

    disposal: int = 0
    delay_cs: int = 0
    transparent: int | None = None

    def written(self) -> bytes:
        delay = self.delay_cs if self.delay_cs >= LEAST_DELAY_CS else DEFAULT_DELAY_CS
        flags = DISPOSALS.get(self.disposal, 0) << 2 | (self.transparent is not None)
        index = self.transparent or 0
        return bytes((EXTENSION, CONTROL, 4, flags, *delay.to_bytes(2, "little"), index, 0))


def rewrite(path: Path) -> NamelessFile | None:
    """Return the GIF as browsers play it; None if it has no picture. Raises OSError.

    A file that breaks off ends with what is there of its last picture.
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as gif:
        pictures = _pictures(gif)
        first = next(pictures, None)
        if first is None:
            return None
        head = b"GIF89a" + gif[6:10] + bytes((gif[10] & 0x70, 0, gif[12]))
        return NamelessFile(itertools.chain([head, first], pictures, [bytes((TRAILER,))]))


def _pictures(gif: mmap.mmap) -> Iterator[bytes]:
    """Yield each picture with its control block; ends quietly where the file does."""
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
                elif gif[at] == 0:  # some writers leave one between blocks
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
                yield nothing.written() + NOTHING
            else:
                size, colours = table
                place = head[:9] + bytes((0x80 | head[9] & 0x40 | size,))
                yield control.written() + place + colours + gif[data_at:end]
            control, at = _Control(), end


def _table_bytes(flags: int) -> int:
    """Return the size of the colour table that packed `flags` announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _read_control(gif: mmap.mmap, at: int) -> _Control:
    flags, low, high, index = (gif[at + n] for n in range(4))
    return _Control(flags >> 2 & 7, low | high << 8, index if flags & 1 else None)


def _after_sub_blocks(gif: mmap.mmap, at: int, *, is_cut_allowed: bool = False) -> int:
    """Return where the chain of data sub-blocks at `at` ends. Raises IndexError if it is cut off.

    If `is_cut_allowed` the end of the file ends it too.
    """
    while at < len(gif) or not is_cut_allowed:
        if not gif[at]:
            return at + 1
        at += gif[at] + 1
    return len(gif)

"""Check an animated AVIF by its structure, without decoding frames.

Sources: ISO/IEC 14496-12 (boxes) and https://aomediacodec.github.io/av1-avif/.
"""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from converter.pipeline.errors import OutputError

# Boxes that contain only boxes, and the number of bytes before the first one.
_NESTS = {b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0, b"edts": 0, b"stsd": 8}
Box = tuple[bytes, int, int]


@dataclass(frozen=True, kw_only=True)
class AnimationFacts:
    """Properties of an animation: size in px, frames, exact length in s, endless or not, bytes."""

    width: int
    height: int
    frames: int
    seconds: Fraction
    loops: bool
    bytes: int

    def described(self) -> dict[str, Any]:
        """Return the facts as plain values for the API."""
        return {
            "width": self.width,
            "height": self.height,
            "frames": self.frames,
            "duration_ms": round(self.seconds * 1000),
            "bytes": self.bytes,
        }


def _boxes(data: mmap.mmap, at: int, end: int) -> Iterator[Box]:
    """Yield each box between `at` and `end`, nested ones too: (type, content's begin and end)."""
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8 or at + size > end:
            raise ValueError(f"box {kind!r} of {size} bytes at {at}")
        yield kind, at + 8, at + size
        if kind in _NESTS:
            yield from _boxes(data, at + 8 + _NESTS[kind], at + size)
        at += size


def _facts(data: mmap.mmap) -> AnimationFacts:
    """Return the facts of an image sequence with one track. Raises ValueError, struct.error."""
    found = {kind: (begin, end) for kind, begin, end in _boxes(data, 0, len(data))}
    if data[8:12] != b"avis" or b"stts" not in found:
        raise ValueError("no AVIF image sequence")
    version = data[found[b"mdhd"][0]]
    (timescale,) = struct.unpack_from(">I", data, found[b"mdhd"][0] + (20 if version else 12))
    begin = found[b"stts"][0]
    (runs,) = struct.unpack_from(">I", data, begin + 4)
    times = [struct.unpack_from(">II", data, begin + 8 + 8 * k) for k in range(runs)]
    width, height = struct.unpack_from(">HH", data, found[b"av01"][0] + 24)
    # A track plays endlessly if its edit list repeats (flag 1) and its duration is the maximum.
    tkhd = found[b"tkhd"][0]
    form, at = (">Q", tkhd + 28) if data[tkhd] else (">I", tkhd + 20)
    (length,) = struct.unpack_from(form, data, at)
    repeats = bool(data[found[b"elst"][0] + 3] & 1) if b"elst" in found else False
    return AnimationFacts(
        width=width,
        height=height,
        frames=sum(count for count, _ in times),
        seconds=Fraction(sum(count * ticks for count, ticks in times), timescale),
        loops=repeats and length >= 0x7FFFFFFF,
        bytes=len(data),
    )


def inspect_animation(path: Path) -> AnimationFacts:
    """Read the facts from the file. Raises OutputError if it is no animated AVIF."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _facts(data)
    except (OSError, ValueError, KeyError, IndexError, struct.error) as error:
        raise OutputError(detail=f"unreadable animation: {error}") from error


def verify_animation(path: Path, *, size: tuple[int, int], frames: int, fps: int) -> AnimationFacts:
    """Return the facts of an endless animation of `size` px with `frames` frames at `fps`.

    Raises OutputError if the file is not exactly that.
    """
    facts = inspect_animation(path)
    promised = (*size, frames, Fraction(frames, fps), True)
    found = (facts.width, facts.height, facts.frames, facts.seconds, facts.loops)
    if found != promised:
        raise OutputError(detail=f"promised {promised}, wrote {found}")
    return facts

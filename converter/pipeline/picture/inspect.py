"""Reads an animated AVIF's or WebP's structure back and holds it to what we promise.

ISO/IEC 14496-12 (boxes), https://aomediacodec.github.io/av1-avif/ and
https://developers.google.com/speed/webp/docs/riff_container; no picture is decoded.
"""

import mmap
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from converter.pipeline.errors import OutputError
from converter.pipeline.picture.formats import Format
from converter.pipeline.profile import ConversionProfile

# Boxes that only hold boxes, and how many bytes come before the first.
_NESTS = {b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0, b"edts": 0, b"stsd": 8}
Box = tuple[bytes, int, int]


@dataclass(frozen=True, kw_only=True)
class AnimationFacts:
    """What an animation says of itself: size in px, frames, exact length in s, endless or not."""

    width: int
    height: int
    frames: int
    seconds: Fraction
    loops: bool
    bytes: int


def _boxes(data: mmap.mmap, at: int, end: int) -> Iterator[Box]:
    """Each box between `at` and `end`, nested ones too: (type, begin and end of its content)."""
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8 or at + size > end:
            raise ValueError(f"box {kind!r} of {size} bytes at {at}")
        yield kind, at + 8, at + size
        if kind in _NESTS:
            yield from _boxes(data, at + 8 + _NESTS[kind], at + size)
        at += size


def inspect_avif(data: mmap.mmap) -> AnimationFacts:
    """The facts of an AVIF image sequence with one track. Raises ValueError, struct.error."""
    found = {kind: (begin, end) for kind, begin, end in _boxes(data, 0, len(data))}
    if data[8:12] != b"avis" or b"stts" not in found:
        raise ValueError("no AVIF image sequence")
    version = data[found[b"mdhd"][0]]
    (timescale,) = struct.unpack_from(">I", data, found[b"mdhd"][0] + (20 if version else 12))
    begin = found[b"stts"][0]
    (runs,) = struct.unpack_from(">I", data, begin + 4)
    times = [struct.unpack_from(">II", data, begin + 8 + 8 * k) for k in range(runs)]
    width, height = struct.unpack_from(">HH", data, found[b"av01"][0] + 24)
    # An edit list that repeats (flag 1) in a track without an end plays for ever.
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


def inspect_webp(data: mmap.mmap) -> AnimationFacts:
    """The facts of an animated WebP. Raises ValueError, struct.error."""
    if data[:4] != b"RIFF" or data[8:16] != b"WEBPVP8X":
        raise ValueError("no extended WebP")
    width, height = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
    at, frames, ms, loops = 12, 0, 0, False
    while at + 8 <= len(data):
        kind, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if kind == b"ANIM":
            loops = data[at + 12 : at + 14] == b"\0\0"
        elif kind == b"ANMF":
            frames += 1
            ms += int.from_bytes(data[at + 20 : at + 23], "little")
        at += 8 + size + size % 2
    return AnimationFacts(
        width=width,
        height=height,
        frames=frames,
        seconds=Fraction(ms, 1000),
        loops=loops,
        bytes=len(data),
    )


def inspect_animation(path: Path, *, form: Format) -> AnimationFacts:
    """The file's facts. Raises OutputError when it is broken or something else."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return inspect_avif(data) if form == "avif" else inspect_webp(data)
    except (OSError, ValueError, KeyError, IndexError, struct.error) as error:
        raise OutputError(detail=f"broken {form}: {error}") from error


def verify_animation(
    path: Path, *, form: Format, profile: ConversionProfile, frames: int
) -> AnimationFacts:
    """The file's facts, if it is all that we promise of `frames` frames. Raises OutputError.

    WebP counts in whole ms and joins equal frames; AVIF is exact.
    """
    facts = inspect_animation(path, form=form)
    is_right = (
        (facts.width, facts.height) == (profile.width, profile.height)
        and facts.loops
        and 1 <= facts.frames <= frames
        and (
            form == "webp"
            or (facts.frames, facts.seconds) == (frames, Fraction(frames, profile.fps))
        )
    )
    if not is_right:
        raise OutputError(detail=f"wrote {facts} for {profile}")
    return facts

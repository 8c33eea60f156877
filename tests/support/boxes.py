"""Write MP4 and MOV files (ISO 14496-12) with arbitrary, also invalid, values; read their boxes."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

IDENTITY = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def box(kind: bytes, *parts: bytes) -> bytes:
    payload = b"".join(parts)
    return struct.pack(">I4s", 8 + len(payload), kind) + payload


def full(kind: bytes, *parts: bytes, version: int = 0, flags: int = 0) -> bytes:
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def words(*numbers: int) -> bytes:
    """Pack 32-bit big-endian numbers, negative ones in two's complement."""
    return b"".join(struct.pack(">I", n & 0xFFFFFFFF) for n in numbers)


def ftyp(brand: bytes = b"isom") -> bytes:
    return box(b"ftyp", brand, words(512), brand, b"mp41")


def find(data: bytes, *path: bytes, start: int = 0, end: int | None = None) -> tuple[int, int]:
    """Return the first and last+1 byte of the payload of the first box at `path`."""
    end = len(data) if end is None else end
    while start + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, start)
        if kind == path[0]:
            inside = (start + 8, start + size)
            return (
                inside if len(path) == 1 else find(data, *path[1:], start=inside[0], end=inside[1])
            )
        start += size
    raise KeyError(path)


def patched(data: bytes, *path: bytes, at: int, new: bytes) -> bytes:
    """Return `data` with `new` at byte `at` of the payload of the box at `path`."""
    start = find(data, *path)[0] + at
    return data[:start] + new + data[start + len(new) :]


STBL = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


def samples(data: bytes) -> tuple[bytes, list[bytes]]:
    """Return the sample entry and the samples of the first track, in decoding order."""

    def table(kind: bytes) -> tuple[int, ...]:
        start, end = find(data, *STBL, kind)
        return struct.unpack(f">{(end - start) // 4}I", data[start:end])

    entry_start, entry_end = find(data, *STBL, b"stsd")
    fixed, count, *sizes = table(b"stsz")[1:]
    sizes = sizes or [fixed] * count
    chunks = table(b"stco")[2:]
    runs = [table(b"stsc")[2:][n : n + 3] for n in range(0, len(table(b"stsc")) - 2, 3)]
    found: list[bytes] = []
    for number, offset in enumerate(chunks, 1):
        for _ in range([run[1] for run in runs if run[0] <= number][-1]):
            size = sizes[len(found)]
            found.append(data[offset : offset + size])
            offset += size
    return data[entry_start + 8 : entry_end], found


@dataclass(frozen=True)
class Track:
    """A trak box; `tables` replaces the payload of boxes by name, for invalid files."""

    entry: bytes
    samples: Sequence[bytes]
    durations: Sequence[int]  # in units of 1/timescale s
    timescale: int = 1000
    size: tuple[int, int] = (128, 72)
    edits: Sequence[tuple[int, int]] = ()  # (duration in 1/1000 s, media time or -1)
    handler: bytes = b"vide"
    matrix: bytes = IDENTITY
    length: int | None = None
    dref: bytes = full(b"url ", flags=1)
    tables: Mapping[bytes, bytes] = field(default_factory=dict)

    def trak(self, number: int, offsets: Sequence[int]) -> bytes:
        length = sum(self.durations) if self.length is None else self.length
        millis = length * 1000 // max(1, self.timescale)
        width, height = self.size
        head = words(0, 0, number, 0, millis, 0, 0, 0, 0) + self.matrix
        tables = {
            b"mdhd": words(0, 0, 0, self.timescale, length) + b"\x55\xc4\0\0",
            b"hdlr": words(0, 0) + self.handler + words(0, 0, 0) + b"h\0",
            b"stsd": words(0, 1) + self.entry,
            b"stts": words(0, len(self.durations), *(w for d in self.durations for w in (1, d))),
            b"stsc": words(0, 1, 1, 1, 1),
            b"stsz": words(0, 0, len(self.samples), *(len(s) for s in self.samples)),
            b"stco": words(0, len(offsets), *offsets),
            **self.tables,
        }
        listed = [w for d, m in self.edits for w in (d, m, 0x10000)]
        edts = box(b"edts", full(b"elst", words(len(self.edits), *listed))) if self.edits else b""
        media_head = (
            full(b"vmhd", bytes(8), flags=1) if self.handler == b"vide" else full(b"smhd", bytes(4))
        )
        stbl = box(
            b"stbl",
            *(box(kind, tables[kind]) for kind in tables if kind[:2] == b"st" or kind == b"ctts"),
        )
        minf = box(b"minf", media_head, box(b"dinf", full(b"dref", words(1), self.dref)), stbl)
        return box(
            b"trak",
            full(b"tkhd", head, words(width << 16, height << 16), flags=3),
            edts,
            box(b"mdia", box(b"mdhd", tables[b"mdhd"]), box(b"hdlr", tables[b"hdlr"]), minf),
        )


def movie(
    *tracks: Track,
    timescale: int = 1000,
    length: int | None = None,
    brand: bytes = b"isom",
    inside: bytes = b"",
    media: bytes | None = None,
) -> bytes:
    """Return ftyp, mdat, moov, `inside` is added to moov, `media` replaces mdat."""
    head = ftyp(brand)
    place, offsets, payload = len(head) + 8, [], []
    for track in tracks:
        here = []
        for sample in track.samples:
            here.append(place)
            payload.append(sample)
            place += len(sample)
        offsets.append(here)
    longest = max((sum(t.durations) * 1000 // max(1, t.timescale) for t in tracks), default=0)
    longest = longest if length is None else length
    mvhd = full(
        b"mvhd",
        words(0, 0, timescale, longest, 0x10000),
        b"\1\0",
        bytes(10),
        IDENTITY,
        bytes(24),
        words(99),
    )
    traks = [track.trak(n, offsets[n - 1]) for n, track in enumerate(tracks, 1)]
    mdat = b"".join(payload) if media is None else media
    return head + box(b"mdat", mdat) + box(b"moov", mvhd, *traks, inside)

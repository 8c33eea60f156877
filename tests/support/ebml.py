"""Write EBML files (WebM, Matroska; RFC 8794, RFC 9559) with arbitrary, also invalid, values."""

import struct
from collections.abc import Sequence

UNKNOWN = b"\x01\xff\xff\xff\xff\xff\xff\xff"
SEGMENT, INFO, TRACKS, CLUSTER, TAGS = "18538067", "1549A966", "1654AE6B", "1F43B675", "1254C367"


def size(number: int) -> bytes:
    return bytes([0x80 | number]) if number < 127 else struct.pack(">Q", 1 << 56 | number)


def element(ident: str, *parts: bytes) -> bytes:
    payload = b"".join(parts)
    return bytes.fromhex(ident) + size(len(payload)) + payload


def endless(ident: str, *parts: bytes) -> bytes:
    """Write an element of unknown size, as live recorders do."""
    return bytes.fromhex(ident) + UNKNOWN + b"".join(parts)


def uint(ident: str, number: int) -> bytes:
    return element(ident, number.to_bytes(max(1, (number.bit_length() + 7) // 8), "big"))


def text(ident: str, value: bytes) -> bytes:
    return element(ident, value)


def real(ident: str, number: float) -> bytes:
    return element(ident, struct.pack(">d", number))


def header(doctype: bytes = b"webm") -> bytes:
    parts = [("4286", 1), ("42F7", 1), ("42F2", 4), ("42F3", 8)]
    last = [("4287", 4), ("4285", 2)]
    return element(
        "1A45DFA3", *(uint(*p) for p in parts), text("4282", doctype), *(uint(*p) for p in last)
    )


def info(*extra: bytes, scale: int = 1_000_000) -> bytes:
    return element(
        INFO, uint("2AD7B1", scale), text("4D80", b"Chrome"), text("5741", b"Chrome"), *extra
    )


def video_track(
    codec: bytes = b"V_VP8",
    *,
    number: int = 1,
    size: tuple[int, int] = (128, 72),
    extra: bytes = b"",
) -> bytes:
    video = element("E0", uint("B0", size[0]), uint("BA", size[1]))
    ids = (uint("D7", number), uint("73C5", number), uint("83", 1))
    return element("AE", *ids, text("86", codec), video, extra)


def block(data: bytes, millis: int, *, key: bool, number: int = 1) -> bytes:
    """Write a SimpleBlock `millis` ms after its cluster."""
    return element(
        "A3", bytes([0x80 | number]), struct.pack(">hB", millis, 0x80 if key else 0), data
    )


def cluster(millis: int, blocks: Sequence[bytes], *, unknown: bool = False) -> bytes:
    return (endless if unknown else element)(CLUSTER, uint("E7", millis), *blocks)


def recorded(
    codec: bytes,
    packets: Sequence[bytes],
    *,
    fps: float = 24,
    size: tuple[int, int] = (128, 72),
    first: int = 0,
) -> bytes:
    """Write a file as browsers record it: unknown sizes, no duration or cues, a cluster per s."""
    clusters, per = [], max(1, round(fps))
    for n in range(0, len(packets), per):
        blocks = [
            block(p, round(i * 1000 / fps), key=n + i == 0)
            for i, p in enumerate(packets[n : n + per])
        ]
        clusters.append(cluster(first + round(n * 1000 / fps), blocks, unknown=True))
    tracks = element(TRACKS, video_track(codec, size=size))
    return header() + endless(SEGMENT, info(), tracks, *clusters)


def packets(ivf: bytes) -> list[bytes]:
    """Return the frames of an IVF file."""
    place, found = struct.unpack_from("<H", ivf, 6)[0], []
    while place + 12 <= len(ivf):
        length = struct.unpack_from("<I", ivf, place)[0]
        found.append(ivf[place + 12 : place + 12 + length])
        place += 12 + length
    return found

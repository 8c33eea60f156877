"""Write GIF89a files with arbitrary, also invalid, values."""

import struct

LOOP = b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"
TRAILER = b";"
GREYS = bytes(v for n in range(128) for v in (2 * n, 2 * n, 2 * n))
RGBY = bytes((210, 20, 20, 20, 170, 20, 20, 20, 210, 220, 220, 20)) + GREYS[12:]


def screen(width: int, height: int, palette: bytes = RGBY, version: bytes = b"GIF89a") -> bytes:
    """Write the header, the logical screen and a global palette of 128 colours (none if empty)."""
    return version + struct.pack("<HHBBB", width, height, 0xF6 if palette else 0x70, 0, 0) + palette


def control(delay_cs: int, *, disposal: int = 1, transparent: int | None = None) -> bytes:
    flags = disposal << 2 | (transparent is not None)
    return b"\x21\xf9\x04" + struct.pack("<BHBB", flags, delay_cs, transparent or 0, 0)


def blocks(data: bytes) -> bytes:
    """Split data into sub-blocks of at most 255 bytes, with the terminator."""
    cut = [data[n : n + 255] for n in range(0, len(data), 255)]
    return b"".join(bytes([len(part)]) + part for part in cut) + b"\0"


def image(width: int, height: int, pixels: bytes, *, x: int = 0, y: int = 0) -> bytes:
    """Write an image with 8-bit LZW codes; clear codes keep the code table small."""
    codes = b"".join(b"\x80" + pixels[n : n + 100] for n in range(0, len(pixels), 100)) + b"\x81"
    return b"," + struct.pack("<HHHHB", x, y, width, height, 0) + b"\x07" + blocks(codes)


def comment(data: bytes) -> bytes:
    return b"\x21\xfe" + blocks(data)


def quarters(size: int = 32, grey: int = 60) -> bytes:
    """Return palette indexes: a colour in each corner and grey number `grey` in the middle."""
    half, rows = size // 2, []
    for y in range(size):
        row = bytearray(([0] * half + [1] * half) if y < half else ([2] * half + [3] * half))
        if size * 3 // 8 <= y < size * 5 // 8:
            row[size * 3 // 8 : size * 5 // 8] = bytes([grey]) * (size * 5 // 8 - size * 3 // 8)
        rows.append(bytes(row))
    return b"".join(rows)


def animation(count: int, *, size: int = 32, delay_cs: int = 10, **how: int) -> bytes:
    """Write a valid GIF of `count` frames."""
    frames = (
        control(delay_cs, **how) + image(size, size, quarters(size, 20 + n % 90))
        for n in range(count)
    )
    return screen(size, size) + LOOP + b"".join(frames) + TRAILER

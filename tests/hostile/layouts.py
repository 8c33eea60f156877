"""Partial uploads: false layouts, holes in needed bytes, and 64 GiB of holes."""

import json
import struct
from collections.abc import Callable

from tests.support.clips import (
    BAD_FIELD,
    INCOMPLETE,
    NO_VIDEO,
    UNREADABLE,
    UNSUPPORTED,
    Case,
    ClipMaker,
    converts,
    refused,
)
from tests.support.parts import with_free_box

GIB = 1 << 30
LARGEST = 64 * GIB
FASTSTART = ("-movflags", "faststart")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-pix_fmt", "yuv420p")
Layout = Callable[[bytes], str]


def layout(size: int | None = None, *ranges: tuple[int, int], grow: int = 0) -> Layout:
    """Return a function that describes an upload: by default as the whole file, `grow` longer."""

    def describe(upload: bytes) -> str:
        of = (len(upload) if size is None else size) + grow
        return json.dumps({"size": of, "ranges": [list(r) for r in ranges or [(0, len(upload))]]})

    return describe


def split(*, gap: int, at: int = 40) -> Layout:
    """Return a function that describes an upload with a gap after its first `at` bytes."""
    return lambda upload: json.dumps(
        {"size": len(upload) + gap, "ranges": [[0, at], [at + gap, len(upload) - at]]}
    )


def text(value: str) -> Layout:
    return lambda upload: value


def with_upload_length(pattern: str) -> Layout:
    return lambda upload: pattern.replace("LENGTH", str(len(upload)))


def whole(clip_maker: ClipMaker) -> bytes:
    return clip_maker.clip()


def webm(clip_maker: ClipMaker) -> bytes:
    return clip_maker.clip("webm", codec=VP9)


def cut_at(box: bytes, *options: str) -> Callable[[ClipMaker], bytes]:
    """Return a function that makes a clip that ends where the content of `box` begins."""

    def make(clip_maker: ClipMaker) -> bytes:
        clip = clip_maker.clip("mp4", *options)
        return clip[: clip.index(box) + 12]

    return make


def half_webm(clip_maker: ClipMaker) -> bytes:
    data = webm(clip_maker)
    return data[: len(data) * 2 // 3]


def with_endless_free_box(clip_maker: ClipMaker) -> bytes:
    return with_free_box(clip_maker.clip(), size=LARGEST)


def with_movie_box_elsewhere(clip_maker: ClipMaker) -> bytes:
    """Return a complete movie box whose samples all lie 32 GiB further on, in a hole."""
    clip = bytearray(clip_maker.clip("mp4", *FASTSTART))
    at = clip.index(b"stco") + 8
    for entry in range(at + 4, at + 4 + 4 * struct.unpack_from(">I", clip, at)[0], 4):
        struct.pack_into(">I", clip, entry, 0xF0000000)
    return bytes(clip) + struct.pack(">I4sQ", 1, b"mdat", LARGEST - len(clip)) + bytes(48)


def with_seek_head_into_a_hole(clip_maker: ClipMaker) -> bytes:
    """Return a WebM file whose seek head names places far behind its end."""
    data = bytearray(webm(clip_maker))
    at = data.find(b"\x53\xac")
    while 0 <= at < 300:
        length = data[at + 2] & 0x7F
        data[at + 3 : at + 3 + length] = (0x7FFFFFFF).to_bytes(8)[-length:]
        at = data.find(b"\x53\xac", at + 3)
    return bytes(data)


NOT_LAYOUTS: dict[str, Layout] = {
    "overlapping": layout(10**9, (0, 100), (50, 100)),
    "touching": layout(10**9, (0, 100), (100, 100)),
    "unordered": layout(10**9, (500, 100), (0, 100)),
    "negative": layout(10**9, (-1, 100)),
    "negative-length": layout(10**9, (0, -100)),
    "float": text('{"size": 1e9, "ranges": [[0, 1e2]]}'),
    "beyond-size": layout(grow=-1),
    "ten-to-the-18": layout(10**18),
    "range-at-ten-to-the-18": layout(LARGEST, (10**18, 100)),
    "more-than-64-gib": layout(LARGEST + 1),
    "5000-ranges": layout(10**9, *((n * 10, 5) for n in range(5000))),
    "sum-too-small": layout(10**9, (0, 10)),
    "sum-too-large": layout(10**9, (0, 10**8)),
    "nan": with_upload_length('{"size": NaN, "ranges": [[0, LENGTH]]}'),
    "infinity": with_upload_length('{"size": Infinity, "ranges": [[0, LENGTH]]}'),
    "5000-digits": with_upload_length('{"size": ' + "9" * 5000 + ', "ranges": [[0, LENGTH]]}'),
    "nested-30000": text("[" * 30_000),
    "nested-60000-closed": text("[" * 60_000 + "]" * 60_000),
    "nested-objects": text('{"a":' * 20_000),
    "128-kib": with_upload_length('{"size": 10000000, "ranges": [[0, LENGTH]]}' + " " * 131_072),
    "300-kib": text("x" * 300_000),
    "nul": text("\0"),
    "words": text("all of it"),
    "true": text('{"size": true, "ranges": [[0, true]]}'),
    "no-ranges": text('{"size": 100, "ranges": []}'),
    "ranges-of-ranges": text('{"size": 100, "ranges": [[[0, 1], 2]]}'),
    "surrogate": text('{"size": 100, "ranges": "\\ud800"}'),
}
CASES = [
    *(
        Case(f"layout-{key}", whole, refused(BAD_FIELD), layout=describe)
        for key, describe in NOT_LAYOUTS.items()
    ),
    Case("layout-whole", whole, converts(12), layout=layout()),
    Case("layout-of-64-gib", with_endless_free_box, converts(12), layout=layout(LARGEST)),
    Case(
        "layout-one-byte-of-64-gib",
        lambda clip_maker: b"\0",
        refused(UNSUPPORTED),
        layout=layout(LARGEST),
    ),
    Case("layout-64-gib-behind", whole, refused(INCOMPLETE), layout=layout(LARGEST)),
    Case("layout-not-its-beginning", whole, refused(INCOMPLETE), layout=split(gap=9, at=1)),
    Case(
        "layout-hole-over-moov",
        cut_at(b"moov"),
        refused(INCOMPLETE),
        layout=layout(grow=5000),
    ),
    Case(
        "layout-hole-in-stsz",
        cut_at(b"stsz", *FASTSTART),
        refused(INCOMPLETE),
        layout=layout(grow=50_000),
    ),
    Case(
        "layout-mdat-is-a-hole",
        cut_at(b"mdat", *FASTSTART),
        refused(INCOMPLETE, UNREADABLE, NO_VIDEO),
        layout=layout(grow=50_000),
    ),
    Case(
        "layout-moov-points-into-a-hole",
        with_movie_box_elsewhere,
        refused(INCOMPLETE),
        layout=layout(LARGEST),
    ),
    Case("layout-split-box", whole, refused(INCOMPLETE), layout=split(gap=1000)),
    Case(
        "layout-webm-whole",
        webm,
        converts(12),
        "clip.webm",
        layout=layout(),
    ),
    Case(
        "layout-webm-half-of-64-gib",
        half_webm,
        refused(INCOMPLETE),
        "clip.webm",
        layout=layout(LARGEST),
    ),
    Case(
        "layout-webm-gap",
        webm,
        refused(INCOMPLETE),
        "clip.webm",
        layout=split(gap=GIB, at=600),
    ),
    Case(
        "layout-webm-seek-head-into-a-hole",
        with_seek_head_into_a_hole,
        refused(INCOMPLETE),
        "clip.webm",
        layout=layout(LARGEST),
    ),
    Case(
        "layout-gif",
        lambda clip_maker: clip_maker.clip("gif", codec=())[:-20],
        refused(INCOMPLETE),
        "clip.gif",
        layout=layout(grow=20),
    ),
]

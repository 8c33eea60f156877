"""False metadata: durations, timescales, sizes, offsets, codecs."""

from collections.abc import Callable

from tests.support import boxes, ebml, gifs
from tests.support.boxes import Track, movie, patched, words
from tests.support.clips import (
    LOOP_FRAMES,
    NO_VIDEO,
    PAST_END,
    TOO_SHORT,
    UNREADABLE,
    Case,
    ClipMaker,
    Expect,
    converts,
    either,
    refused,
)

BROKEN = (UNREADABLE, NO_VIDEO, TOO_SHORT)
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")
MDHD = (b"moov", b"trak", b"mdia", b"mdhd")
STBL = boxes.STBL


def lie(*path: bytes, at: int, new: bytes) -> Callable[[ClipMaker], bytes]:
    """Return a valid MP4 of 1 s except for these bytes of this box."""
    return lambda clip_maker: patched(clip_maker.clip(), *path, at=at, new=new)


def mp4(**lies: object) -> Callable[[ClipMaker], bytes]:
    def cook(clip_maker: ClipMaker) -> bytes:
        entry, samples = boxes.samples(clip_maker.clip())
        how = {"durations": [42] * len(samples), **lies}
        return movie(Track(entry, samples, **how))  # type: ignore[arg-type]

    return cook


def tables(**payload: bytes) -> Callable[[ClipMaker], bytes]:
    return mp4(tables={name.encode(): value for name, value in payload.items()})


def other_codec(name: bytes) -> Callable[[ClipMaker], bytes]:
    """Return a movie with H.264 samples that claims another codec."""

    def cook(clip_maker: ClipMaker) -> bytes:
        entry, samples = boxes.samples(clip_maker.clip())
        return movie(Track(entry[:4] + name + entry[8:], samples, [42] * len(samples)))

    return cook


def webm(
    *extra: bytes, scale: int = 1_000_000, codec: bytes = b"V_VP8"
) -> Callable[[ClipMaker], bytes]:
    def cook(clip_maker: ClipMaker) -> bytes:
        packets = ebml.packets(clip_maker.clip("ivf", codec=VP8))
        blocks = [ebml.block(p, n * 42, key=n == 0) for n, p in enumerate(packets)]
        parts = ebml.info(*extra, scale=scale), ebml.element(ebml.TRACKS, ebml.video_track(codec))
        return ebml.header() + ebml.element(ebml.SEGMENT, *parts, ebml.cluster(0, blocks))

    return cook


def webm_case(
    name: str, expect: Expect, make: Callable[[ClipMaker], bytes], start: str | None = None
) -> Case:
    return Case(f"webm-{name}", make, expect, "a.webm", start)


def gif(screen: bytes) -> Callable[[ClipMaker], bytes]:
    picture = gifs.control(10) + gifs.image(32, 32, gifs.quarters())
    return lambda clip_maker: screen + picture * 10 + gifs.TRAILER


LONG = words(0x7FFFFFFF)
TIME = [
    Case("mvhd-duration-0", lie(b"moov", b"mvhd", at=16, new=words(0)), converts(12)),
    Case("mvhd-duration-huge", lie(b"moov", b"mvhd", at=16, new=words(0xFFFFFFFE)), converts(12)),
    Case("mvhd-timescale-0", lie(b"moov", b"mvhd", at=12, new=words(0)), either(*BROKEN)),
    Case("mvhd-timescale-huge", lie(b"moov", b"mvhd", at=12, new=LONG), either(*BROKEN)),
    Case("mdhd-duration-0", lie(*MDHD, at=16, new=words(0)), either(*BROKEN)),
    Case("mdhd-duration-huge", lie(*MDHD, at=16, new=LONG), converts((11, 13))),
    Case("mdhd-timescale-0", lie(*MDHD, at=12, new=words(0)), either(*BROKEN)),
    Case("mdhd-timescale-1", lie(*MDHD, at=12, new=words(1)), either(*BROKEN)),
    Case("mdhd-timescale-huge", lie(*MDHD, at=12, new=LONG), either(*BROKEN)),
    Case(
        "says-an-hour-start-in-it",
        mp4(length=3_600_000),
        refused(PAST_END, *BROKEN),
        start_time="00:30:00",
    ),
    Case("says-an-hour", mp4(length=3_600_000), converts((11, 13))),
    Case("stts-zero", tables(stts=words(0, 1, 12, 0)), either(*BROKEN)),
    Case("stts-negative", tables(stts=words(0, 1, 12, -42)), either(*BROKEN)),
    Case("stts-huge", tables(stts=words(0, 1, 12, 0x7FFFFFFF)), converts(LOOP_FRAMES)),
    Case("ctts-wild", tables(ctts=words(0, 2, 6, -99_999_999, 6, 0x7FFFFFFF)), either(*BROKEN)),
    Case("edit-outside", mp4(edits=[(1000, 99_999_999)]), either(*BROKEN, PAST_END)),
    Case("edit-negative", mp4(edits=[(1000, -77)]), either(*BROKEN)),
    Case("edit-huge-hole", mp4(edits=[(0x7FFFFFFF, -1), (1000, 0)]), either(*BROKEN)),
    Case("edits-10000", mp4(edits=[(1, n % 900) for n in range(10_000)]), either(*BROKEN)),
    webm_case("duration-99-h", either(), webm(ebml.real("4489", 356_400_000.0))),
    webm_case(
        "duration-99-h-start-in-it",
        refused(PAST_END, *BROKEN),
        webm(ebml.real("4489", 356_400_000.0)),
        "10:00:00",
    ),
    webm_case("duration-nan", converts((11, 14)), webm(ebml.real("4489", float("nan")))),
    webm_case("duration-negative", either(*BROKEN, PAST_END), webm(ebml.real("4489", -5.0))),
    webm_case("timescale-0", either(*BROKEN), webm(scale=0)),
    webm_case("timescale-huge", either(*BROKEN), webm(scale=1 << 60)),
]
PLACE = [
    Case("stsz-too-large", tables(stsz=words(0, 0x7FFFFFFF, 12)), either(*BROKEN)),
    Case("stsz-zero", tables(stsz=words(0, 0, 12, *[0] * 12)), either(*BROKEN)),
    Case("stco-behind-the-end", tables(stco=words(0, 12, *[0x7FFFFFFF] * 12)), either(*BROKEN)),
    Case("stco-into-the-head", tables(stco=words(0, 12, *[0] * 12)), either(*BROKEN)),
    Case("stsc-zero", tables(stsc=words(0, 1, 0, 0, 0)), either(*BROKEN)),
    Case("box-larger-than-file", lie(b"moov", at=-8, new=LONG), either(*BROKEN)),
    Case("box-size-2", lie(b"moov", b"trak", at=-8, new=words(2)), either(*BROKEN)),
    Case(
        "tkhd-0x0",
        lie(b"moov", b"trak", b"tkhd", at=76, new=bytes(8)),
        either(UNREADABLE, frames=(11, 13)),
    ),
    Case("entry-0x0", mp4(size=(0, 0)), either(UNREADABLE, frames=(11, 13))),
    Case("matrix-of-zeros", mp4(matrix=bytes(36)), either(UNREADABLE, frames=(11, 13))),
    Case("matrix-wild", mp4(matrix=b"\x7f\xff\xff\xff" * 9), either(UNREADABLE, frames=(11, 13))),
    Case("gif-0x0", gif(gifs.screen(0, 0)), either(UNREADABLE), "a.gif"),
    Case("gif-no-palette", gif(gifs.screen(32, 32, b"")), either(UNREADABLE), "a.gif"),
    Case("gif-images-off-canvas", gif(gifs.screen(8, 8)), either(UNREADABLE), "a.gif"),
]
CODEC = [
    Case("says-hevc", other_codec(b"hvc1"), either(*BROKEN)),
    Case("says-prores", other_codec(b"apch"), either(*BROKEN)),
    Case("says-vp9", other_codec(b"vp09"), either(*BROKEN)),
    Case("says-nothing-known", other_codec(b"zzzz"), refused(*BROKEN)),
    Case("says-exr-by-name", other_codec(b"tga "), refused(*BROKEN)),
    webm_case("says-vp9", either(*BROKEN), webm(codec=b"V_VP9")),
    webm_case("says-av1", either(*BROKEN), webm(codec=b"V_AV1")),
    webm_case("says-uncompressed", refused(*BROKEN), webm(codec=b"V_UNCOMPRESSED")),
    webm_case("says-snow", refused(*BROKEN), webm(codec=b"V_SNOW")),
]
FORBIDDEN = [  # valid media in an allowed container, but with a codec that isn't allowed
    Case(
        "mpeg2-in-mp4",
        lambda clip_maker: clip_maker.clip(codec=("-c:v", "mpeg2video")),
        either(UNREADABLE, frames=(11, 13)),
    ),
    Case(
        "ffv1-in-mkv",
        lambda clip_maker: clip_maker.clip("mkv", codec=("-c:v", "ffv1")),
        refused(*BROKEN),
        "a.webm",
    ),
    Case(
        "v210-in-mov",
        lambda clip_maker: clip_maker.clip("mov", codec=("-c:v", "v210")),
        refused(*BROKEN),
        "a.mov",
    ),
]
CASES = [*TIME, *PLACE, *CODEC, *FORBIDDEN]

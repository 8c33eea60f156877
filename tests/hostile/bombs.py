"""Small files that cost much: memory, time, nesting, counts, output on stderr."""

import zlib
from collections.abc import Callable
from io import BytesIO

from PIL import Image

from tests.support import boxes, ebml, gifs
from tests.support.boxes import Track, box, movie, words
from tests.support.clips import (
    LOOP_FRAMES,
    NO_VIDEO,
    TOO_MANY_PIXELS,
    TOO_SHORT,
    UNREADABLE,
    Case,
    ClipMaker,
    converts,
    either,
    refused,
)

HUGE = (16000, 16000)
REFUSED_SIZE = refused(TOO_MANY_PIXELS)
ANY_SIZE = refused(TOO_MANY_PIXELS, UNREADABLE)
BROKEN = (UNREADABLE, NO_VIDEO, TOO_SHORT)
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-pix_fmt", "yuv420p")


def still(form: str, size: tuple[int, int]) -> bytes:
    with BytesIO() as buffer:
        mode = {"PNG": "1", "JPEG": "L"}[form] if size[0] > 4000 else "RGB"  # quicker to encode
        Image.new(mode, size, "white").save(buffer, form)
        return buffer.getvalue()


def entry(codec: bytes, size: tuple[int, int]) -> bytes:
    """Return a video sample entry that contains only the size."""
    width, height = size
    middle = words(0x480000, 0x480000, 0) + b"\0\1" + bytes(32) + b"\0\x18\xff\xff"
    shape = width.to_bytes(2, "big") + height.to_bytes(2, "big")
    return box(codec, bytes(6) + b"\0\1" + bytes(16) + shape + middle)


def real(size: tuple[int, int], suffix: str, *codec: str) -> Callable[[ClipMaker], bytes]:
    """Encode three plain frames of this size."""
    source = f"color=c=red:s={size[0]}x{size[1]}:r=24:d=0.125"
    return lambda clip_maker: clip_maker.ffmpeg("-f", "lavfi", "-i", source, *codec, suffix=suffix)


def png_in_mov(clip_maker: ClipMaker) -> bytes:
    picture = still("PNG", HUGE)
    return movie(Track(entry(b"png ", HUGE), [picture] * 2, [500] * 2, size=HUGE))


def jpeg_hides_its_size(clip_maker: ClipMaker) -> bytes:
    """The container says 128x72, the picture is 6000x6000."""
    return movie(Track(entry(b"jpeg", (128, 72)), [still("JPEG", (6000, 6000))] * 3, [300] * 3))


def mp4_claims_huge(clip_maker: ClipMaker) -> bytes:
    """The container says 16000x16000, but the H.264 stream is small and decides."""
    head, samples = boxes.samples(clip_maker.clip())
    shape = b"".join(n.to_bytes(2, "big") for n in HUGE)
    return movie(Track(head[:32] + shape + head[36:], samples, [42] * len(samples), size=HUGE))


def vp9_claims_huge(clip_maker: ClipMaker) -> bytes:
    """VP9's key frame says 16384x8192 (spec 7.2: sizes follow sync code, colour and range)."""
    packets = ebml.packets(clip_maker.clip("ivf", codec=VP9, seconds=0.5))
    bits = f"{int.from_bytes(packets[0][:12], 'big'):096b}"
    bits = bits[:36] + f"{16383:016b}{8191:016b}" + bits[68:]
    packets[0] = int(bits, 2).to_bytes(12, "big") + packets[0][12:]
    return ebml.recorded(b"V_VP9", packets, size=(16384, 8192))


def vp8_grows(size: tuple[int, int]) -> Callable[[ClipMaker], bytes]:
    """One second at 128x72, then key frames of another size (RFC 6386, 9.1)."""

    def cook(clip_maker: ClipMaker) -> bytes:
        small = ebml.packets(clip_maker.clip("ivf", codec=VP8))
        large = ebml.packets(clip_maker.clip("ivf", codec=VP8, size=(640, 360), seconds=0.5))
        shape = b"".join(n.to_bytes(2, "little") for n in size)
        large[0] = large[0][:6] + shape + large[0][10:]
        return ebml.recorded(b"V_VP8", small + large)

    return cook


def gif_large(size: tuple[int, int], count: int, delay_cs: int) -> Callable[[ClipMaker], bytes]:
    """Return a GIF with a large canvas on which one dot moves."""

    def cook(clip_maker: ClipMaker) -> bytes:
        dots = (
            gifs.control(delay_cs) + gifs.image(1, 1, b"\3", x=n % size[0]) for n in range(count)
        )
        return gifs.screen(*size) + b"".join(dots) + gifs.TRAILER

    return cook


def gif_grows(clip_maker: ClipMaker) -> bytes:
    """The images are far larger than the canvas."""
    inside = gifs.control(10) + gifs.image(32, 32, gifs.quarters())
    outside = gifs.control(10) + gifs.image(9000, 9000, b"\1" * 4000)
    return gifs.screen(32, 32) + inside * 3 + outside * 3 + gifs.TRAILER


def gif_endless_comment(clip_maker: ClipMaker) -> bytes:
    return gifs.screen(32, 32) + b"\x21\xfe" + (b"\xff" + b"a" * 255) * 20_000


def gif_endless_image(clip_maker: ClipMaker) -> bytes:
    """The LZW data of an image consists of 5 MB of clear codes and never ends."""
    return (
        gifs.screen(32, 32)
        + b","
        + bytes(4)
        + b"\x20\0\x20\0\0\x07"
        + (b"\xff" + b"\x80" * 255) * 20_000
    )


def frames_100_000(clip_maker: ClipMaker) -> bytes:
    """100 000 frames at 1000 fps; all samples are the same JPEG in the file."""
    jpeg, count = still("JPEG", (32, 32)), 100_000
    place = len(boxes.ftyp()) + 8
    tables = {
        b"stts": words(0, 1, count, 1),
        b"stsz": words(0, len(jpeg), count),
        b"stco": words(0, count) + words(place) * count,
    }
    return movie(Track(entry(b"jpeg", (32, 32)), [jpeg], [count], tables=tables))


def streams(count: int) -> Callable[[ClipMaker], bytes]:
    def cook(clip_maker: ClipMaker) -> bytes:
        head, samples = boxes.samples(clip_maker.clip(seconds=0.5))
        return movie(*[Track(head, samples, [42] * len(samples))] * count)

    return cook


def nested(kind: bytes, count: int = 20_000) -> Callable[[ClipMaker], bytes]:
    def cook(clip_maker: ClipMaker) -> bytes:
        sizes = range(8 * count, 0, -8)
        return boxes.ftyp() + b"".join(n.to_bytes(4, "big") + kind for n in sizes)

    return cook


def nested_tags(clip_maker: ClipMaker) -> bytes:
    """20 000 nested SimpleTags."""
    deep = b"".join(ebml.endless("67C8") for _ in range(20_000))
    tracks = ebml.element(ebml.TRACKS, ebml.video_track())
    return ebml.header() + ebml.endless(
        ebml.SEGMENT, ebml.info(), tracks, ebml.endless(ebml.TAGS, deep)
    )


def counted(table: bytes, payload: bytes) -> Callable[[ClipMaker], bytes]:
    """Return a valid movie except for one table, which claims 2^31 entries."""

    def cook(clip_maker: ClipMaker) -> bytes:
        head, samples = boxes.samples(clip_maker.clip(seconds=0.5))
        return movie(Track(head, samples, [42] * len(samples), tables={table: payload}))

    return cook


def inflated(clip_maker: ClipMaker) -> bytes:
    """A compressed movie header (cmov) of 100 MB of zeros."""
    squeeze = zlib.compressobj(9)
    packed = b"".join(squeeze.compress(bytes(1_000_000)) for _ in range(100)) + squeeze.flush()
    body = box(b"cmov", box(b"dcom", b"zlib"), box(b"cmvd", words(100_000_000), packed))
    return boxes.ftyp(b"qt  ") + box(b"moov", body)


def noisy(clip_maker: ClipMaker) -> bytes:
    """Every frame has another error, so that the decoder writes megabytes to stderr."""
    head, samples = boxes.samples(
        clip_maker.clip(codec=("-c:v", "libx264", "-g", "1"), seconds=0.5)
    )
    rng, broken = clip_maker.rng("noisy"), []
    for n in range(4000):
        sample = bytearray(samples[n % len(samples)])
        for _ in range(6):
            sample[rng.randrange(6, len(sample))] = rng.randrange(256)
        broken.append(bytes(sample))
    return movie(Track(head, broken, [1] * len(broken)))


def talkative(clip_maker: ClipMaker) -> bytes:
    """A title of 1 MB, 2000 comments, control characters and format strings."""
    tag = box(b"\xa9cmt", b"\x03\xe8\0\0" + b"%s%n\x1b[2J\r\n" * 90)
    title = box(b"\xa9nam", b"\xff\xf0\0\0" + b"T" * 65520)
    head, samples = boxes.samples(clip_maker.clip())
    udta = box(b"udta", title * 16, tag * 2000)
    return movie(Track(head, samples, [42] * len(samples)), inside=udta)


PIXELS = [
    Case("png-in-mov-16000", png_in_mov, ANY_SIZE, "a.mov"),
    Case("jpeg-hides-6000", jpeg_hides_its_size, ANY_SIZE, "a.mov"),
    Case("mp4-claims-16000", mp4_claims_huge, either(TOO_MANY_PIXELS, UNREADABLE)),
    Case("mp4-5000x4000", real((5000, 4000), "mp4", "-c:v", "mpeg4"), REFUSED_SIZE),
    Case(
        "mp4-16000x16000",
        real(HUGE, "mp4", "-c:v", "libx264", "-preset", "ultrafast"),
        REFUSED_SIZE,
        long=True,
    ),
    Case(
        "mp4-8192x4320",
        real((8192, 4320), "mp4", "-c:v", "libx264", "-preset", "ultrafast"),
        REFUSED_SIZE,
    ),
    Case("vp9-claims-16384x8192", vp9_claims_huge, ANY_SIZE, "a.webm"),
    Case("vp9-16384x8192", real((16384, 8192), "webm", *VP9), REFUSED_SIZE, "a.webm", long=True),
    Case(
        "vp8-grows-to-640x360", vp8_grows((640, 360)), either(UNREADABLE, frames=(12, 40)), "a.webm"
    ),
    Case(
        "vp8-grows-to-16383",
        vp8_grows((16383, 16383)),
        either(UNREADABLE, TOO_MANY_PIXELS),
        "a.webm",
    ),
    Case("gif-65535x65535", gif_large((65535, 65535), 2, 10), REFUSED_SIZE, "a.gif"),
    Case("gif-8000x8000-20000", gif_large((8000, 8000), 20_000, 4), REFUSED_SIZE, "a.gif"),
    Case(
        "gif-2000x2000-20000",
        gif_large((2000, 2000), 20_000, 10),
        either(frames=(LOOP_FRAMES - 4, LOOP_FRAMES)),
        "a.gif",
    ),
    Case("gif-images-outgrow-canvas", gif_grows, either(UNREADABLE), "a.gif"),
]
NUMBERS = [
    Case("mp4-100000-frames", frames_100_000, converts(LOOP_FRAMES)),
    Case(
        "gif-20000-frames",
        lambda clip_maker: gifs.animation(20_000, size=8, delay_cs=2),
        converts(LOOP_FRAMES),
        "a.gif",
    ),
    Case("streams-256", streams(256), either(UNREADABLE, frames=(10, 14))),
    Case("streams-60", streams(60), converts(12)),
    Case("gif-endless-comment", gif_endless_comment, refused(*BROKEN), "a.gif"),
    Case("gif-endless-image", gif_endless_image, either(*BROKEN, frames=(2, 3)), "a.gif"),
    Case("boxes-nested-moov", nested(b"moov"), refused(*BROKEN)),
    Case("boxes-nested-trak", nested(b"trak"), refused(*BROKEN)),
    Case("boxes-nested-udta", nested(b"udta"), refused(*BROKEN)),
    Case("webm-nested-tags", nested_tags, refused(*BROKEN), "a.webm"),
    Case("stts-2-31", counted(b"stts", words(0, 1 << 31, 1, 42)), either(*BROKEN)),
    Case("stsz-2-31", counted(b"stsz", words(0, 0, 1 << 31, 9, 9)), either(*BROKEN)),
    Case("stsz-fixed-2-31", counted(b"stsz", words(0, 1, 1 << 31)), either(*BROKEN)),
    Case("stco-2-31", counted(b"stco", words(0, 1 << 31, 40)), either(*BROKEN)),
    Case("stsc-2-31", counted(b"stsc", words(0, 1 << 31, 1, 1 << 31, 1)), either(*BROKEN)),
    Case("ctts-2-31", counted(b"ctts", words(0, 1 << 31, 1, 1)), either(*BROKEN)),
    Case("ten-million-samples", counted(b"stsz", words(0, 1, 10_000_000)), either(*BROKEN)),
    Case("cmov-100-mb", inflated, refused(*BROKEN), "a.mov"),
]
NOISE = [
    Case("stderr-flood", noisy, either(UNREADABLE, TOO_SHORT)),
    Case("metadata-flood", talkative, converts(12)),
]
CASES = [*PIXELS, *NUMBERS, *NOISE]

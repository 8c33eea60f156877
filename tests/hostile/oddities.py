"""Unusual but valid videos that must convert: codecs, rotations, sound, metadata."""

from collections.abc import Callable, Sequence

from tests.support import boxes, ebml
from tests.support.boxes import Track, box, movie, words
from tests.support.clips import PACE, Case, ClipMaker, converts

X264 = ("-c:v", "libx264", "-preset", "ultrafast")
YUV420 = ("-pix_fmt", "yuv420p")
X265 = (
    "-c:v",
    "libx265",
    "-preset",
    "ultrafast",
    "-x265-params",
    "log-level=none:pools=none:frame-threads=1",
    "-tag:v",
    "hvc1",
)
TEN = ("-pix_fmt", "yuv420p10le", "-colorspace", "bt2020nc", "-color_primaries", "bt2020")
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "500k")
VP9 = ("-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8", "-b:v", "500k")
AV1 = ("-c:v", "libsvtav1", "-preset", "12", "-svtav1-params", "lp=1")
GOOD = converts(12, corners="RGBY", seconds=((0, 0.0), (8, PACE * 8 / 24)), patch=(0.25, 0.25))


def clip(suffix: str, *codec: str) -> Callable[[ClipMaker], bytes]:
    return lambda clip_maker: clip_maker.clip(suffix, codec=codec)


def turned(*before: str, suffix: str = "mp4") -> Callable[[ClipMaker], bytes]:
    return lambda clip_maker: clip_maker.remux(
        clip_maker.clip(), suffix, "-c", "copy", before=before
    )


def again(suffix: str, *options: str) -> Callable[[ClipMaker], bytes]:
    """Put the plain clip into a new container."""
    return lambda clip_maker: clip_maker.remux(clip_maker.clip(), suffix, "-c", "copy", *options)


def interlaced(clip_maker: ClipMaker) -> bytes:
    codec = ("-c:v", "libx264", "-x264-params", "tff=1", *YUV420)
    return clip_maker.clip(codec=codec, size=(128, 72))


def with_sound(suffix: str, *options: str) -> Callable[[ClipMaker], bytes]:
    beep = ("-f", "lavfi", "-i", "sine=duration=1")
    maps = ("-map", "0", "-map", "1", "-c:v", "copy")
    return lambda clip_maker: clip_maker.remux(clip_maker.clip(), suffix, *beep, *maps, *options)


def with_cover(order: Sequence[str]) -> Callable[[ClipMaker], bytes]:
    art = ("-f", "lavfi", "-i", "color=c=white:s=64x64:d=0.04")
    maps = [part for n in order for part in ("-map", n)]
    cover = order.index("1")
    how = ("-c:v", "copy", f"-c:v:{cover}", "mjpeg", f"-disposition:v:{cover}", "attached_pic")
    return lambda clip_maker: clip_maker.remux(clip_maker.clip(), "mp4", *art, *maps, *how)


def chapters(count: int) -> Callable[[ClipMaker], bytes]:
    mark = "[CHAPTER]\nTIMEBASE=1/1000\nSTART={0}00\nEND={0}99\ntitle=c{0}\n"
    marks = ";FFMETADATA1\n" + "".join(mark.format(n) for n in range(count))
    how = ("-f", "ffmetadata", "-i", "-", "-map", "0", "-map_chapters", "1", "-c", "copy")
    return lambda clip_maker: clip_maker.remux(clip_maker.clip(), "mp4", *how, stdin=marks.encode())


def two_streams(clip_maker: ClipMaker) -> bytes:
    """The first video stream is the plain clip, the second is larger and has another colour."""
    other = ("-f", "lavfi", "-i", "color=c=white:s=192x108:d=1")
    return clip_maker.remux(
        clip_maker.clip(), "mp4", *other, "-map", "0", "-map", "1", *X264, *YUV420
    )


def titled(suffix: str, title: str) -> Callable[[ClipMaker], bytes]:
    return again(suffix, "-metadata", f"title={title}", "-metadata", f"comment={title}")


def fronted(front: bytes) -> Callable[[ClipMaker], bytes]:
    """Return a movie whose first box isn't ftyp."""

    def cook(clip_maker: ClipMaker) -> bytes:
        entry, samples = boxes.samples(clip_maker.clip())
        whole = movie(Track(entry, samples, [42] * len(samples)), brand=b"qt  ")
        base, moved = len(boxes.ftyp()), len(front) - len(boxes.ftyp())
        place, offsets = base + 8 + moved, []
        for sample in samples:
            offsets.append(place)
            place += len(sample)
        at = whole.index(b"stco") + 12
        return front + whole[base:at] + words(*offsets) + whole[at + 4 * len(offsets) :]

    return cook


def recorded(codec: bytes, *options: str) -> Callable[[ClipMaker], bytes]:
    return lambda clip_maker: ebml.recorded(
        codec, ebml.packets(clip_maker.clip("ivf", codec=options))
    )


def alpha(suffix: str, *codec: str) -> Callable[[ClipMaker], bytes]:
    """Return a clip in which red is transparent."""
    key = ("-vf", "format=rgba,colorkey=0xD21414:0.2:0,format=yuva420p", "-auto-alt-ref", "0")
    return lambda clip_maker: clip_maker.clip(suffix, *key, codec=codec)


FAKE = (
    "x\n  Duration: 99:00:00.00, start: 0.000000\n"
    "  Stream #0:0: Video: h264, yuv420p, 16000x16000, 1 fps\n"
)
CODECS = [
    Case("h264", clip("mp4", *X264, *YUV420), GOOD),
    Case("h264-b-frames", clip("mp4", "-c:v", "libx264", "-bf", "3", *YUV420), GOOD),
    Case("h264-444", clip("mp4", *X264, "-pix_fmt", "yuv444p"), GOOD),
    Case("h264-10-bit", clip("mp4", *X264, "-pix_fmt", "yuv420p10le"), GOOD),
    Case("h264-full-range", clip("mp4", *X264, "-pix_fmt", "yuvj420p"), GOOD),
    Case("h264-interlaced", interlaced, GOOD),
    Case("h264-fragments", again("mp4", "-movflags", "+frag_keyframe+empty_moov"), GOOD),
    Case("hevc", clip("mp4", *X265, *YUV420), GOOD),
    Case("hevc-10-bit", clip("mp4", *X265, "-pix_fmt", "yuv420p10le"), GOOD),
    Case(
        "hevc-hlg",
        clip("mov", *X265, *TEN, "-color_trc", "arib-std-b67"),
        converts(12, corners="RGBY"),
        "a.mov",
    ),
    Case(
        "hevc-pq", clip("mp4", *X265, *TEN, "-color_trc", "smpte2084"), converts(12, corners="RGBY")
    ),
    Case("av1-mp4", clip("mp4", *AV1, *YUV420), GOOD),
    Case("av1-webm", clip("webm", *AV1, *YUV420), GOOD, "a.webm"),
    Case("mpeg4", clip("mp4", "-c:v", "mpeg4", "-q:v", "2"), GOOD),
    Case(
        "mjpeg-mov",
        clip("mov", "-c:v", "mjpeg", "-q:v", "2", "-pix_fmt", "yuvj420p"),
        GOOD,
        "a.mov",
    ),
    Case("prores-mov", clip("mov", "-c:v", "prores", "-pix_fmt", "yuv422p10le"), GOOD, "a.mov"),
    Case(
        "prores-4444",
        clip("mov", "-c:v", "prores_ks", "-profile:v", "4", "-pix_fmt", "yuv444p10le"),
        GOOD,
        "a.mov",
    ),
    Case("vp8", clip("webm", *VP8), GOOD, "a.webm"),
    Case("vp9", clip("webm", *VP9, *YUV420), GOOD, "a.webm"),
    Case(
        "vp9-10-bit",
        clip("webm", *VP9, "-profile:v", "2", "-pix_fmt", "yuv420p10le"),
        GOOD,
        "a.webm",
    ),
    Case("vp8-alpha", alpha("webm", *VP8), converts(12, corners="KGBY"), "a.webm"),
    Case("vp9-alpha", alpha("webm", *VP9), converts(12, corners="KGBY"), "a.webm"),
    Case("webm-recorded-vp8", recorded(b"V_VP8", *VP8), GOOD, "a.webm"),
    Case("webm-recorded-vp9", recorded(b"V_VP9", *VP9, *YUV420), GOOD, "a.webm"),
    Case("webm-live-muxer", clip("webm", *VP8, "-live", "1"), GOOD, "a.webm"),
    *(
        Case(
            f"{codec}-mov",
            clip("mov", "-c:v", codec, *options),
            converts(12, corners="RGBY"),
            "a.mov",
        )
        for codec, options in (
            ("dnxhd", ("-profile:v", "dnxhr_hq", "-pix_fmt", "yuv422p", "-s", "256x144")),
            ("cfhd", ("-s", "256x144")),
            ("qtrle", ()),
            ("png", ()),
            ("mpeg2video", ("-q:v", "2")),
        )
    ),
    Case("upper-case-name", clip("mp4", *X264, *YUV420), GOOD, "CLIP.MP4"),
]
TURNS = [
    Case(
        "turned-90",
        turned("-display_rotation", "90"),
        converts(12, corners="GYRB", patch=(0.25, 0.79)),
    ),
    Case(
        "turned-180",
        turned("-display_rotation", "180"),
        converts(12, corners="YBGR", patch=(0.25, 0.25)),
    ),
    Case(
        "turned-270",
        turned("-display_rotation", "270", suffix="mov"),
        converts(12, corners="BRYG", patch=(0.25, 0.79)),
        "a.mov",
    ),
    Case("mirrored", turned("-display_hflip"), converts(12, corners="GRYB", patch=(0.25, 0.25))),
    Case("upside-down", turned("-display_vflip"), converts(12, corners="BYRG", patch=(0.25, 0.25))),
    Case(
        "turned-and-mirrored",
        turned("-display_rotation", "90", "-display_hflip"),
        converts(12, corners="YGBR", patch=(0.25, 0.79)),
    ),
]
TRAPPINGS = [
    Case("mov-plain", again("mov"), GOOD, "a.mov"),
    Case("mov-tmcd", again("mov", "-timecode", "01:00:00:00"), GOOD, "a.mov"),
    Case("mp4-tmcd", again("mp4", "-timecode", "01:00:00:00"), GOOD),
    Case("one-chapter", chapters(1), GOOD),
    Case("nine-chapters", chapters(9), GOOD),
    Case("sound-aac", with_sound("mp4"), GOOD),
    Case(
        "sound-opus-webm",
        lambda clip_maker: clip_maker.remux(
            clip_maker.clip("webm", codec=VP8),
            "webm",
            "-f",
            "lavfi",
            "-i",
            "sine=duration=1",
            "-map",
            "0",
            "-map",
            "1",
            "-c:v",
            "copy",
            "-c:a",
            "libopus",
        ),
        GOOD,
        "a.webm",
    ),
    Case(
        "sound-first",
        lambda clip_maker: clip_maker.remux(
            with_sound("mp4")(clip_maker), "mp4", "-map", "0:a", "-map", "0:v", "-c", "copy"
        ),
        GOOD,
    ),
    Case("cover-art-last", with_cover("01"), GOOD),
    Case("cover-art-first", with_cover("10"), GOOD),
    Case("two-video-streams", two_streams, GOOD),
    Case("title-duration-mp4", titled("mp4", FAKE), GOOD),
    Case("title-duration-mov", titled("mov", FAKE), GOOD, "a.mov"),
    Case(
        "title-duration-webm",
        lambda clip_maker: clip_maker.clip("webm", "-metadata", f"title={FAKE}", codec=VP8),
        GOOD,
        "a.webm",
    ),
    Case("title-audio-only", titled("mp4", "\n    Stream #0:0: Audio: aac"), GOOD),
    Case("title-rotated", titled("mp4", "\n  displaymatrix: rotation of 90.00 degrees"), GOOD),
    Case("brand-3gp", again("3gp"), GOOD),
    Case("first-box-wide", fronted(box(b"wide")), converts(12, corners="RGBY"), "a.mov"),
    Case("first-box-free", fronted(box(b"free", bytes(64))), converts(12, corners="RGBY"), "a.mov"),
    Case(
        "first-box-skip", fronted(box(b"skip", bytes(5000))), converts(12, corners="RGBY"), "a.mov"
    ),
    *(
        Case(
            f"first-box-{kind.decode()}",
            fronted(box(kind, bytes(20))),
            converts(12, corners="RGBY"),
            "a.mov",
        )
        for kind in (b"pnot", b"uuid", b"udta", b"styp", b"junk")
    ),
    Case("first-box-mdat", fronted(b""), converts(12, corners="RGBY"), "a.mov"),
    Case("h264-in-mkv-called-webm", again("mkv"), GOOD, "a.webm"),
]
CASES = [*CODECS, *TURNS, *TRAPPINGS]

"""Unusual but valid pictures that must convert unstretched: shapes, pixel aspects, GIFs."""

from collections.abc import Callable

from tests.hostile.oddities import VP8, VP9, X264, YUV420, again
from tests.support import gifs
from tests.support.clips import LOOP_FRAMES, Case, ClipMaker, converts


def sized(width: int, height: int, *codec: str) -> Callable[[ClipMaker], bytes]:
    options = codec or (*X264, "-pix_fmt", "yuv444p")
    return lambda clip_maker: clip_maker.clip(codec=options, size=(width, height))


SHAPES = [
    Case(
        "narrow-pixels",
        again("mp4", "-aspect", "8:9"),
        converts(12, corners="RGBY", patch=(0.25, 0.5)),
    ),
    Case(
        "wide-pixels",
        again("mov", "-aspect", "32:9"),
        converts(12, corners="RGBY", patch=(0.5, 0.25)),
        "a.mov",
    ),
    Case(
        "narrow-pixels-webm",
        lambda clip_maker: clip_maker.clip("webm", "-aspect", "8:9", codec=VP8),
        converts(12, corners="RGBY", patch=(0.25, 0.5)),
        "a.webm",
    ),
    Case(
        "narrow-pixels-turned",
        lambda clip_maker: clip_maker.remux(
            clip_maker.clip("mp4", "-aspect", "8:9"),
            "mp4",
            "-c",
            "copy",
            before=("-display_rotation", "90"),
        ),
        converts(12, corners="GYRB", patch=(0.25, 0.4)),
    ),
    Case("odd-97x55", sized(97, 55), converts(12, corners="RGBY", patch=(0.25, 0.25))),
    Case(
        "odd-33x17-vp9",
        lambda clip_maker: clip_maker.clip("webm", codec=(*VP9, *YUV420), size=(33, 17)),
        converts(12, corners="RGBY"),
        "a.webm",
    ),
    Case("tiny-2x2", sized(2, 2), converts(12)),
    Case("tiny-1x1", sized(1, 1), converts(12)),
    Case("tall-16x1200", sized(16, 1200), converts(12)),
    Case("flat-2400x16", sized(2400, 16), converts(12)),
    Case("square", sized(64, 64), converts(12, corners="RGBY", patch=(0.25, 0.44))),
    Case("portrait", sized(72, 128), converts(12, corners="RGBY", patch=(0.25, 0.79))),
]
GIFS = [
    Case("gif-plain", lambda clip_maker: gifs.animation(5), converts(12, corners="RGBY"), "a.gif"),
    Case(
        "gif-transparent",
        lambda clip_maker: gifs.animation(5, transparent=0),
        converts(12, corners="KGBY"),
        "a.gif",
    ),
    Case(
        "gif-0-delay", lambda clip_maker: gifs.animation(5, delay_cs=0), converts((3, 25)), "a.gif"
    ),
    Case(
        "gif-1-cs", lambda clip_maker: gifs.animation(50, delay_cs=1), converts((11, 121)), "a.gif"
    ),
    Case(
        "gif-disposal-2",
        lambda clip_maker: gifs.animation(5, disposal=2),
        converts(12, corners="RGBY"),
        "a.gif",
    ),
    Case(
        "gif-disposal-3",
        lambda clip_maker: gifs.animation(5, disposal=3),
        converts(12, corners="RGBY"),
        "a.gif",
    ),
    Case(
        "gif-two-slow-frames",
        lambda clip_maker: gifs.animation(2, delay_cs=400),
        converts(LOOP_FRAMES),
        "a.gif",
    ),
    Case(
        "gif-longest-delay",
        lambda clip_maker: gifs.animation(2, delay_cs=65535),
        converts((2, LOOP_FRAMES)),
        "a.gif",
    ),
    Case(
        "gif-87a",
        lambda clip_maker: b"GIF87a" + gifs.animation(5)[6:],
        converts(12, corners="RGBY"),
        "a.gif",
    ),
    Case(
        "gif-loop-3",
        lambda clip_maker: gifs.animation(5).replace(b"\x03\x01\0\0", b"\x03\x01\3\0"),
        converts(12),
        "a.gif",
    ),
    Case(
        "gif-by-ffmpeg",
        lambda clip_maker: clip_maker.clip("gif", codec=("-c:v", "gif"), fps=20),
        converts(12, corners="RGBY"),
        "a.gif",
    ),
    Case(
        "gif-1x1",
        lambda clip_maker: (
            gifs.screen(1, 1) + (gifs.control(10) + gifs.image(1, 1, b"\1")) * 9 + gifs.TRAILER
        ),
        converts((21, 23)),
        "a.gif",
    ),
    Case(
        "gif-interlaced",
        lambda clip_maker: gifs.animation(5).replace(
            b"\x20\0\x20\0\0\x07", b"\x20\0\x20\0\x40\x07"
        ),
        converts(12),
        "a.gif",
    ),
    Case("gif-called-mp4", lambda clip_maker: gifs.animation(5), converts(12), "clip.mp4"),
]
CASES = [*SHAPES, *GIFS]

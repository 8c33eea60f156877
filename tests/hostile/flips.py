"""Valid files with some bits flipped, from a seed; a GIF and any refusal are accepted."""

from collections.abc import Callable

from tests.support import gifs
from tests.support.clips import (
    NO_VIDEO,
    PAST_END,
    TOO_MANY_PIXELS,
    TOO_SHORT,
    UNREADABLE,
    UNSUPPORTED,
    Case,
    ClipMaker,
    either,
)

ALSO_READ = {  # besides the common codecs
    "dnxhd": ("-profile:v", "dnxhr_lb", "-pix_fmt", "yuv422p"),
    "cfhd": (),
    "qtrle": (),
    "png": (),
    "mpeg2video": ("-q:v", "4"),
    "dvvideo": ("-s", "720x480", "-pix_fmt", "yuv411p", "-r", "30000/1001"),
}
VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")
HONEST = either(UNSUPPORTED, UNREADABLE, NO_VIDEO, TOO_MANY_PIXELS, TOO_SHORT, PAST_END)
SOUND: list[tuple[str, Callable[[ClipMaker], bytes]]] = [
    ("clip.mp4", lambda clip_maker: clip_maker.clip(seconds=0.25)),
    ("clip.webm", lambda clip_maker: clip_maker.clip("webm", seconds=0.25, codec=VP8)),
    ("clip.gif", lambda clip_maker: gifs.animation(3)),
    (
        "clip.mov",
        lambda clip_maker: clip_maker.clip(
            "mov", seconds=0.25, codec=("-c:v", "prores"), size=(64, 36)
        ),
    ),
    *(("clip.mov", lambda maker, codec=codec: also_read(maker, codec)) for codec in ALSO_READ),
]


def also_read(clip_maker: ClipMaker, codec: str) -> bytes:
    """Three frames in MOV."""
    how = ("-c:v", codec, *ALSO_READ[codec])
    return clip_maker.clip("mov", seconds=0.125, codec=how, size=(256, 144))


def flipped(number: int) -> Callable[[ClipMaker], bytes]:
    """Flip 1 to 64 bits; for every other number only in the first kB, which holds the structure."""

    def cook(clip_maker: ClipMaker) -> bytes:
        rng = clip_maker.rng(f"flip {number}")
        data = bytearray(SOUND[number % len(SOUND)][1](clip_maker))
        reach = min(len(data), 1024) if number // len(SOUND) % 2 else len(data)
        for _ in range(1 << rng.randrange(7)):
            data[rng.randrange(reach)] ^= 1 << rng.randrange(8)
        return bytes(data)

    return cook


def cases(numbers: range) -> list[Case]:
    return [Case(f"flip-{n}", flipped(n), HONEST, SOUND[n % len(SOUND)][0]) for n in numbers]

"""Sound files with some bits turned over, from a seed: any honest answer will do."""

from collections.abc import Callable

from tests.hostile import gifs
from tests.hostile.kitchen import (
    NO_VIDEO,
    PAST_END,
    TOO_MANY_PIXELS,
    TOO_SHORT,
    UNREADABLE,
    UNSUPPORTED,
    Case,
    Kitchen,
    either,
)

VP8 = ("-c:v", "libvpx", "-deadline", "realtime", "-cpu-used", "8")
HONEST = either(UNSUPPORTED, UNREADABLE, NO_VIDEO, TOO_MANY_PIXELS, TOO_SHORT, PAST_END)
SOUND: list[tuple[str, Callable[[Kitchen], bytes]]] = [
    ("clip.mp4", lambda kitchen: kitchen.clip(seconds=0.25)),
    ("clip.webm", lambda kitchen: kitchen.clip("webm", seconds=0.25, codec=VP8)),
    ("clip.gif", lambda kitchen: gifs.animation(3)),
    (
        "clip.mov",
        lambda kitchen: kitchen.clip("mov", seconds=0.25, codec=("-c:v", "prores"), size=(64, 36)),
    ),
]


def flipped(number: int) -> Callable[[Kitchen], bytes]:
    """1 to 64 bits turned; every other time only in the first kilobyte, where the structure is."""

    def cook(kitchen: Kitchen) -> bytes:
        dice = kitchen.dice(f"flip {number}")
        data = bytearray(SOUND[number % len(SOUND)][1](kitchen))
        reach = min(len(data), 1024) if number // len(SOUND) % 2 else len(data)
        for _ in range(1 << dice.randrange(7)):
            data[dice.randrange(reach)] ^= 1 << dice.randrange(8)
        return bytes(data)

    return cook


def cases(numbers: range) -> list[Case]:
    return [Case(f"flip-{n}", flipped(n), HONEST, SOUND[n % len(SOUND)][0]) for n in numbers]

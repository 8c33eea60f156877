"""Read a GIF's blocks and compare them with the profile (GIF89a, sections 17 to 27)."""

import mmap
from dataclasses import dataclass
from pathlib import Path

from converter.pipeline.errors import OutputError
from converter.pipeline.gif.timing import delay_cs
from converter.pipeline.profile import ConversionProfile

IMAGE, EXTENSION, TRAILER = 0x2C, 0x21, 0x3B
GRAPHIC_CONTROL, APPLICATION = 0xF9, 0xFF


@dataclass(frozen=True, kw_only=True)
class GifFacts:
    """The properties of a GIF: size in px, delays in cs, loop count (0: endless; None: once)."""

    width: int
    height: int
    delays: tuple[int, ...]
    loop: int | None
    bytes: int

    @property
    def frames(self) -> int:
        return len(self.delays)

    @property
    def duration_ms(self) -> int:
        return sum(self.delays) * 10

    def described(self) -> dict[str, int | None]:
        """Return the facts as plain values, with the number and the sum of the delays."""
        return {
            "width": self.width,
            "height": self.height,
            "frames": self.frames,
            "duration_ms": self.duration_ms,
            "bytes": self.bytes,
            "loop": self.loop,
        }


def _table_bytes(flags: int) -> int:
    """Return the size in bytes of the colour table that the packed `flags` announce."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_sub_blocks(gif: mmap.mmap, at: int) -> int:
    """Return the end of the chain of data sub-blocks that begins at `at`."""
    while gif[at]:
        at += gif[at] + 1
    return at + 1


def inspect_gif(path: Path) -> GifFacts:
    """Parse the GIF's blocks without decoding a picture. Raises OutputError if they are invalid."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as gif:
            return _walk(gif)
    except (IndexError, ValueError) as error:
        raise OutputError(detail=f"broken GIF: {error}") from error


def _walk(gif: mmap.mmap) -> GifFacts:
    if gif[:6] != b"GIF89a":
        raise ValueError("no GIF89a")
    delays: list[int] = []
    loop, delay = None, 0
    at = 13 + _table_bytes(gif[10])
    while gif[at] != TRAILER:
        if gif[at] == EXTENSION:
            label, body = gif[at + 1], at + 3
            if label == GRAPHIC_CONTROL:
                delay = int.from_bytes(gif[body + 1 : body + 3], "little")
            elif label == APPLICATION and gif[body : body + 11] == b"NETSCAPE2.0":
                loop = int.from_bytes(gif[body + 13 : body + 15], "little")
            at = _after_sub_blocks(gif, at + 2)
        elif gif[at] == IMAGE:
            delays.append(delay)
            at = _after_sub_blocks(gif, at + 11 + _table_bytes(gif[at + 9]))
        else:
            raise ValueError(f"block {gif[at]:#x} at {at}")
    if at + 1 != len(gif):
        raise ValueError("data after the trailer")
    return GifFacts(
        width=int.from_bytes(gif[6:8], "little"),
        height=int.from_bytes(gif[8:10], "little"),
        delays=tuple(delays),
        loop=loop,
        bytes=len(gif),
    )


def verify_gif(path: Path, *, profile: ConversionProfile, frames: int) -> GifFacts:
    """Return the GIF's facts. Raises OutputError unless they match the profile and `frames`."""
    facts = inspect_gif(path)
    promised = GifFacts(
        width=profile.width,
        height=profile.height,
        delays=tuple(delay_cs(k, fps=profile.fps) for k in range(frames)),
        loop=0,
        bytes=facts.bytes,
    )
    if facts != promised:
        raise OutputError(detail=f"wrote {facts}, promised {promised}")
    return facts

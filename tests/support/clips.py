"""What every hostile file is made with: the table's types, and a clip_maker that cooks bytes."""

import errno
import random
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import imageio_ffmpeg
import numpy as np

SEED = 5
LOOP_S = 3  # what these files are converted to: half of what users get
LOOP_FRAMES = 24 * LOOP_S
PACE = 4  # seconds that a clip shows in a second: half of one tells a wrong moment from the right
START_TRIES = 3
RED, GREEN, BLUE, YELLOW = (210, 20, 20), (20, 170, 20), (20, 20, 210), (220, 220, 20)
COLOURS = {"R": RED, "G": GREEN, "B": BLUE, "Y": YELLOW, "K": (0, 0, 0)}
MAGENTA = (230, 0, 230)  # of the canary alone

UNSUPPORTED = (400, "unsupported_type")
UNREADABLE = (422, "unreadable_video")
NO_VIDEO = (422, "no_video")
TOO_MANY_PIXELS = (422, "too_many_pixels")
TOO_SHORT = (422, "too_short")
PAST_END = (400, "start_past_end")
BAD_START = (400, "invalid_start_time")
NO_FILE = (400, "no_file")
BAD_FIELD = (400, "invalid_field")

Refusal = tuple[int, str]


@dataclass(frozen=True)
class Picture:
    """What a conversion must look like; None means: not asked."""

    frames: tuple[int, int] | None = None  # fewest and most
    corners: str | None = None  # top left, top right, bottom left, bottom right: letters of COLOURS
    seconds: tuple[tuple[int, float], ...] = ()  # (frame, source time shown in s, told by grey)
    patch: tuple[float, float] | None = None  # the grey patch, as a share of width and height


@dataclass(frozen=True)
class Expect:
    """The answers that are right: any of `refusals`, or a GIF like `picture`."""

    refusals: frozenset[Refusal] = frozenset()
    picture: Picture | None = None


@dataclass(frozen=True)
class Case:
    """One upload: how it is made, what it is called, when it starts, what must be answered."""

    name: str
    make: "Callable[[ClipMaker], bytes]"
    expect: Expect
    filename: str = "clip.mp4"
    start_time: str | None = None
    long: bool = False  # only with --long: dear to make or to try


def refused(*refusals: Refusal) -> Expect:
    return Expect(refusals=frozenset(refusals))


def converts(
    frames: int | tuple[int, int] | None = None,
    *,
    corners: str | None = None,
    seconds: Sequence[tuple[int, float]] = (),
    patch: tuple[float, float] | None = None,
) -> Expect:
    """A GIF; a single number of frames is meant within one, the fps filter's rounding."""
    span = (max(2, frames - 1), frames + 1) if isinstance(frames, int) else frames
    return Expect(picture=Picture(span, corners, tuple(seconds), patch))


def either(*refusals: Refusal, frames: tuple[int, int] = (2, LOOP_FRAMES)) -> Expect:
    """Both a GIF of what is there and an honest refusal are sane."""
    return Expect(refusals=frozenset(refusals), picture=Picture(frames))


def grey(seconds: float) -> int:
    """Grey level 0-255 that tells the time `seconds` in the picture's middle; good for 0-9 s."""
    return round(30 + 20 * min(seconds, 9.5))


def frame(size: tuple[int, int], seconds: float) -> bytes:
    """rgb24 picture: a colour in each corner, and in the middle a grey that tells the time."""
    width, height = size
    picture = np.empty((height, width, 3), np.uint8)
    mid_y, mid_x = height // 2, width // 2
    picture[:mid_y, :mid_x], picture[:mid_y, mid_x:] = RED, GREEN
    picture[mid_y:, :mid_x], picture[mid_y:, mid_x:] = BLUE, YELLOW
    picture[height * 3 // 8 : height * 5 // 8, width * 3 // 8 : width * 5 // 8] = grey(seconds)
    return picture.tobytes()


@dataclass(frozen=True)
class ClipMaker:
    """Makes media with the wheel's ffmpeg; canary file and listener's port go into traps."""

    canary: Path
    port: int
    seed: int = SEED
    clip_cache: dict[object, bytes] = field(default_factory=dict)

    def rng(self, name: str) -> random.Random:
        """A random source of its own for each name, so that a new case changes no other."""
        return random.Random(f"{self.seed}:{name}")

    def clip(
        self,
        suffix: str = "mp4",
        *options: str,
        times: Sequence[float] | None = None,
        fps: float = 24,
        seconds: float = 0.5,
        pace: float = PACE,
        size: tuple[int, int] = (128, 72),
        codec: Sequence[str] = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"),
    ) -> bytes:
        """A video of the time picture: frames at `fps`, `pace` s a second, or showing `times` s."""
        shown = tuple(times or (pace * n / fps for n in range(round(seconds * fps))))
        key = (suffix, options, shown, fps, size, tuple(codec))
        if key not in self.clip_cache:
            width, height = size
            raw = b"".join(frame(size, t) for t in shown)
            source = ("-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}")
            self.clip_cache[key] = self.ffmpeg(
                *source, "-r", str(fps), "-i", "-", *codec, *options, suffix=suffix, stdin=raw
            )
        return self.clip_cache[key]

    def remux(
        self,
        data: bytes,
        suffix: str,
        *options: str,
        before: Sequence[str] = (),
        stdin: bytes = b"",
    ) -> bytes:
        """`data` in a new container, with input options `before` and a second input by stdin."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "in")
            source.write_bytes(data)
            return self.ffmpeg(*before, "-i", str(source), *options, suffix=suffix, stdin=stdin)

    def ffmpeg(self, *arguments: str, suffix: str, stdin: bytes = b"") -> bytes:
        """The file that this ffmpeg command writes."""
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder, f"out.{suffix}")
            exact = ("-fflags", "+bitexact", "-flags", "+bitexact", "-threads", "1")
            command = [ffmpeg_exe(), "-hide_banner", "-v", "error", "-y"]
            command += [*arguments, *exact, str(output)]
            done = _run(command, stdin)
            if done.returncode:  # its words first: what pytest cuts off is the end
                raise RuntimeError(f"{done.stderr.decode(errors='replace')} from {command}")
            return output.read_bytes()


def _run(command: list[str], stdin: bytes) -> subprocess.CompletedProcess[bytes]:
    """Run it, anew if the machine could not start it just then (seen once, on a busy CI machine).

    Never after EBADF: that would be a descriptor that somebody closed twice.
    """
    for left in reversed(range(START_TRIES)):
        try:
            return subprocess.run(command, input=stdin, capture_output=True, check=False)
        except OSError as error:
            if not left or error.errno == errno.EBADF:
                raise RuntimeError(f"{error!r} at the start of {command}") from error
            time.sleep(1)
    raise AssertionError


@cache
def ffmpeg_exe() -> str:
    return imageio_ffmpeg.get_ffmpeg_exe()


def canary_clip(clip_maker: ClipMaker) -> bytes:
    """Another user's video, all magenta: none of it may ever be seen in a picture of ours."""
    red, green, blue = MAGENTA
    source = f"color=c=0x{red:02x}{green:02x}{blue:02x}:s=128x72:r=24:d=1"
    codec = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    return clip_maker.ffmpeg("-f", "lavfi", "-i", source, *codec, suffix="mp4")

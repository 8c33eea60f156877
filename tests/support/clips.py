"""Types of the table of hostile files, and ClipMaker, which makes their bytes."""

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
LOOP_S = 3  # s of the GIFs, half of the real length
LOOP_FRAMES = 24 * LOOP_S
PACE = 4  # source s shown per s of clip, so that an error of a few frames is visible
START_TRIES = 3
RED, GREEN, BLUE, YELLOW = (210, 20, 20), (20, 170, 20), (20, 20, 210), (220, 220, 20)
COLOURS = {"R": RED, "G": GREEN, "B": BLUE, "Y": YELLOW, "K": (0, 0, 0)}
MAGENTA = (230, 0, 230)  # only the canary has this colour

UNSUPPORTED = (400, "unsupported_type")
UNREADABLE = (422, "unreadable_video")
NO_VIDEO = (422, "no_video")
TOO_MANY_PIXELS = (422, "too_many_pixels")
TOO_SHORT = (422, "too_short")
PAST_END = (400, "start_past_end")
BAD_START = (400, "invalid_start_time")
NO_FILE = (400, "no_file")
BAD_FIELD = (400, "invalid_field")
INCOMPLETE = (422, "incomplete_upload")

Refusal = tuple[int, str]


@dataclass(frozen=True)
class Picture:
    """What a conversion must look like; None means that it isn't checked."""

    frames: tuple[int, int] | None = None  # fewest and most
    corners: str | None = None  # top left, top right, bottom left, bottom right: letters of COLOURS
    seconds: tuple[tuple[int, float], ...] = ()  # (frame, source time in s shown as grey)
    patch: tuple[float, float] | None = None  # the grey patch, as a share of width and height


@dataclass(frozen=True)
class Expect:
    """The accepted answers: any of `refusals`, or a GIF like `picture`."""

    refusals: frozenset[Refusal] = frozenset()
    picture: Picture | None = None


@dataclass(frozen=True)
class Case:
    """One upload: its bytes, file name and start time, and the accepted answers."""

    name: str
    make: "Callable[[ClipMaker], bytes]"
    expect: Expect
    filename: str = "clip.mp4"
    start_time: str | None = None
    layout: Callable[[bytes], str] | None = None  # told the upload
    long: bool = False  # only with --long: slow to make or to convert


def refused(*refusals: Refusal) -> Expect:
    return Expect(refusals=frozenset(refusals))


def converts(
    frames: int | tuple[int, int] | None = None,
    *,
    corners: str | None = None,
    seconds: Sequence[tuple[int, float]] = (),
    patch: tuple[float, float] | None = None,
) -> Expect:
    """Expect a GIF; a single number of frames allows one more or less (the fps filter rounds)."""
    span = (max(2, frames - 1), frames + 1) if isinstance(frames, int) else frames
    return Expect(picture=Picture(span, corners, tuple(seconds), patch))


def either(*refusals: Refusal, frames: tuple[int, int] = (2, LOOP_FRAMES)) -> Expect:
    """Accept a GIF of the readable part, and the given refusals."""
    return Expect(refusals=frozenset(refusals), picture=Picture(frames))


def grey(seconds: float) -> int:
    """Return the grey level (0-255) that encodes a time of 0 to 9 s."""
    return round(30 + 20 * min(seconds, 9.5))


def frame(size: tuple[int, int], seconds: float) -> bytes:
    """Return an rgb24 picture with a colour in each corner and the time as grey in the middle."""
    width, height = size
    picture = np.empty((height, width, 3), np.uint8)
    mid_y, mid_x = height // 2, width // 2
    picture[:mid_y, :mid_x], picture[:mid_y, mid_x:] = RED, GREEN
    picture[mid_y:, :mid_x], picture[mid_y:, mid_x:] = BLUE, YELLOW
    picture[height * 3 // 8 : height * 5 // 8, width * 3 // 8 : width * 5 // 8] = grey(seconds)
    return picture.tobytes()


@dataclass(frozen=True)
class ClipMaker:
    """Make media with imageio-ffmpeg's ffmpeg; playlists refer to the canary and the port."""

    canary: Path
    port: int
    seed: int = SEED
    clip_cache: dict[object, bytes] = field(default_factory=dict)

    def rng(self, name: str) -> random.Random:
        """Return a random source for each name, so that a new case doesn't change the others."""
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
        """Make a video that shows its time: `pace` s per s at `fps`, or the given `times` in s."""
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
        """Put `data` into a new container; `before` are input options, `stdin` a second input."""
        with tempfile.TemporaryDirectory() as folder:
            source = Path(folder, "in")
            source.write_bytes(data)
            return self.ffmpeg(*before, "-i", str(source), *options, suffix=suffix, stdin=stdin)

    def ffmpeg(self, *arguments: str, suffix: str, stdin: bytes = b"") -> bytes:
        """Run ffmpeg and return the content of its output file."""
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder, f"out.{suffix}")
            exact = ("-fflags", "+bitexact", "-flags", "+bitexact", "-threads", "1")
            command = [ffmpeg_exe(), "-hide_banner", "-v", "error", "-y"]
            command += [*arguments, *exact, str(output)]
            done = _run(command, stdin)
            if done.returncode:  # stderr first, because pytest cuts off the end
                raise RuntimeError(f"{done.stderr.decode(errors='replace')} from {command}")
            return output.read_bytes()


def _run(command: list[str], stdin: bytes) -> subprocess.CompletedProcess[bytes]:
    """Run the command; try again if it can't be started (seen once, on a busy CI machine).

    Don't try again after EBADF, which would mean that a descriptor was closed twice.
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
    """Make another user's video, all magenta, which must never appear in a result."""
    red, green, blue = MAGENTA
    source = f"color=c=0x{red:02x}{green:02x}{blue:02x}:s=128x72:r=24:d=1"
    codec = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    return clip_maker.ffmpeg("-f", "lavfi", "-i", source, *codec, suffix="mp4")

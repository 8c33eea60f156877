"""Make a clip whose frames show their numbers, and a one-second theme from it."""

import subprocess
import zipfile
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
from PIL import Image

from converter.pipeline.control import Control
from converter.pipeline.loop.plan import LoopPlan
from converter.pipeline.picture.encode import Cut
from converter.pipeline.picture.make import Animation
from converter.pipeline.profile import BACKGROUND, ConversionProfile, Scale, Selection
from converter.pipeline.screen import Screen, Size, parse_screen
from converter.pipeline.source.source import open_source
from converter.pipeline.theme import package
from converter.pipeline.theme.colours import BLACK, WHITE, FrameSampler, ThemeColours
from converter.pipeline.theme.package import ThemeFacts, make_theme
from tests.support.decoding import decoding

ONE_SECOND = ConversionProfile(width=1280, height=720, fps=24, seconds=1)
MAX_PIXELS = 17_000_000
GREY = ThemeColours(frame=BLACK, toolbar=(40, 40, 40), text=WHITE, ntp_background=(9, 9, 9))
# The numbered clip: magenta on the left, green on the right, and five squares for the number.
CLIP_SIZE = (320, 200)
MAGENTA, GREEN = (200, 40, 160), (40, 160, 60)
BITS = 5
SQUARE_AT = [(40 + 24 * bit, 150) for bit in range(BITS)]
SQUARE_PX = 20


def numbered_clip(path: Path, *, count: int = 24, tags: tuple[str, ...] = ()) -> Path:
    """Make a clip of `count` frames at 24 fps that show their number as black and white squares."""
    width, height = CLIP_SIZE
    ground = np.empty((height, width, 3), np.uint8)
    ground[:, : width // 2], ground[:, width // 2 :] = MAGENTA, GREEN
    pictures = []
    for number in range(count):
        picture = ground.copy()
        for bit, (x, y) in enumerate(SQUARE_AT):
            picture[y : y + SQUARE_PX, x : x + SQUARE_PX] = 255 if number >> bit & 1 else 0
        pictures.append(picture)
    return from_frames(path, np.stack(pictures), tags=tags)


def from_frames(path: Path, pictures: np.ndarray, *, tags: tuple[str, ...] = ()) -> Path:
    """Make a nearly lossless H.264 clip of (n, h, w, 3) uint8 pictures: 24 fps, no tags, BT.601."""
    _, height, width, _ = pictures.shape
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", "24"]
    coded = ["-pix_fmt", "yuv420p", "-c:v", "libx264", "-qp", "4", *tags]
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *raw, "-i", "-", *coded]
    subprocess.run([*command, str(path)], input=pictures.tobytes(), check=True)
    return path


def number_in(picture: np.ndarray, *, left: float, top: float, scale: float) -> int | None:
    """Read the number of the squares; the clip's picture is at (left, top), `scale` px per px.

    Returns None if a square is neither black nor white.
    """
    number = 0
    for bit, (x, y) in enumerate(SQUARE_AT):
        column = round(left + (x + SQUARE_PX / 2) * scale)
        row = round(top + (y + SQUARE_PX / 2) * scale)
        shade = picture[row - 2 : row + 3, column - 2 : column + 3].astype(int)
        if shade.size == 0 or 60 < shade.mean() < 195 or np.ptp(shade.mean(axis=(0, 1))) > 40:
            return None
        number |= (shade.mean() > 127) << bit
    return number


def sampled(
    clip: Path, *, selection: Selection, profile: ConversionProfile
) -> tuple[FrameSampler, int]:
    """Return a sampler that was given the frames of the GIF, and how many they are."""
    sampler, count = FrameSampler(), 0
    with decoding(clip, profile=profile, selection=selection, max_pixels=MAX_PIXELS) as shown:
        for frame in shown:
            sampler.add(frame)
            count += 1
    return sampler, count


def gif_frames(clip: Path, *, selection: Selection) -> list[np.ndarray]:
    """Return the frames that the GIF's encoder gets of the clip's first second."""
    with decoding(clip, profile=ONE_SECOND, selection=selection, max_pixels=MAX_PIXELS) as shown:
        return list(shown)


def cut_of(
    clip: Path,
    *,
    selection: Selection | None = None,
    profile: ConversionProfile = ONE_SECOND,
    border: tuple[int, int, int] = BLACK,
    loop: LoopPlan | None = None,
) -> Cut:
    """Return the clip's first second as the pictures' encoder wants it."""
    return Cut(
        source=open_source(clip, max_pixels=MAX_PIXELS, control=Control(timeout_s=100)),
        profile=profile,
        selection=selection or Selection(),
        border=border,
        loop=loop,
    )


def theme_of(
    clip: Path,
    output: Path,
    *,
    screen: str = "1280x800@1",
    selection: Selection | None = None,
    name: str = "",
    profile: ConversionProfile = ONE_SECOND,
    control: Control | None = None,
    made: Animation | None = None,
) -> ThemeFacts:
    """Make the theme of the clip's first second."""
    selection = selection or Selection()
    sampler, frames = sampled(clip, selection=selection, profile=profile)
    border = sampler.colours().ntp_background
    return make_theme(
        cut_of(clip, selection=selection, profile=profile, border=border),
        output,
        sampler=sampler,
        frames=frames,
        screen=parse_screen(screen),
        name=name,
        control=control or Control(timeout_s=100, extras=["theme"]),
        made=made,
    )


def shrink_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the picture for the other scale 320x180, which is cheap."""
    sizes_for = package.picture_sizes

    def sizes(screen: Screen) -> dict[Scale, Size]:
        own, other = sizes_for(screen)
        return {own: sizes_for(screen)[own], other: (320, 180)}

    monkeypatch.setattr(package, "picture_sizes", sizes)


def unpacked(archive: Path, folder: Path) -> Path:
    """Extract the zip into `folder` and return it."""
    with zipfile.ZipFile(archive) as opened:
        opened.extractall(folder)
    return folder


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as opened:
        return opened.size


def pictures_of(path: Path) -> np.ndarray:
    """Return all frames of an animated AVIF, (n, height, width, 3) uint8."""
    width, height = size_of(path)
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", str(path), "-map", "0:v:1"]
    raw = ["-vf", "scale=in_color_matrix=bt709", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"]
    done = subprocess.run([*command, *raw], check=True, stdout=subprocess.PIPE)
    return np.frombuffer(done.stdout, np.uint8).reshape(-1, height, width, 3)


assert BACKGROUND.fps == ONE_SECOND.fps

"""A clip that gets lighter, and a check that its results show the same blended loop."""

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image, ImageSequence

from converter.pipeline.theme.package import NAMES
from tests.support.themes import from_frames, pictures_of

COUNT, DARKEST, PER_FRAME = 36, 20, 4  # frames; levels
OVERLAPS = (12, 18)  # frames; nothing comes after the clip's frames, so a blended loop is shorter
SCREEN = "96x54@1"
SMALL = (16, 9)


def lighter_clip(path: Path, *, count: int = COUNT) -> Path:
    """Make a clip of grey frames, each PER_FRAME levels lighter than the one before."""
    levels = DARKEST + PER_FRAME * np.arange(count, dtype=np.uint8)
    frames = np.broadcast_to(levels[:, None, None, None], (count, 54, 96, 3))
    return from_frames(path, frames.copy())


def check_same_blended_loop(folder: Path, *, gif: bytes, picture: bytes, theme: bytes) -> None:
    """Assert that the three results of `lighter_clip` show the same blended loop."""
    (folder / "picture.avif").write_bytes(picture)
    with zipfile.ZipFile(io.BytesIO(theme)) as archive:
        (folder / "theme.avif").write_bytes(archive.read(NAMES["100"]))
    with Image.open(io.BytesIO(gif)) as opened:
        of_gif = _small(np.array(frame.convert("RGB")) for frame in ImageSequence.Iterator(opened))
    assert COUNT - len(of_gif) in OVERLAPS
    levels = of_gif.mean(axis=(1, 2, 3))
    steps = np.abs(np.diff([*levels, levels[0]]))
    assert steps.max() < 4 * PER_FRAME  # a cut's last step is that of 23 frames
    for name in ("picture.avif", "theme.avif"):
        shown = _small(pictures_of(folder / name))
        assert shown.shape == of_gif.shape
        assert np.abs(shown - of_gif).max() < 2 * PER_FRAME, name


def _small(frames: Iterable[np.ndarray]) -> np.ndarray:
    """Return the frames scaled down to SMALL, (n, height, width, 3)."""
    small = [Image.fromarray(frame).resize(SMALL, Image.Resampling.BOX) for frame in frames]
    return np.stack([np.asarray(frame, np.float32) for frame in small])

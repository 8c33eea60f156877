"""Decode a clip as the pipeline does; make a small clip that shows its orientation."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from converter.pipeline.control import Control
from converter.pipeline.profile import ConversionProfile, Selection
from converter.pipeline.source.decode import Frame, frames, open_clip
from converter.pipeline.source.source import open_source

PROFILE = ConversionProfile(width=160, height=90, fps=24, seconds=1)
RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
UPRIGHT = [RED, GREEN, BLUE, WHITE]
X264 = ("-c:v", "libx264", "-qp", "0", "-pix_fmt", "yuv444p")


@contextlib.contextmanager
def decoding(
    clip: Path,
    *,
    profile: ConversionProfile,
    selection: Selection,
    max_pixels: int = 1_000_000,
    control: Control | None = None,
) -> Iterator[Iterator[Frame]]:
    """Yield an iterator of the clip's fitted frames, as the GIF encoder gets them."""
    control = control or Control(timeout_s=60)
    with open_clip(
        open_source(clip, max_pixels=max_pixels, control=control),
        profile=profile,
        selection=selection,
        control=control,
    ) as opened:
        yield frames(opened, control=control)


def opened(path: Path, profile: ConversionProfile = PROFILE, **selection):
    """Yield the iterator of the clip's frames; it is closed with the block."""
    return decoding(path, profile=profile, selection=Selection(**selection))


def first_frame(path: Path, **selection) -> np.ndarray:
    """Return the clip's first frame, (90, 160, 3) uint8; check that all frames have this shape."""
    with opened(path, **selection) as shown:
        pictures = list(shown)
    assert {p.shape for p in pictures} == {(90, 160, 3)}
    return pictures[0]


def corners(size: str) -> str:
    """Return a lavfi source of four quarters: red, green above blue, white."""
    return (
        f"nullsrc=s={size}:r=24:d=1,format=gbrp,"
        "geq=r='255*eq(lt(X,W/2),lt(Y,H/2))':g='255*gte(X,W/2)':b='255*gte(Y,H/2)'"
    )


def seen(frame: np.ndarray) -> list[tuple[int, ...]]:
    """Return the colours of the corners (tl, tr, bl, br), each channel rounded to 0 or 255."""
    spots = (frame[10, 20], frame[10, 140], frame[80, 20], frame[80, 140])
    return [tuple(int(c > 127) * 255 for c in spot) for spot in spots]

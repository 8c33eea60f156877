"""Clips whose pictures a browser test can measure; a frame is found by its grey level."""

from collections.abc import Callable
from pathlib import Path


def ramp_clip(clips: Callable[..., Path], name: str, *codec: str, seconds: int) -> Path:
    """Make a clip whose grey level (0 to 255) is 16 + 20 t at t s."""
    source = f"color=black:s=320x180:r=24:d={seconds},format=gray,geq=lum='16+20*T'"
    tail = [*codec, "-preset", "ultrafast", "-g", "24", "-pix_fmt", "yuv420p"]
    return clips(name, "-f", "lavfi", "-i", source, *tail)


def portrait_clip(clips: Callable[..., Path], name: str, *, seconds: int) -> Path:
    """Make an upright clip of ten horizontal bands, from dark at the top to light at the bottom."""
    source = f"color=black:s=180x320:r=24:d={seconds},format=gray,geq=lum='30+20*floor(Y/32)'"
    return clips(name, "-f", "lavfi", "-i", source, "-preset", "ultrafast", "-pix_fmt", "yuv420p")

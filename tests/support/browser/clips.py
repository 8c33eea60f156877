"""Clips whose pictures a browser test can measure; a frame is found by its grey level."""

from collections.abc import Callable
from pathlib import Path


def ramp_clip(clips: Callable[..., Path], name: str, *codec: str, seconds: int) -> Path:
    """Make a clip whose grey level (0 to 255) is 16 + 20 t at t s."""
    grey = f"color=black:s=16x16:r=24:d={seconds},format=gray,geq=lum='16+20*T'"
    source = f"{grey},scale=320:180,setsar=1"  # geq takes long for many pixels
    tail = [*codec, "-preset", "ultrafast", "-g", "24", "-pix_fmt", "yuv420p"]
    return clips(name, "-f", "lavfi", "-i", source, *tail)


def portrait_clip(clips: Callable[..., Path], name: str, *, seconds: int) -> Path:
    """Make an upright clip of ten horizontal bands, from dark at the top to light at the bottom."""
    bands = f"color=black:s=2x320:r=24:d={seconds},format=gray,geq=lum='30+20*floor(Y/32)'"
    source = f"{bands},scale=180:320:flags=neighbor,setsar=1"
    return clips(name, "-f", "lavfi", "-i", source, "-preset", "ultrafast", "-pix_fmt", "yuv420p")

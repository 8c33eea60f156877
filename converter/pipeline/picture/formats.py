"""What the ffmpeg at hand can do: decode for us at all, and write which picture for a theme."""

import functools
from typing import Literal

from converter.pipeline.control import Control
from converter.pipeline.ffmpeg import ffmpeg

Format = Literal["avif", "webp"]
ENCODERS: dict[Format, str] = {"avif": "libsvtav1", "webp": "libwebp_anim"}
ASK_S = 20


@functools.cache
def best_format() -> Format | None:
    """The best of the formats that ffmpeg can write; None: neither. Raises ConversionError."""
    control = Control(timeout_s=ASK_S)
    with ffmpeg(["-v", "error", "-encoders"], control=control) as child:
        known = child.stdout.read().decode("ascii", "replace").split()
        control.check()  # half an answer is not to be remembered
        child.check()
    return next((form for form, encoder in ENCODERS.items() if encoder in known), None)


@functools.cache
def joins_graphs() -> bool:
    """Return whether ffmpeg can do what filters.py and decode.py ask of it.

    One filter graph reads another's output, and frames that change on the way are dropped. ffmpeg
    5.1 (Debian 12's) can't. Raises ConversionError.
    """
    one = ["-drop_changed", "1", "-f", "lavfi", "-i", "color=size=16x16"]
    one += ["-filter_complex", "[0:0]null[shown]"]
    other = ["-filter_complex", "[shown]null[fitted]", "-map", "[fitted]"]
    control = Control(timeout_s=ASK_S)
    end = ["-frames:v", "1", "-f", "null", "-"]
    with ffmpeg(["-v", "error", *one, *other, *end], control=control) as child:
        status = child.wait()
        control.check()
    return status == 0

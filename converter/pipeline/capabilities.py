"""Ask the installed ffmpeg whether it can do what the pipeline needs."""

import functools

from converter.pipeline.control import Control
from converter.pipeline.ffmpeg import ffmpeg

AVIF_ENCODER = "libsvtav1"
ASK_S = 20


@functools.cache
def writes_avif() -> bool:
    """Return whether ffmpeg has the encoder of the animated AVIF. Raises ConversionError."""
    control = Control(timeout_s=ASK_S)
    with ffmpeg(["-v", "error", "-encoders"], control=control) as child:
        known = child.stdout.read().decode("ascii", "replace").split()
        control.check()  # half an answer must not be cached
        child.check()
    return AVIF_ENCODER in known


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

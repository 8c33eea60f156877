"""Check whether the installed ffmpeg has the features that the pipeline needs."""

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
        control.check()  # an incomplete list must not be cached
        child.check()
    return AVIF_ENCODER in known


@functools.cache
def joins_graphs() -> bool:
    """Return whether ffmpeg supports a filter graph that reads another's output, and -drop_changed.

    filters.py and decode.py use both. ffmpeg 5.1 (Debian 12) lacks them. Raises ConversionError.
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

"""Which animated picture the ffmpeg at hand can write for a theme."""

import functools
from typing import Literal

from converter.pipeline.control import Control
from converter.pipeline.process import ffmpeg

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

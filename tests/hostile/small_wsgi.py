"""The whole application, but its GIFs are 160x90: the corpus asks for truth, not for pixels."""

import functools
import os

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.hostile.live_settings"

from chrome_background_converter.wsgi import application  # noqa: F401
from converter.pipeline import convert
from converter.pipeline.profile import ConversionProfile

SMALL = ConversionProfile(width=160, height=90, fps=24, seconds=6)
convert.convert_video = functools.partial(convert.convert_video, profile=SMALL)  # type: ignore[assignment]

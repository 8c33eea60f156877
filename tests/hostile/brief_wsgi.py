"""The whole application, but its GIFs are two seconds long: memory and load ask for size."""

import functools
import os

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.hostile.live_settings"

from chrome_background_converter.wsgi import application  # noqa: F401
from converter.pipeline import convert
from converter.pipeline.profile import ConversionProfile

BRIEF = ConversionProfile(width=1280, height=720, fps=24, seconds=2)
convert.convert_video = functools.partial(convert.convert_video, profile=BRIEF)  # type: ignore[assignment]

"""The whole application, for pictures of another profile than the product's."""

import functools
import os

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.hostile.live_settings"

from chrome_background_converter.wsgi import application  # noqa: F401
from converter.pipeline import convert
from converter.pipeline.profile import ConversionProfile


def convert_to(width: int, height: int, *, seconds: int) -> None:
    """Let this process make GIFs of that size (px) and length."""
    profile = ConversionProfile(width=width, height=height, fps=24, seconds=seconds)
    convert.convert_video = functools.partial(convert.convert_video, profile=profile)  # type: ignore[assignment]

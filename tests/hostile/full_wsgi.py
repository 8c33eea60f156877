"""The whole application as it is, with the static files of a test."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.hostile.live_settings"

from chrome_background_converter.wsgi import application  # noqa: F401

"""The real settings, with the collected static files of the tests."""

import os

from chrome_background_converter.settings import *  # noqa: F403
from tests.support.small import shrink

STATIC_ROOT = os.environ["STATIC_ROOT"]

shrink()

"""The real settings, with collected static files in a folder of the tests' own."""

import os

from chrome_background_converter.settings import *  # noqa: F403
from tests.support.small import shrink

STATIC_ROOT = os.environ["STATIC_ROOT"]

shrink()

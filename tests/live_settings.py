"""The real settings, for a server without collected static files."""

from chrome_background_converter.settings import *  # noqa: F403
from tests.support.small import shrink

STORAGES["staticfiles"] = {  # noqa: F405
    "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
}
WHITENOISE_USE_FINDERS = True

shrink()

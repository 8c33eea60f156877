"""The real settings with temporary folders, for tests in this process."""

import os
import tempfile

_folder = tempfile.mkdtemp(prefix="chromi-tests-")
os.environ["SECRET_KEY"] = "tests"
os.environ["MEDIA_ROOT"] = f"{_folder}/media"
os.environ["CACHE_DIR"] = f"{_folder}/cache"
os.environ["DATABASE_PATH"] = ":memory:"
os.environ["DEBUG"] = "False"

from chrome_background_converter.settings import *  # noqa: E402, F403

STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_AUTOREFRESH = True
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

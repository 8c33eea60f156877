"""The settings are safe by default."""

import os
import secrets
import subprocess
import sys
from pathlib import Path

from tests.support.files import ROOT


def manage(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess:
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "chrome_background_converter.settings",
        "MEDIA_ROOT": str(folder / "media"),
        "CACHE_DIR": str(folder / "cache"),
        "DEBUG": "False",
        **environment,
    }
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)


def test_nothing_starts_without_a_secret_key(tmp_path):
    done = manage(tmp_path, "check", SECRET_KEY="")
    assert done.returncode != 0
    assert "Set SECRET_KEY" in done.stderr


def test_a_deployment_behind_https_has_no_warning(tmp_path):
    done = manage(
        tmp_path,
        *("check", "--deploy", "--fail-level", "WARNING"),
        SECRET_KEY=secrets.token_urlsafe(50),
        USE_HTTPS="True",
        ALLOWED_HOSTS="chromi.example",
    )
    assert (done.returncode, done.stdout.strip()) == (
        0,
        "System check identified no issues (0 silenced).",
    )


def test_metrics_that_anyone_can_read_are_a_warning(tmp_path):
    command = ("check", "--deploy", "--fail-level", "WARNING")
    settings = {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "USE_HTTPS": "True",
        "ALLOWED_HOSTS": "chromi.example",
        "METRICS": "True",
    }
    assert "converter.W003" in manage(tmp_path, *command, **settings).stderr
    assert manage(tmp_path, *command, **settings, METRICS_TOKEN="secret").returncode == 0

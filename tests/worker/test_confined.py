"""Web and worker run as the image runs them: no root, no capabilities, a read-only root."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.deployment import Client, Deployment
from tests.support.files import ROOT
from tests.support.network import free_port
from tests.support.waiting import PATIENCE_S, eventually

USER = "10001"  # as in the Dockerfile
# All that can be written is $1, as /mnt, and /tmp, which is new and empty. Python ($2) and the
# project ($3) may lie in root's home, which no other user may enter: an empty one stands in its
# place. The image has no .env.
CONFINE = f"""
mount --make-rprivate /
mount --bind "$1" /mnt; mount --bind "$2" /media; mount --bind "$3" /srv
mount -t tmpfs -o mode=755 tmpfs /root
mkdir -p "$2" "$3"
mount --bind /media "$2"; mount -o remount,ro,bind "$2"
mount --bind /srv "$3"; mount -o remount,ro,bind "$3"
if [ -e "$3/.env" ]; then mount --bind /dev/null "$3/.env"; fi
mount -o remount,ro,bind /root
mount -o remount,ro,bind /
mount -t tmpfs tmpfs /tmp
cd "$3"
shift 3
exec setpriv --reuid {USER} --regid {USER} --clear-groups --no-new-privs \
    --bounding-set=-all --inh-caps=-all "$@"
"""


def confinement(folder: Path) -> list[str]:
    script = ["unshare", "--mount", "bash", "-euc", CONFINE, "confine"]
    return [*script, str(folder), sys.base_prefix, str(ROOT)]


def can_confine(folder: Path) -> bool:
    if os.geteuid() or not shutil.which("unshare") or not shutil.which("setpriv"):
        return False
    command = [*confinement(folder), sys.executable, "-c", "open('/tmp/a', 'w')"]
    return subprocess.run(command, capture_output=True).returncode == 0


@contextlib.contextmanager
def confined(folder: Path, *arguments: str, environment: Mapping[str, str]) -> Iterator[Path]:
    """Run Python with these arguments, confined to `folder`; yield the path of its log."""
    for name in ("media", "var"):
        (folder / name).mkdir(exist_ok=True, parents=True)
    subprocess.run(["chown", "-R", USER, folder], check=True)
    env = os.environ | {
        "SECRET_KEY": "tests",
        "DJANGO_SETTINGS_MODULE": "tests.live_settings",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MEDIA_ROOT": "/mnt/media",
        "CACHE_DIR": "/mnt/var/cache",
        "DATABASE_PATH": "/mnt/var/db.sqlite3",
        **environment,
    }
    command = [*confinement(folder), sys.executable, *arguments]
    log = folder.with_suffix(".log")
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out)
    try:
        yield log
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path / "confined"
    folder.mkdir()
    if not can_confine(folder):
        pytest.skip("needs root, unshare and setpriv")
    return folder


def test_the_web_converts_with_a_read_only_root(folder, short_clip):
    port = str(free_port())
    environment = {"HOST": "127.0.0.1", "PORT": port, "MIN_FREE_DISK": "1", "TEST_GIF": "96x54x6"}
    command = ("-m", "gunicorn", "chrome_background_converter.wsgi")
    with confined(folder, *command, environment=environment) as log:
        healthy = [sys.executable, ROOT / "scripts" / "healthy"]
        env = os.environ | {"PORT": port}

        def is_healthy() -> bool:
            return subprocess.run(healthy, env=env, capture_output=True).returncode == 0

        assert eventually(is_healthy), log.read_text()
        status, _, body = Client(f"http://127.0.0.1:{port}").send(short_clip)
        assert status == 200, (body, log.read_text())


def test_a_worker_converts_with_a_read_only_root_and_reports_its_health(
    folder, deployment: Deployment, short_clip
):
    job_id = deployment.client.enqueue(short_clip)
    shutil.copytree(deployment.media, folder / "media")
    healthy = [sys.executable, ROOT / "scripts" / "healthy", "worker"]
    environment = deployment.environment
    env = os.environ | environment
    assert subprocess.run(healthy, env=env, capture_output=True).returncode == 1
    with confined(folder, "manage.py", "rqworker", environment=environment) as log:
        record = deployment.client.outcome(job_id)
        assert record["status"] == "finished", log.read_text()
        assert subprocess.run(healthy, env=env).returncode == 0
    assert len(list((folder / "media" / "converted").iterdir())) == 1

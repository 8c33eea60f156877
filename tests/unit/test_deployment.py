"""The deployment files name existing settings, commands and files."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.documents import names_read
from tests.support.files import ROOT
from tests.support.gunicorn import gunicorn

SETTINGS = names_read("chrome_background_converter/settings.py", "gunicorn.conf.py")


def read(name: str) -> dict:
    return yaml.safe_load((ROOT / name).read_text())


def test_compose_sets_real_settings_on_web_and_worker():
    services = read("docker-compose.yml")["services"]
    for name in ("web", "worker"):
        assert set(services[name]["environment"]) <= SETTINGS
        assert any(volume.endswith(":/app/media") for volume in services[name]["volumes"])


def test_render_sets_real_settings_on_web_and_worker():
    blueprint = read("render.yaml")
    group = {entry["key"] for entry in blueprint["envVarGroups"][0]["envVars"]}
    for service in blueprint["services"][:2]:
        own = {entry["key"] for entry in service["envVars"] if "key" in entry}
        assert own | group <= SETTINGS | {"REQUIREMENTS"}
        assert {"USE_RQ", "REDIS_URL", "SECRET_KEY", "S3_BUCKET"} <= own | group


@pytest.mark.parametrize("name", ["Procfile", "Dockerfile", "docker-compose.yml", "render.yaml"])
def test_the_worker_is_started_by_its_command(name):
    text = (ROOT / name).read_text()
    assert "manage.py rqworker" in text or '"manage.py", "rqworker"' in text


def test_the_files_that_the_image_copies_exist():
    copied = [
        word
        for line in (ROOT / "Dockerfile").read_text().splitlines()
        if line.startswith("COPY")
        for word in line.split()[1:-1]
    ]
    assert [word for word in copied if not (ROOT / word).exists()] == []


def test_the_healthcheck_uses_an_allowed_host_name(tmp_path: Path):
    script = ROOT / "scripts" / "healthy"
    with gunicorn(tmp_path, ALLOWED_HOSTS=".chromi.example,127.0.0.1") as address:
        port = address.rsplit(":", 1)[1]
        env = os.environ | {"PORT": port, "ALLOWED_HOSTS": ".chromi.example,127.0.0.1"}
        assert subprocess.run([sys.executable, script], env=env).returncode == 0
    assert subprocess.run([sys.executable, script], env=env, capture_output=True).returncode == 1


@pytest.mark.parametrize(
    "backend",
    [
        "django.core.cache.backends.locmem.LocMemCache",
        "chrome_background_converter.cache.SweptFileCache",
    ],
)
def test_a_cache_that_workers_cannot_see_is_refused(settings, tmp_path, backend):
    from converter.checks import check_cache_is_shared

    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": str(tmp_path)}}
    assert check_cache_is_shared() == []
    settings.USE_RQ = True
    assert [error.id for error in check_cache_is_shared()] == ["converter.E001"]


def test_every_compose_service_has_a_health_check_and_a_memory_limit():
    services = read("docker-compose.yml")["services"]
    image = (ROOT / "Dockerfile").read_text()
    for name, service in services.items():
        assert "mem_limit" in service, name
        check = service.get("healthcheck", {})
        assert not check.get("disable"), name
        assert check.get("test") or "HEALTHCHECK" in image, name


def test_the_compose_limits_are_those_of_the_document():
    document = (ROOT / "docs" / "grow.md").read_text()
    for name, service in read("docker-compose.yml")["services"].items():
        assert f"| {name} | {service['mem_limit'].removesuffix('m')} MB |" in document


def test_web_and_worker_run_as_no_root_and_write_to_volumes_only():
    services = read("docker-compose.yml")["services"]
    image = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^USER (.*)$", image, re.M) == ["10001"]
    assert "useradd --uid 10001" in image
    for name in ("web", "worker"):
        assert services[name]["read_only"] is True
        assert services[name]["tmpfs"] == ["/tmp"]
        assert services[name]["cap_drop"] == ["ALL"]

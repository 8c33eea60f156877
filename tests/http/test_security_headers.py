"""Security headers, cookies, CSRF, allowed hosts and the limit per address."""

import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.test import Client

from tests.support.files import ROOT, files_in
from tests.support.uploads import UNKNOWN_ID, clip_file

JOB = f"/jobs/{UNKNOWN_ID}/"
LINK = f"/download/{UNKNOWN_ID}/"
DYNAMIC = [
    ("get", "/", 200),
    ("get", "/health/", 200),
    ("get", JOB, 400),
    ("delete", JOB, 400),
    ("get", LINK, 404),
    ("head", LINK, 404),
    ("post", "/convert/", 400),
    ("get", "/convert/", 405),
    ("get", "/no/such/page/", 404),
    ("get", "/admin/login/", 200),
]
DYNAMIC_IDS = [f"{method}-{path.split('/')[1]}" for method, path, _ in DYNAMIC]


@pytest.fixture
def answers(client):
    return lambda method, path: getattr(client, method)(path)


def policy_of(response) -> dict[str, list[str]]:
    """Parse the Content-Security-Policy header to {directive: sources}."""
    parts = (part.split() for part in response.headers["Content-Security-Policy"].split(";"))
    return {name: sources for name, *sources in parts}


@pytest.mark.parametrize(("method", "path", "status"), DYNAMIC, ids=DYNAMIC_IDS)
def test_every_dynamic_response_forbids_frames_sniffing_and_caches(method, path, status, answers):
    response = answers(method, path)
    assert response.status_code == status
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert "no-store" in response.headers["Cache-Control"]
    assert response.headers["Referrer-Policy"] in ("same-origin", "no-referrer")
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    policy = policy_of(response)
    assert policy["default-src"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert policy["base-uri"] == ["'none'"]
    assert policy["form-action"] == ["'self'"]
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == ["'self'"]
    assert "blob:" in policy["media-src"]
    assert "blob:" in policy["img-src"]
    every_source = {source for sources in policy.values() for source in sources}
    assert every_source <= {"'none'", "'self'", "blob:", "data:"}


@pytest.mark.parametrize(("method", "path"), [("post", "/convert/"), ("delete", JOB)])
def test_every_unsafe_method_needs_the_csrf_token(method, path, media_root):
    client = Client(enforce_csrf_checks=True)
    response = getattr(client, method)(path)
    assert (response.status_code, response.json()["code"]) == (403, "csrf")


def test_an_upload_without_the_csrf_token_leaves_nothing(media_root):
    client = Client(enforce_csrf_checks=True)
    response = client.post("/convert/", {"video": clip_file()})
    assert (response.status_code, response.json()["code"]) == (403, "csrf")
    assert files_in(media_root) == []


def test_the_csrf_cookie_is_httponly_and_samesite(client):
    cookie = client.get("/").cookies["csrftoken"]
    assert cookie["httponly"]
    assert cookie["samesite"] in ("Lax", "Strict")


def test_https_makes_cookies_secure_and_redirects_http(tmp_path):
    import os
    import subprocess
    import sys

    ask = (
        "import django; django.setup()\n"
        "from django.conf import settings as s\n"
        "print(s.CSRF_COOKIE_SECURE, s.SESSION_COOKIE_SECURE, s.SECURE_SSL_REDIRECT,"
        " s.SECURE_HSTS_SECONDS >= 31_536_000)"
    )
    env = os.environ | {
        "DJANGO_SETTINGS_MODULE": "chrome_background_converter.settings",
        "USE_HTTPS": "True",
        "SECRET_KEY": "x" * 60,
    }
    done = subprocess.run(
        [sys.executable, "-c", ask], cwd=ROOT, env=env, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["True"] * 4


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "a b", "[::1]]"])
def test_an_unknown_host_is_refused(host, client, settings):
    settings.ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
    response = client.get("/", headers={"Host": host})
    assert response.status_code == 400
    assert host.encode() not in response.content


@pytest.mark.parametrize(
    "path",
    [
        "/static/../manage.py",
        "/media/",
        "/media/work/",
        "/.env",
        "/var/db.sqlite3",
        "/static/%2e%2e/manage.py",
    ],
)
def test_no_project_file_can_be_fetched(path, client):
    assert client.get(path).status_code == 404


def test_the_admin_is_that_of_django(client):
    assert client.get("/admin/").headers["Location"] == "/admin/login/?next=/admin/"


def test_the_page_requests_no_other_host(client):
    page = client.get("/").content.decode()
    asked = re.findall(
        r"""<(?:script|link|img|video|source|iframe|form)\b[^>]*?\b(?:src|href|action|poster)=["']([^"']*)""",
        page,
    )
    assert [link for link in asked if re.match(r"(?:[a-z]+:)?//", link)] == []
    assert re.findall(r"<script(?![^>]*\bsrc=)[^>]*>\s*\S", page) == []
    assert re.findall(r"<style\b|\sstyle=|\son[a-z]+=", page) == []


def test_no_stylesheet_or_script_names_another_host():
    files = [p for kind in ("css", "js") for p in Path(ROOT, "static").rglob(f"*.{kind}")]
    named = {
        (path.name, host)
        for path in files
        for host in re.findall(
            r"""(?:url\(|from |import |fetch\()["'(]*(https?://[^"')]+)""", path.read_text()
        )
    }
    assert files
    assert named == set()


def test_a_crash_reveals_no_details(client, monkeypatch):
    def crash(request):
        raise RuntimeError("secret at /srv/chromi/settings.py")

    client.raise_request_exception = False
    monkeypatch.setattr("converter.views.health_report", lambda: crash(None))
    response = client.get("/health/")
    assert response.status_code == 500
    assert response.json()["code"] == "internal"
    assert b"secret" not in response.content
    assert "Content-Security-Policy" in response.headers


# One conversion per address, behind a trusted proxy.


@pytest.fixture
def one_each(settings, monkeypatch, converted):
    """Allow four conversions, one per address, behind one trusted proxy; they wait for `gate`.

    Returns (gate, begun): an Event that lets them continue, and a Semaphore released by each start.
    """
    import threading

    from converter import inline
    from converter.pipeline import convert

    settings.TRUSTED_PROXIES = 1
    settings.MAX_CONVERSIONS_PER_ADDRESS = 1
    monkeypatch.setattr(inline, "conversions", inline.Slots(4))
    gate, begun = threading.Event(), threading.Semaphore(0)
    real = convert.convert_video

    def waiting(*args, **options):
        begun.release()
        gate.wait(10)
        return real(*args, **options)

    monkeypatch.setattr(convert, "convert_video", waiting)
    return gate, begun


def post_from(forwarded: str):
    return Client().post(
        "/convert/", {"video": clip_file()}, headers={"X-Forwarded-For": forwarded}
    )


def test_an_address_converts_once_at_a_time_whatever_header_it_forges(one_each, media_root):
    gate, begun = one_each
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(post_from, "203.0.113.7")
        assert begun.acquire(timeout=10)
        again = post_from("198.51.100.1, 203.0.113.7")  # forged by the client, added by the proxy
        other = pool.submit(post_from, "203.0.113.8")
        assert begun.acquire(timeout=10)
        gate.set()
        assert (again.status_code, again.json()["code"]) == (503, "busy")
        assert [first.result().status_code, other.result().status_code] == [200, 200]
    assert post_from("203.0.113.7").status_code == 200

"""/metrics without a queue: access, counts and CPU time."""

import os
import re
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import Client

from converter import broker, metrics
from converter.metrics import REQUESTS
from tests.support.files import ROOT
from tests.support.live import Live, serve
from tests.support.scrape import Samples, samples_of
from tests.support.small import SMALL
from tests.support.waiting import PATIENCE_S, eventually

TOKEN = {"Authorization": "Bearer secret"}
COUNT = (REQUESTS, "home", "200")


@pytest.fixture
def counting(settings, tmp_path, monkeypatch):
    """Turn METRICS on, with separate counts for this test."""
    settings.METRICS, settings.METRICS_TOKEN = True, ""
    settings.CACHE_DIR = str(tmp_path)
    monkeypatch.setattr(metrics, "pending", {})
    monkeypatch.setattr(metrics, "retry_at", 0.0)
    return settings


@pytest.fixture(scope="module")
def live(tmp_path_factory):
    """Run two processes that convert inline."""
    folder = tmp_path_factory.mktemp("live")
    options = {"METRICS": True, "METRICS_TOKEN": "secret", "WEB_CONCURRENCY": 2}
    with serve(folder, **SMALL, **options) as live:
        yield live


def scrape(live: Live) -> Samples:
    answer = live.request("GET", "/metrics", headers=TOKEN)
    assert answer.status == 200
    return samples_of(answer.body.decode())


def test_without_metrics_the_path_is_not_found(client):
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics").json()["code"] == "not_found"


@pytest.mark.parametrize("sent", ["", "secret", "Bearer", "Bearer wrong", "Basic secret"])
def test_a_wrong_token_gets_not_found(counting, sent):
    counting.METRICS_TOKEN = "secret"
    nothing, hidden = (
        Client().get(path, headers={"Authorization": sent}) for path in ("/x", "/metrics")
    )
    assert (hidden.status_code, hidden.json()) == (nothing.status_code, nothing.json())
    assert Client().get("/metrics", headers=TOKEN).status_code == 200


def test_without_metrics_no_module_is_imported_and_no_file_written(tmp_path):
    code = (
        "import django; django.setup();"
        "from django.test import Client;"
        "print(Client().get('/').status_code, Client().get('/metrics').status_code);"
        "import sys; print('prometheus_client' in sys.modules)"
    )
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.live_settings", "SECRET_KEY": "tests"}
    env |= {"CACHE_DIR": str(tmp_path), "MEDIA_ROOT": str(tmp_path), "ALLOWED_HOSTS": "testserver"}
    env.pop("METRICS", None)
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=env, capture_output=True, text=True
    )
    assert done.stdout.split() == ["200", "404", "False"], done.stderr
    assert not (tmp_path / "metrics").exists()


def test_two_processes_share_the_counts_and_a_killed_one_loses_none(live):
    junk = b"\0\0\0\x18ftypisom" + bytes(5000)
    before = scrape(live)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: live.convert(junk), range(12)))
    codes = [answer.json["code"] for answer in answers]
    assert eventually(
        lambda: _refusals(live, before) == {code: codes.count(code) for code in codes}
    )
    converted = scrape(live)["chromi_conversions_total", "inline", "unreadable_video"]
    assert converted == codes.count("unreadable_video")
    live.workers()[0].kill()
    assert eventually(lambda: len(live.workers()) == 2)
    assert eventually(lambda: live.request("GET", "/health/").status == 200)
    assert scrape(live)["chromi_conversions_total", "inline", "unreadable_video"] == converted
    assert scrape(live)["chromi_conversions_running",] == 0


def test_the_access_log_has_the_request_id_that_a_proxy_sends(live):
    live.request("GET", "/health/", headers={"X-Request-ID": "edge-1234"})
    assert eventually(lambda: "GET /health/ 200" in _lines_with("request=edge-1234", live))


def _lines_with(text: str, live: Live) -> str:
    return "\n".join(line for line in live.log().splitlines() if line.endswith(text))


def test_the_document_names_every_metric_and_no_other():
    document = (ROOT / "docs" / "grow.md").read_text()
    told = {name.removesuffix("_total") for name in re.findall(r"`(chromi_\w+)", document)}
    code = "".join((ROOT / "converter" / f"{m}.py").read_text() for m in ("metrics", "exposition"))
    real = set(re.findall(r'"(chromi(?:_\w+)?)"', code))
    assert told == (real - {"chromi"}) | {"chromi_info"}


def _refusals(live: Live, before: Samples) -> dict[str, float]:
    return {
        name[1]: count - before.get(name, 0)
        for name, count in scrape(live).items()
        if name[0] == "chromi_refusals_total" and count > before.get(name, 0)
    }


def test_addresses_of_clients_make_no_new_series(counting, client):
    for number in range(5):
        client.get(f"/nowhere/{number}")
        client.get(f"/download/{number}/")
        client.get(f"/admin/{number}")
        client.get(f"/static/{number}.js")
    views = {name[1] for name in metrics.stored() if name[0] == REQUESTS}
    assert views == {"none", "download", "admin", "static"}


def test_counts_are_added_later_if_the_store_fails(counting, monkeypatch):
    def fails(counts):
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(broker, "add_counts", fails)
        metrics.add({COUNT: 1})
        metrics.add({COUNT: 1})
    assert metrics.stored() == {}  # not asked again so soon
    monkeypatch.setattr(metrics, "retry_at", 0.0)
    metrics.add({COUNT: 1})
    assert metrics.stored() == {COUNT: 3}


ADD = """
import django; django.setup()
from converter import metrics
for _ in range(200):
    metrics.add({("chromi_requests", "home", "200"): 1})
"""


def test_processes_that_add_at_the_same_time_lose_no_count(counting, tmp_path):
    env = os.environ | {"METRICS": "True", "CACHE_DIR": str(tmp_path), "SECRET_KEY": "tests"}
    env["DJANGO_SETTINGS_MODULE"] = "chrome_background_converter.settings"
    command = [sys.executable, "-c", ADD]
    running = [subprocess.Popen(command, cwd=ROOT, env=env) for _ in range(3)]
    assert [process.wait(PATIENCE_S) for process in running] == [0, 0, 0]
    assert metrics.stored() == {COUNT: 600}


@pytest.mark.long  # a slow machine takes longer
def test_counting_a_request_takes_less_than_a_millisecond_of_the_processor(counting):
    metrics.add({(REQUESTS, f"view {n}", "200"): 1 for n in range(300)})  # more than there are
    took_s = []
    for _ in range(100):
        began = time.thread_time()
        metrics.add({COUNT: 1})
        took_s.append(time.thread_time() - began)
    assert statistics.median(took_s) < 0.001

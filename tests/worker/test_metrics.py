"""/metrics with a queue: exact over all web processes and workers."""

import contextlib
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.deployment import Client, Deployment, system
from tests.support.scrape import Samples, samples_of
from tests.support.waiting import eventually

CLIENTS = 4
VIEWS = {"convert": "convert", "jobs": "job", "download": "download"}
DAMAGED = b"\0\0\0\x18ftypisom\0\0\2\0isommp41" + bytes(1000)


class CountingClient(Client):
    """Count requests and responses as /metrics should."""

    def __init__(self, address: str) -> None:
        self.seen: Counter[tuple[str, ...]] = Counter()
        super().__init__(address)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str):
        status, got, read = super().ask(method, path, body, **headers)
        view = VIEWS.get(path.split("/")[1])
        if view:
            self.seen["chromi_requests_total", str(status), view] += 1
            if status >= 400:
                self.seen["chromi_refusals_total", json.loads(read)["code"]] += 1
        if view == "download" and status == 200:
            self.seen["chromi_downloads_total", "chromi_background.gif", "received"] += 1
            self.seen["chromi_download_bytes_total", "chromi_background.gif"] += len(read)
        if view == "convert":
            self.seen["chromi_upload_bytes_total",] += len(body)
        return status, got, read

    def count_outcome(self, job_id: str) -> dict:
        record = self.outcome(job_id)
        outcome = record.get("code", record["status"])
        self.seen["chromi_conversions_total", "rq", outcome] += 1
        return record


def scrape(deployment: Deployment) -> Samples:
    status, headers, body = deployment.client.ask("GET", "/metrics")
    assert (status, headers["Content-Type"].split(";")[0]) == (200, "text/plain")
    return samples_of(body.decode())


def run_jobs(deployment: Deployment, clip: Path, damaged: Path, jobs: int) -> Counter:
    """Send jobs: of six one is converted, one is canceled, the others fail; return the counts."""
    client = CountingClient(deployment.address)
    for number in range(jobs):
        job_id = client.enqueue(clip if number % 6 < 2 else damaged)
        if number % 6 == 1:
            client.cancel(job_id)
        record = client.count_outcome(job_id)
        if record["status"] == "finished":
            assert client.fetch(record["converted_url"])[0] == 200
            assert client.fetch(record["converted_url"])[0] == 404
    return client.seen


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """Run two web processes with METRICS, whose conversions do not sleep."""
    folder = tmp_path_factory.mktemp("measured")
    with system(folder, METRICS="True", WEB_CONCURRENCY="2", TEST_PAUSE_S="0") as deployment:
        yield deployment


@pytest.mark.parametrize("jobs", [12, pytest.param(200, marks=pytest.mark.long)])
def test_counts_are_exact_over_two_web_processes_and_two_workers(
    measured, short_clip, tmp_path, jobs
):
    damaged = tmp_path / "damaged.mp4"
    damaged.write_bytes(DAMAGED)
    measured.broker.client().delete("chromi:counts")
    with contextlib.ExitStack() as stack, ThreadPoolExecutor(CLIENTS) as pool:
        for _ in range(2):
            stack.enter_context(measured.worker())
        futures = [
            pool.submit(run_jobs, measured, short_clip, damaged, jobs // CLIENTS)
            for _ in range(CLIENTS)
        ]
        seen = sum((future.result() for future in futures), Counter())

        def is_exact() -> bool:
            found = scrape(measured)
            return {name: found.get(name, 0) for name in seen} == dict(seen)

        assert eventually(is_exact), (scrape(measured), seen)
        assert eventually(lambda: scrape(measured)["chromi_workers",] == 2)
    assert sum(n for name, n in seen.items() if name[0] == "chromi_conversions_total") == jobs
    found = scrape(measured)
    finished = seen["chromi_conversions_total", "rq", "finished"]
    assert found["chromi_stage_seconds_count", "verify"] == finished
    assert found["chromi_stage_seconds_bucket", "+Inf", "verify"] == finished
    assert found["chromi_stage_seconds_count", "queue"] >= finished
    counted = {name for name, _ in found.items() if name[0] in {key[0] for key in seen}}
    unseen = {name for name in counted - set(seen) if name[-1] in VIEWS.values()}
    assert unseen == set()


def test_the_metrics_show_the_state_of_the_queue(measured, short_clip):
    before = scrape(measured)
    assert (before["chromi_queue_jobs",], before["chromi_queue_oldest_seconds",]) == (0, 0)
    first, second = measured.client.enqueue(short_clip), measured.client.enqueue(short_clip)
    assert eventually(lambda: scrape(measured)["chromi_queue_oldest_seconds",] > 0.5)
    waiting = scrape(measured)
    assert (waiting["chromi_queue_jobs",], waiting["chromi_workers",]) == (2, 0)
    with measured.worker(TEST_PAUSE_S="0.2"):
        assert eventually(lambda: scrape(measured)["chromi_conversions_running",] == 1)
        records = [measured.client.outcome(job_id) for job_id in (first, second)]
        assert scrape(measured)["chromi_downloads_outstanding",] == 2
    for record in records:
        assert measured.client.fetch(record["converted_url"])[0] == 200
    assert eventually(measured.is_clean)
    after = scrape(measured)
    assert after["chromi_downloads_outstanding",] == after["chromi_conversions_running",] == 0
    assert after["chromi_workers",] == 0  # it said goodbye


def test_counts_stay_in_memory_while_redis_is_down(measured):
    before = scrape(measured)["chromi_requests_total", "200", "home"]
    with measured.broker.down():
        for _ in range(5):
            assert measured.client.ask("GET", "/")[0] == 200
        away = scrape(measured)
        assert away["chromi_healthy",] == 0
        assert ("chromi_queue_jobs",) not in away

    def all_counted() -> bool:
        return scrape(measured).get(("chromi_requests_total", "200", "home"), 0) == before + 5

    assert eventually(all_counted)

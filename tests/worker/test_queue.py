"""Queued jobs: position, cancel, ownership, and forged data in Redis."""

import json
import os
import pickle
import uuid
import zlib

import psutil
import pytest

from tests.support.files import files_in
from tests.support.uploads import UNKNOWN_ID
from tests.support.waiting import PATIENCE_S, eventually


def test_a_queued_job_has_a_position_and_is_removed_when_canceled(deployment, short_clip):
    first, second = deployment.client.enqueue(short_clip), deployment.client.enqueue(short_clip)
    assert [deployment.client.job(i)["position"] for i in (first, second)] == [1, 2]
    assert deployment.client.health()[1]["queued"] == 2

    assert deployment.client.cancel(first)["status"] == "canceled"
    assert deployment.client.job(first)["code"] == "canceled"
    assert deployment.client.job(second)["position"] == 1
    assert len(files_in(deployment.media)) == 1
    assert deployment.broker.client().exists(f"rq:job:{first}") == 0

    with deployment.worker("--burst") as worker:
        record = deployment.client.outcome(second)
        worker.process.wait(PATIENCE_S)
    assert first not in worker.log
    assert deployment.client.fetch(record["converted_url"])[0] == 200
    assert eventually(deployment.is_clean)


def test_canceling_a_running_job_ends_its_ffmpeg_at_once(deployment, long_clip):
    """Each of the 96 frames takes half a second, so ffmpeg does not end by itself meanwhile."""
    with deployment.worker(TEST_PAUSE_S="0.5"):
        job_id = deployment.client.enqueue(long_clip)
        deployment.wait_until_running(job_id)
        assert deployment.ffmpegs() != []
        assert deployment.client.cancel(job_id)["status"] == "canceled"
        assert eventually(lambda: deployment.ffmpegs() == [], within_s=30)
        assert eventually(deployment.is_clean)
        assert deployment.client.outcome(job_id)["status"] == "canceled"


def test_a_browser_without_javascript_is_redirected_to_the_page_of_the_job(deployment, short_clip):
    status, headers, _ = deployment.client.send(short_clip, Accept="text/html")
    path = headers["Location"]
    assert (status, path.startswith("/jobs/")) == (303, True)
    assert deployment.client.ask("GET", path, Accept="text/html")[0] == 200
    deployment.client.ask("DELETE", path)
    assert deployment.is_clean()


def test_an_address_counts_as_busy_until_its_job_has_ended(deployment, short_clip):
    job_id = deployment.client.enqueue(short_clip, sender="198.51.100.1")
    status, _, body = deployment.client.send(short_clip, sender="198.51.100.1")
    assert (status, json.loads(body)["code"]) == (503, "busy")
    deployment.client.cancel(job_id)
    deployment.client.cancel(deployment.client.enqueue(short_clip, sender="198.51.100.1"))
    assert deployment.is_clean()


@pytest.mark.parametrize("job_id", ["nonsense", UNKNOWN_ID, "00000000-0000-0000-0000-0"])
def test_a_forged_job_id_gives_404(deployment, job_id):
    status, answer = deployment.client.get(f"/jobs/{job_id}/")
    assert (status, answer["code"]) == (404, "unknown_job")


def test_a_job_of_another_application_in_the_same_redis_gives_404(deployment):
    from rq import Queue

    job = Queue("theirs", connection=deployment.broker.client()).enqueue("os.getcwd")
    assert deployment.client.get(f"/jobs/{job.id}/")[0] == 404


class Bomb:
    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_nothing_from_redis_is_unpickled(deployment, short_clip, tmp_path):
    bomb = Bomb()
    bomb.path = str(tmp_path / "exploded")
    job_id = deployment.client.enqueue(short_clip)
    redis = deployment.broker.client()
    values = [redis.get(key) for key in redis.keys(":1:*") if redis.type(key) == b"string"]
    assert all(json.loads(value) is not None for value in values)
    assert json.loads(zlib.decompress(redis.hget(f"rq:job:{job_id}", "data")))

    redis.hset(f"rq:job:{job_id}", "data", zlib.compress(pickle.dumps(bomb)))
    redis.set(f":1:job:{uuid.UUID(int=4)}", pickle.dumps(bomb))
    with deployment.worker("--burst") as worker:
        assert deployment.client.ask("GET", f"/jobs/{uuid.UUID(int=4)}/")[0] == 500
        worker.process.wait(PATIENCE_S)
    deployment.client.ask("DELETE", f"/jobs/{job_id}/")
    assert not (tmp_path / "exploded").exists()
    redis.flushall()
    for file in files_in(deployment.media):
        (deployment.media / file).unlink()


def test_the_web_process_in_queue_mode_loads_neither_numpy_nor_moviepy(deployment):
    """This test runs last, after the server has accepted uploads and delivered files."""
    web = [p for p in psutil.process_iter() if _serves(p, deployment)]
    assert web != []
    for process in web:
        assert [m.path for m in process.memory_maps() if "numpy" in m.path] == []


def _serves(process: psutil.Process, deployment) -> bool:
    try:
        return process.environ().get("MEDIA_ROOT") == str(deployment.media) and any(
            "gunicorn" in part for part in process.cmdline()
        )
    except psutil.Error:
        return False


def test_queue_mode_imports_neither_numpy_nor_moviepy():
    import subprocess
    import sys

    code = (
        "import django; django.setup();"
        "import converter.urls, converter.jobs, converter.health;"
        "converter.jobs.queue();"
        "import sys; print([m for m in ('numpy', 'moviepy', 'PIL') if m in sys.modules])"
    )
    env = os.environ | {
        "USE_RQ": "True",
        "DJANGO_SETTINGS_MODULE": "chrome_background_converter.settings",
    }
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"

"""A worker is killed by SIGKILL: another takes over its job, and nothing is left behind."""

import os
import time

from tests.support.deployment import have_ended
from tests.support.files import files_in
from tests.support.waiting import PATIENCE_S, eventually


def test_the_job_of_a_killed_worker_is_taken_over(deployment, clip):
    with deployment.worker() as first:
        job_id = deployment.client.enqueue(clip)
        deployment.wait_until_running(job_id)
        horse, orphans = first.horse(), deployment.ffmpegs()
        first.kill()
        assert eventually(lambda: have_ended([horse, *orphans]))
    with deployment.worker():
        deployment.fetch_once(deployment.client.outcome(job_id))


def test_a_job_lost_between_queue_and_work_horse_is_recovered(deployment, short_clip):
    job_id = deployment.client.enqueue(short_clip)
    redis, queue = deployment.broker.client(), "rq:queue:conversions"
    # The state after a worker was killed while it took the job; RQ waits for a minute then.
    redis.lmove(queue, f"{queue}:intermediate")
    redis.set(f"{queue}:intermediate:first_seen:{job_id}", time.time() - 61)
    with deployment.worker():
        deployment.fetch_once(deployment.client.outcome(job_id))


def test_a_job_returns_to_the_queue_when_no_worker_is_left(deployment, clip):
    with deployment.worker() as worker:
        job_id = deployment.client.enqueue(clip)
        shown = deployment.wait_until_running(job_id)["progress"]
        worker.kill()
    assert eventually(lambda: deployment.client.job(job_id)["status"] == "queued")
    assert deployment.client.job(job_id)["progress"] >= shown
    assert deployment.client.cancel(job_id)["status"] == "canceled"
    with deployment.worker():  # a starting worker sweeps
        assert eventually(deployment.is_clean)


def test_a_job_over_its_time_limit_is_ended_with_its_children(deployment, clip):
    with deployment.worker(CONVERSION_TIMEOUT="1") as worker:
        worker.wait_until_ready()
        record = deployment.client.outcome(deployment.client.enqueue(clip))
        assert (record["status"], record["code"]) == ("failed", "timeout")
        assert eventually(deployment.is_clean)


def test_a_task_that_hangs_outside_the_conversion_is_ended_by_rq(deployment, short_clip):
    job_id = deployment.client.enqueue(short_clip)
    [upload] = [deployment.media / name for name in files_in(deployment.media)]
    upload.unlink()
    os.mkfifo(upload)  # opening a FIFO without a writer blocks for ever
    deployment.broker.client().hset(f"rq:job:{job_id}", "timeout", 1)
    with deployment.worker():
        record = deployment.client.outcome(job_id)
        assert (record["status"], record["code"]) == ("failed", "timeout")
        assert eventually(lambda: not upload.exists())


def test_a_stopping_worker_finishes_its_conversion_first(deployment, clip):
    with deployment.worker() as worker:
        job_id = deployment.client.enqueue(clip)
        deployment.wait_until_running(job_id)
        waiting = deployment.client.enqueue(clip)
        worker.process.terminate()
        deployment.client.outcome(job_id)
        assert worker.process.wait(PATIENCE_S) == 0
    record = deployment.client.job(job_id)
    assert deployment.client.job(waiting)["status"] == "queued"
    deployment.client.cancel(waiting)
    deployment.fetch_once(record)

"""A worker is killed, with kill -9: who takes over its job, and what is left behind."""

import os
import time

from tests.conftest import eventually, files_in
from tests.worker.house import WORKER_TTL, have_ended


def test_a_killed_workers_job_is_taken_over(house, clip):
    with house.worker() as first:
        job_id = house.client.enqueue(clip)
        house.wait_until_running(job_id)
        horse, orphans = first.horse(), house.ffmpegs()
        first.kill()
        assert eventually(lambda: have_ended([horse, *orphans]), within_s=10)
    with house.worker():
        house.fetch_once(house.client.outcome(job_id))


def test_a_job_lost_between_queue_and_work_horse_is_found_again(house, short_clip):
    job_id = house.client.enqueue(short_clip)
    redis, queue = house.broker.client(), "rq:queue:conversions"
    # What a worker leaves that was killed as it took the job; RQ waits for a minute then.
    redis.lmove(queue, f"{queue}:intermediate")
    redis.set(f"{queue}:intermediate:first_seen:{job_id}", time.time() - 61)
    with house.worker():
        house.fetch_once(house.client.outcome(job_id))


def test_without_any_worker_left_the_job_waits_again(house, clip):
    with house.worker() as worker:
        job_id = house.client.enqueue(clip)
        shown = house.wait_until_running(job_id)["progress"]
        worker.kill()
    assert eventually(
        lambda: house.client.job(job_id)["status"] == "queued", within_s=WORKER_TTL + 40
    )
    assert house.client.job(job_id)["progress"] >= shown
    assert house.client.cancel(job_id)["status"] == "canceled"
    with house.worker():  # whose start sweeps
        assert eventually(house.is_clean)


def test_a_job_that_takes_too_long_is_ended_with_its_children(house, clip):
    with house.worker(CONVERSION_TIMEOUT="1") as worker:
        worker.wait_until_ready()
        record = house.client.outcome(house.client.enqueue(clip))
        assert (record["status"], record["code"]) == ("failed", "timeout")
        assert eventually(house.is_clean)


def test_a_task_that_hangs_outside_the_conversion_is_ended_by_rq(house, short_clip):
    job_id = house.client.enqueue(short_clip)
    [upload] = [house.media / name for name in files_in(house.media)]
    upload.unlink()
    os.mkfifo(upload)  # reading it never ends
    house.broker.client().hset(f"rq:job:{job_id}", "timeout", 1)
    with house.worker():
        record = house.client.outcome(job_id)
        assert (record["status"], record["code"]) == ("failed", "timeout")
        assert eventually(lambda: not upload.exists())


def test_a_worker_that_is_told_to_stop_ends_its_conversion_first(house, clip):
    with house.worker() as worker:
        job_id = house.client.enqueue(clip)
        house.wait_until_running(job_id)
        waiting = house.client.enqueue(clip)
        worker.process.terminate()
        house.client.outcome(job_id)
        assert worker.process.wait(90) == 0
    record = house.client.job(job_id)
    assert house.client.job(waiting)["status"] == "queued"
    house.client.cancel(waiting)
    house.fetch_once(record)

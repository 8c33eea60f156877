"""`manage.py rqworker`: takes conversions out of the queue, one after the other.

A plain `rq worker` would not do: it reads pickle, waits minutes before it notices a death, and
leaves on the first trouble with Redis. What RQ 3.0 does at each point is told at the overrides.
"""

import contextlib
import ctypes
import logging
import os
import signal
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from rq import Queue, Worker
from rq.executions import Execution
from rq.job import Job
from rq.utils import now
from rq.worker_registration import clean_worker_registry

from converter import broker, jobs, storage

log = logging.getLogger(__name__)

START_AGAIN_S = 1.0
PR_SET_PDEATHSIG = 1


class ConversionWorker(Worker):
    """RQ's worker, held to WORKER_TTL and to what becomes of a job when somebody is killed."""

    max_connection_wait_time = 5.0  # RQ: a minute
    log_result_lifespan = False

    def subscribe(self) -> None:
        """No commands by way of Redis: a job is canceled through its record, in both modes."""

    @property
    def was_told_to_stop(self) -> bool:
        return self._shutdown_requested_date is not None

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """How long after a heartbeat the job counts as abandoned; RQ: 60 s and more."""
        return self.worker_ttl

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        """RQ would leave while its work horse runs on, which then has no one to look after it."""
        with contextlib.suppress(*broker.errors()):
            super().maintain_heartbeats(job, execution)

    def clean_registries(self) -> None:
        """RQ's lock would outlive a killed worker by 15 minutes; also the files of the dead."""
        jobs.tend(self)
        for queue in self.queues:
            clean_worker_registry(queue)
        storage.purge_expired()
        self.last_cleaned_at = now()

    def clean_group_registries(self) -> None:
        """There are no groups."""

    def handle_job_failure(self, job: Job, *args: Any, **kwargs: Any) -> None:
        """Reached by a killed work horse and a lost hand-over, which run no exception handler."""
        jobs.retry_or_bury(job)
        super().handle_job_failure(job, *args, **kwargs)

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """A horse must not go on without its worker: another one is given the job by then."""
        _die_with(self.pid)
        super().main_work_horse(job, queue)

    def teardown(self) -> None:
        """RQ would raise, and hide why it stopped, if Redis is away."""
        with contextlib.suppress(*broker.errors()):
            super().teardown()


def _die_with(parent: int | None) -> None:
    """Be killed by the kernel as soon as the parent process ends, however it ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _new_worker() -> ConversionWorker:
    connection = broker.connect(timeout_s=settings.REDIS_TIMEOUT)  # RQ lengthens it to wait on it
    return ConversionWorker(
        [jobs.QUEUE],
        connection=connection,
        serializer=jobs.SERIALIZER,
        worker_ttl=settings.WORKER_TTL,
        job_monitoring_interval=max(1, settings.WORKER_TTL // 3),
        maintenance_interval=max(1, settings.WORKER_TTL // 2),
        default_result_ttl=settings.DOWNLOAD_TTL,
        exception_handlers=[jobs.attempt_failed],
        log_job_description=False,
    )


def _import_once() -> None:
    """What each work horse needs, imported before the fork: none pays the second it takes."""
    import converter.services
    import converter.tasks  # noqa: F401
    from converter.pipeline import convert, source  # noqa: F401

    source.moviepy_clip_class()


class Command(BaseCommand):
    help = "Convert what is in the queue (USE_RQ). SIGTERM lets a running conversion end."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--burst", action="store_true", help="leave when the queue is empty")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.USE_RQ:
            self.stderr.write("USE_RQ is off: there is no queue to work on.")
            sys.exit(1)
        storage.purge_expired()
        _import_once()
        while not _work(burst=options["burst"]):
            time.sleep(START_AGAIN_S)


def _work(*, burst: bool) -> bool:
    """Work until told to stop (True), or until Redis fails in mid-job (False: start again)."""
    try:
        worker = _new_worker()
        worker.work(burst=burst)
    except broker.errors() as error:
        log.error("the queue does not answer: %s", error)
        return False
    return burst or worker.was_told_to_stop

"""Run an RQ worker that recovers the jobs of a killed worker within WORKER_TTL.

A plain `rq worker` does not work here: it expects pickle, detects a killed worker only after
minutes, and stops at the first error of Redis. Each override says which behaviour of RQ 3.0 it
changes.
"""

import contextlib
import ctypes
import logging
import os
import signal
import sys
from typing import Any

from django.conf import settings
from rq import Queue, Worker
from rq.executions import Execution
from rq.job import Job
from rq.utils import now
from rq.worker_registration import clean_worker_registry

from converter import broker, jobs, storage

log = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1


class ConversionWorker(Worker):
    """RQ's worker with WORKER_TTL and Chromi's recovery of jobs after a process was killed."""

    max_connection_wait_time = 5.0  # RQ: a minute
    log_result_lifespan = False

    def subscribe(self) -> None:
        """Disable RQ's commands: jobs are canceled with their record, in both modes."""

    @property
    def was_told_to_stop(self) -> bool:
        """Return whether the worker has received SIGTERM or SIGINT."""
        return self._shutdown_requested_date is not None

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """Return the s after a heartbeat at which a job counts as abandoned; RQ: at least 60 s."""
        return self.worker_ttl

    def maintain_heartbeats(self, job: Job, execution: Execution) -> None:
        """Continue after errors of Redis. RQ would exit and leave its work horse running."""
        with contextlib.suppress(*broker.errors()):
            super().maintain_heartbeats(job, execution)

    def clean_registries(self) -> None:
        """Recover jobs and sweep files. RQ's lock would outlive a killed worker by 15 minutes."""
        jobs.recover_abandoned(self)
        for queue in self.queues:
            clean_worker_registry(queue)
        storage.purge_expired()
        self.last_cleaned_at = now()  # type: ignore[assignment]

    def clean_group_registries(self) -> None:
        """Do nothing, because Chromi uses no groups."""

    def handle_job_failure(self, job: Job, *args: Any, **kwargs: Any) -> None:
        """Handle a killed work horse and a lost job, for which RQ calls no exception handler."""
        jobs.retry_or_fail(job)
        super().handle_job_failure(job, *args, **kwargs)

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """End the work horse with its worker, because another worker then gets the job."""
        _exit_with_parent(self.pid)
        super().main_work_horse(job, queue)

    def teardown(self) -> None:
        """Ignore errors of Redis. RQ would raise them and hide the reason why it stopped."""
        with contextlib.suppress(*broker.errors()):
            super().teardown()  # type: ignore[no-untyped-call]


def _exit_with_parent(parent: int | None) -> None:
    """Let the kernel kill this process when its parent ends; exit now if it has ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


def _new_worker() -> ConversionWorker:
    connection = broker.connect(timeout_s=settings.REDIS_TIMEOUT)  # RQ raises it for blocking reads
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


def import_pipeline() -> None:
    """Import the pipeline before the fork, which saves each work horse a second."""
    import converter.conversions
    import converter.tasks  # noqa: F401
    from converter.pipeline.source import decode

    decode.moviepy_clip_class()


def is_needed() -> bool:
    """Return whether USE_RQ is on."""
    return bool(settings.USE_RQ)


def work(*, burst: bool) -> bool:
    """Work until told to stop; return False if Redis failed instead and the worker must restart."""
    try:
        worker = _new_worker()
        worker.work(burst=burst)
    except broker.errors() as error:
        log.error("the queue does not answer: %s", error)
        return False
    return burst or worker.was_told_to_stop

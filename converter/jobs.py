"""Queue mode (USE_RQ): conversions wait in RQ's queue for a worker. Inline mode has no queue.

In both modes a job's progress is in its record (progress.py). A job whose worker or work horse was
killed is retried once. A job whose task raised an exception is not, because it would raise again.
"""

import contextlib
import functools
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, ParamSpec, TypeVar, cast

from django.conf import settings

from converter import broker, downloads, metrics, progress, storage
from converter.errors import RequestError, RqDisabledError, UnknownJobError
from converter.options import ConversionOptions
from converter.pipeline.errors import (
    ConversionCanceledError,
    ConversionError,
    ConversionTimeoutError,
)

if TYPE_CHECKING:
    from rq import Queue
    from rq.job import Job
    from rq.worker import BaseWorker

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

QUEUE = "conversions"
TASK = "converter.tasks.convert_video_task"
SERIALIZER = "rq.serializers.JSONSerializer"
# s for copying the upload and the GIF, in addition to the conversion's deadline.
COPYING_S = 60
RECOVERY_LOCK_KEY, RECOVERY_LOCK_S = "chromi:tending", 30

# Errors of jobs that end outside of a conversion.
Reason = Literal["canceled", "interrupted", "timeout", "internal"]
REASONS: dict[Reason, ConversionError] = {
    "canceled": ConversionCanceledError(),
    "interrupted": ConversionError(progress.INTERRUPTED),
    "timeout": ConversionTimeoutError(),
    "internal": ConversionError(),
}


def queue_only(*, otherwise: T) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """Decorate a function that needs the queue: without USE_RQ it returns `otherwise`."""

    def decorate(function: Callable[P, T]) -> Callable[P, T]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> T:
            return function(*args, **kwargs) if settings.USE_RQ else otherwise

        return call

    return decorate


def mode() -> str:
    """Return the name of the mode for /health/."""
    return "rq" if settings.USE_RQ else "inline"


def unknown_job() -> RequestError:
    """Return the error for an id without a record."""
    return UnknownJobError() if settings.USE_RQ else RqDisabledError()


@functools.cache
def queue() -> "Queue":
    """Return RQ's queue."""
    from rq import Queue

    return Queue(QUEUE, connection=broker.connection(), serializer=SERIALIZER)


@queue_only(otherwise=False)
def enqueue(video: Path, options: ConversionOptions) -> bool:
    """Store the upload and enqueue its conversion; return True. Undo both steps after an error."""
    from rq import Retry

    job_id = options.job_id
    progress.enqueue(job_id)
    with contextlib.ExitStack() as undo:
        undo.callback(progress.forget, job_id)
        upload = storage.store(video, folder=storage.UPLOADS)
        undo.callback(storage.discard, upload)
        queue().enqueue(
            TASK,
            args=[upload, options.as_json()],
            job_id=job_id,
            description=job_id,
            job_timeout=settings.CONVERSION_TIMEOUT + COPYING_S,
            ttl=settings.QUEUE_TTL,
            result_ttl=settings.DOWNLOAD_TTL,
            failure_ttl=progress.FAILURE_TTL_S,
            retry=Retry(max=1, enqueue_at_front=True),  # the job has waited already
        )
        undo.pop_all()
    log.info("job=%s enqueued", job_id)
    return True


@queue_only(otherwise=0)
def waiting() -> int:
    """Return the number of conversions that wait for a worker."""
    return int(broker.connection().llen(queue().key))


@dataclass(frozen=True, kw_only=True)
class QueueState:
    """The queue for /metrics: the number of jobs that wait and that run, the age of the oldest
    waiting job in s, the number of live workers.
    """

    waiting: int
    running: int
    oldest_s: float
    workers: int


@queue_only(otherwise=cast("QueueState | None", None))
def state() -> QueueState | None:
    """Return the current state of the queue; None without USE_RQ."""
    from rq.registry import StartedJobRegistry
    from rq.worker_registration import get_keys

    redis, now = broker.connection(), time.time()
    running: Any = redis.zcount(StartedJobRegistry(queue=queue()).key, now, "+inf")
    first: Any = redis.lindex(queue().key, 0)
    sent: Any = (
        redis.hget(queue().job_class.key_for(first.decode()), "created_at") if first else b""
    )
    reports: list[Any] = [redis.hget(key, "last_heartbeat") for key in get_keys(queue())]
    return QueueState(
        waiting=waiting(),
        running=int(running),
        oldest_s=max(0.0, now - _unix_time(sent)) if sent else 0.0,
        workers=sum(now - _unix_time(at) < 2 * settings.WORKER_TTL for at in reports if at),
    )


def _unix_time(at: bytes) -> float:
    """Parse one of RQ's times, such as 2026-11-27T14:12:28.123456Z, to Unix time in s."""
    return datetime.fromisoformat(at.decode()).timestamp()


@queue_only(otherwise=1)
def position(job_id: str) -> int:
    """Return the job's position in the queue; 1 for the next job, and for one that has left it."""
    index: Any = broker.connection().lpos(queue().key, job_id)
    return 1 if index is None else int(index) + 1


@queue_only(otherwise=None)
def withdraw(job_id: str) -> None:
    """Remove a waiting job and its upload; do nothing if a worker has the job."""
    from rq.exceptions import NoSuchJobError

    if not broker.connection().lrem(queue().key, 1, job_id):
        return
    try:
        job = queue().job_class.fetch(job_id, connection=broker.connection(), serializer=SERIALIZER)
    except NoSuchJobError:  # it waited for QUEUE_TTL and expired
        return
    _fail(job, "canceled")
    # Not job.delete(): RQ 3.0 raises there when a first attempt's execution has expired.
    broker.connection().delete(job.key)


@queue_only(otherwise=None)
def recover_abandoned(worker: "BaseWorker | None" = None) -> None:
    """Retry or fail the jobs whose worker died; do nothing if another process does so now.

    With `worker` also recover jobs that were lost between the queue and a work horse.
    """
    from rq.registry import StartedJobRegistry

    lock = broker.connection().set(RECOVERY_LOCK_KEY, 1, nx=True, ex=RECOVERY_LOCK_S)
    if lock:
        registry = StartedJobRegistry(queue=queue())
        registry.cleanup(exception_handlers=[attempt_failed])
        if worker is not None:
            queue().intermediate_queue.cleanup(worker, queue())
        broker.connection().delete(RECOVERY_LOCK_KEY)


def attempt_failed(job: "Job", kind: type[BaseException], *_: object) -> None:
    """Handle RQ's exception: the task raised, or its worker is dead."""
    from rq.exceptions import AbandonedJobError
    from rq.timeouts import JobTimeoutException

    if issubclass(kind, AbandonedJobError):
        retry_or_fail(job)
    elif issubclass(kind, JobTimeoutException):
        _fail(job, "timeout")
    else:
        _fail(job, "internal")


def retry_or_fail(job: "Job") -> None:
    """Requeue the job of a dead worker if it has an attempt left, else fail it."""
    from rq.exceptions import DeserializationError

    record = progress.find(job.id)
    if job.should_retry and record is not None and record["status"] in progress.RUNNING:
        progress.requeue(job.id)
        with contextlib.suppress(DeserializationError):
            storage.reset_age(_upload_of(job))
    else:
        _fail(job, "interrupted")


def _fail(job: "Job", because: Reason) -> None:
    """Prevent further attempts, write the error to an unfinished record, remove the upload."""
    from rq.exceptions import DeserializationError

    job.retries_left = 0
    with contextlib.suppress(DeserializationError):  # not our job, or a corrupt one
        upload = _upload_of(job)
        tokens = progress.tokens(job.id)
        error = progress.fail_if_open(job.id, REASONS[because])
        if error is not None:
            downloads.undo_offers(*tokens)
            log.warning("job=%s code=%s", job.id, error.code)
            metrics.count_failure(mode(), error)
        storage.discard(upload)


def _upload_of(job: "Job") -> str:
    """Return the name of the stored upload. Raises DeserializationError."""
    return str(job.args[0])

"""RQ as seen from the web: a conversion goes into the queue, and what becomes of it.

How far it is stands in its record (progress.py), in both modes. A job whose worker or work horse
was killed is tried once more; one whose task raised is not: it would only raise again.
"""

import contextlib
import functools
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from converter import broker, conversions, progress

if TYPE_CHECKING:
    from rq import Queue
    from rq.job import Job
    from rq.worker import BaseWorker

QUEUE = "conversions"
TASK = "converter.tasks.convert_video_task"
SERIALIZER = "rq.serializers.JSONSerializer"
# Copying the upload in and the GIF out, on top of the conversion's own deadline.
COPYING_S = 60
RECOVERY_LOCK_KEY, RECOVERY_LOCK_S = "chromi:tending", 30


@functools.cache
def queue() -> "Queue":
    """The queue."""
    from rq import Queue

    return Queue(QUEUE, connection=broker.connection(), serializer=SERIALIZER)


def enqueue_conversion(video: Path, arguments: dict[str, Any], *, job_id: str) -> None:
    """Store the upload and enqueue its conversion; nothing is left behind if that fails."""
    from rq import Retry

    with contextlib.ExitStack() as undo:
        undo.callback(progress.forget, job_id)
        upload = conversions.store_upload(video)
        undo.callback(conversions.discard_upload, upload)
        queue().enqueue(
            TASK,
            args=[job_id, upload, arguments],
            job_id=job_id,
            description=job_id,
            job_timeout=settings.CONVERSION_TIMEOUT + COPYING_S,
            ttl=settings.QUEUE_TTL,
            result_ttl=settings.DOWNLOAD_TTL,
            failure_ttl=progress.FAILURE_TTL_S,
            retry=Retry(max=1),
        )
        undo.pop_all()


def waiting() -> int:
    """How many conversions wait for a worker."""
    return int(broker.connection().llen(queue().key))


def position(job_id: str) -> int:
    """The job's place in the queue, 1 being the next; 1 too while a worker takes it up."""
    index: int | None = broker.connection().lpos(queue().key, job_id)
    return 1 if index is None else index + 1


def withdraw(job_id: str) -> None:
    """Take a waiting job out of the queue, its upload too; no matter if a worker has it already."""
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


def _upload_of(job: "Job") -> str:
    return str(job.args[1])


def recover_abandoned(worker: "BaseWorker | None" = None) -> None:
    """See to the jobs whose worker died; any process may call this, one at a time does it.

    A `worker` also looks for jobs that were lost between the queue and a work horse.
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
    """RQ's exception handler: the task raised, or the one who ran it was found dead."""
    from rq.exceptions import AbandonedJobError
    from rq.timeouts import JobTimeoutException

    if issubclass(kind, AbandonedJobError):
        retry_or_fail(job)
    elif issubclass(kind, JobTimeoutException):
        _fail(job, "timeout")
    else:
        _fail(job, "internal")


def retry_or_fail(job: "Job") -> None:
    """After a death: let the job wait for its second attempt if it has one, or fail plainly."""
    record = progress.find(job.id)
    if job.should_retry and record is not None and record["status"] in progress.RUNNING:
        progress.wait_again(job.id)
    else:
        _fail(job, "interrupted")


def _fail(job: "Job", because: conversions.Reason) -> None:
    """No further attempt."""
    from rq.exceptions import DeserializationError

    job.retries_left = 0
    with contextlib.suppress(DeserializationError):  # not our writing; the sweep has its upload
        conversions.fail_job(job.id, _upload_of(job), because=because)

"""Submit a video, find its conversion, cancel it.

Views, the worker's task and the command call these functions. Only inline.py and jobs.py know
whether this process or a worker converts.
"""

import contextlib
import logging
import time
import tracemalloc
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from converter import downloads, inline, jobs, metrics, progress, storage
from converter.logs import one_line
from converter.options import ConversionOptions
from converter.pipeline.control import Control
from converter.pipeline.errors import ConversionCanceledError, ConversionError
from converter.pipeline.profile import BACKGROUND
from converter.pipeline.source.layout import parse_layout
from converter.products import GIF, HANDOVER_S, PICTURE, Extra, Made, extras_of
from converter.progress import Record, Result

if TYPE_CHECKING:
    from converter.pipeline.source.source import Source

log = logging.getLogger(__name__)


def _never() -> bool:
    return False


def submit(
    video: Path, options: ConversionOptions, *, is_abandoned: Callable[[], bool] = _never
) -> Record:
    """Convert the upload now, or enqueue it; return the job's record, finished or queued.

    An inline conversion is canceled when `is_abandoned` returns True: its client has disconnected.
    Raises RequestError and ConversionError.
    """
    if jobs.enqueue(video, options):
        return Record(status="queued")
    with inline.conversions.occupy():
        return convert(video, options, progress.begin(options.job_id), is_abandoned=is_abandoned)


def find(job_id: str) -> Record:
    """Return the job's record, with its `position` while it is queued. Raises RequestError."""
    record = progress.find(job_id)
    if record is None:
        raise jobs.unknown_job()
    if record["status"] == "queued":
        record["position"] = jobs.position(job_id)
    return record


def cancel(job_id: str) -> None:
    """Stop the job if it waits or runs; revoke the links of its results so far."""
    progress.cancel(job_id)  # first: a conversion that finishes now checks it afterwards
    downloads.undo_offers(*progress.tokens(job_id))
    if progress.is_finished(job_id):
        progress.fail(job_id, ConversionCanceledError())
    jobs.withdraw(job_id)


def convert(
    video: Path,
    options: ConversionOptions,
    reporter: progress.ProgressReporter,
    *,
    is_abandoned: Callable[[], bool] = _never,
) -> Record:
    """Convert the local file `video` in this process, issue its links, return the finished record.

    Progress and outcome are written to the job's record too. Raises ConversionError.
    """
    report = _logging_memory(reporter.report, job_id=options.job_id)
    with metrics.conversion(jobs.mode(), report, waited_s=reporter.waited_s) as timed_report:
        control = new_control(
            options,
            report=timed_report,
            is_canceled=lambda: reporter.is_canceled() or is_abandoned(),
        )
        return _convert_and_record(video, options, reporter, control=control)


def _convert_and_record(
    video: Path,
    options: ConversionOptions,
    reporter: progress.ProgressReporter,
    *,
    control: Control,
) -> Record:
    job_id, started = options.job_id, time.monotonic()
    log.info("job=%s started bytes=%d", job_id, video.stat().st_size)
    try:
        results = _convert(video, options, reporter, control=control)
    except ConversionError as error:
        log.warning("job=%s code=%s %s", job_id, error.code, one_line(error.detail))
        progress.fail(job_id, error)
        raise
    except BaseException as error:
        log.error("job=%s code=%s %s", job_id, ConversionError.code, type(error).__name__)
        progress.fail(job_id, ConversionError())
        raise
    record = progress.finish(job_id, results)
    if progress.is_canceled(job_id):  # `cancel` may have run before the links existed
        cancel(job_id)
        raise ConversionCanceledError
    log.info("job=%s finished s=%.1f", job_id, time.monotonic() - started)
    return record


def convert_stored(upload: str, options: ConversionOptions) -> None:
    """Convert a stored upload in a worker; write the outcome to the job's record."""
    if not progress.is_finished(options.job_id):  # the first worker may have died after it finished
        # Or it died before, when some results had links.
        downloads.undo_offers(*progress.tokens(options.job_id))
        with storage.local_copy(upload) as video, contextlib.suppress(ConversionError):
            convert(video, options, progress.resume(options.job_id))
    storage.discard(upload)


def make(
    video: Path, folder: Path, options: ConversionOptions, *, control: Control
) -> Generator[Made]:
    """Write the GIF and each extra that the options ask for into `folder`; yield each when made.

    The caller may move each file away. The picture for Chrome is encoded at the same time as the
    GIF if memory allows. Raises ConversionError if the GIF fails, and ConversionCanceledError.
    """
    # Imported here, so that an idle web process doesn't load numpy and MoviePy.
    from converter.material import Material
    from converter.pipeline.convert import convert_video, plan_blend

    source = _open(video, folder, options, control=control)
    gif, extras = folder / GIF.filename, extras_of(options)
    loop = None
    if options.loop == "blend":
        loop = plan_blend(source, selection=options.selection, control=control)
    with Material(
        source,
        options,
        loop=loop,
        picture_path=folder / PICTURE.filename,
        control=control.with_reserve(HANDOVER_S),
    ) as material:
        facts = convert_video(
            source,
            gif,
            selection=options.selection,
            quality=options.quality,
            loop=loop,
            control=control,
            on_frame=material.add_frame if extras else None,
        )
        control.check()
        yield Made(product=GIF, path=gif, facts=facts.described())
        for extra in extras:
            yield extra.make(material, folder, control=control)


def _open(video: Path, folder: Path, options: ConversionOptions, *, control: Control) -> "Source":
    """Open the upload; restore the file in `folder` first if only a part of it was uploaded."""
    from converter.pipeline.convert import blend_reach
    from converter.pipeline.source.part import open_part
    from converter.pipeline.source.source import open_source

    begin_s, seconds = options.selection.start_s, float(BACKGROUND.seconds)
    if options.loop == "blend":
        begin_s, seconds = blend_reach(options.selection, BACKGROUND)
    if not options.layout:
        return open_source(video, max_pixels=settings.MAX_PIXELS, control=control)
    return open_part(
        video,
        parse_layout(options.layout),
        target=folder / "whole",
        start_s=begin_s,
        seconds=seconds,
        max_pixels=settings.MAX_PIXELS,
        control=control,
    )


def new_control(
    options: ConversionOptions,
    *,
    report: Callable[[str, int], None],
    is_canceled: Callable[[], bool] = _never,
) -> Control:
    """Return the control of one conversion with these options; its deadline counts from now."""
    return Control(
        timeout_s=settings.CONVERSION_TIMEOUT,
        report=report,
        is_canceled=is_canceled,
        extras=[extra.key for extra in extras_of(options)],
    )


def _convert(
    video: Path,
    options: ConversionOptions,
    reporter: progress.ProgressReporter,
    *,
    control: Control,
) -> dict[str, Result]:
    """Make the files; issue each link and add it to the job's record as soon as it is made."""
    results: dict[str, Result] = {}
    with storage.workspace() as folder, contextlib.ExitStack() as undo:
        files = make(video, folder, options, control=control)
        with contextlib.closing(files):
            for file in files:
                _deliver(file, results, reporter, undo=undo, job_id=options.job_id)
        undo.pop_all()
    return results


def _deliver(
    made: Made,
    results: dict[str, Result],
    reporter: progress.ProgressReporter,
    *,
    undo: contextlib.ExitStack,
    job_id: str,
) -> None:
    """Offer the file; add its result to `results` and to the job's record."""
    key = made.product.key

    def announce(token: str) -> None:
        reporter.show({**results, key: Result(token=token)})

    results[key] = _offer(made, announce, undo=undo, job_id=job_id)
    reporter.show(results)


def _offer(
    made: Made, announce: Callable[[str], None], *, undo: contextlib.ExitStack, job_id: str
) -> Result:
    """Store the file and issue its link; register the removal of both with `undo`."""
    if made.facts is None:
        return Result(error=made.error)
    product = made.product
    try:
        token = downloads.offer(
            made.path,
            filename=product.filename,
            content_type=product.content_type,
            job_id=job_id,
            announce=announce,
        )
    except Exception as error:
        if not isinstance(product, Extra):
            raise
        product.log_failure(error, job_id=job_id)  # for example, the disk has no space for both
        return Result(error=product.failed)
    undo.callback(downloads.undo_offers, token)
    return Result(token=token, facts=made.facts)


def _logging_memory(
    report: Callable[[str, int], None], *, job_id: str
) -> Callable[[str, int], None]:
    """Wrap `report`: with ENABLE_TRACEMALLOC also log Python's memory in MB at each stage."""
    if not settings.ENABLE_TRACEMALLOC:
        return report
    tracemalloc.start()
    last = ""

    def report_and_log(stage: str, percent: int) -> None:
        nonlocal last
        if stage != last:
            now, peak = (size / 1e6 for size in tracemalloc.get_traced_memory())
            log.info("job=%s stage=%s python_mb=%.1f peak_mb=%.1f", job_id, stage, now, peak)
            last = stage
        report(stage, percent)

    return report_and_log

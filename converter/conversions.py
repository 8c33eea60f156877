"""What Chromi does: an upload in, one-time links out. The view and the worker call the same."""

import contextlib
import logging
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from django.conf import settings

from converter import downloads, progress, storage, themes
from converter.logs import one_line
from converter.pipeline.control import STAGES, STAGES_WITH_THEME, Control
from converter.pipeline.errors import (
    ConversionCanceledError,
    ConversionError,
    ConversionTimeoutError,
)
from converter.pipeline.profile import BACKGROUND, Fit, Quality, Selection
from converter.pipeline.screen import DEFAULT_SCREEN
from converter.pipeline.source.layout import parse_layout

if TYPE_CHECKING:
    from converter.pipeline.source.source import Source
    from converter.pipeline.theme.colours import Look

log = logging.getLogger(__name__)

GIF_FILENAME = "chromi_background.gif"
THEME_FILENAME = "chromi_theme.zip"

# Why a job ends that no conversion ended.
Reason = Literal["canceled", "interrupted", "timeout", "internal"]
REASONS: dict[Reason, ConversionError] = {
    "canceled": ConversionCanceledError(),
    "interrupted": ConversionError(progress.INTERRUPTED),
    "timeout": ConversionTimeoutError(),
    "internal": ConversionError(),
}


@dataclass(frozen=True, kw_only=True)
class ConversionOptions:
    """What the sender asked for; plain values, so that a queue can carry it as JSON."""

    start_s: float = 0.0
    fit: Fit = "cover"
    focus_x: float = 0.5
    focus_y: float = 0.5
    quality: Quality = "high"
    theme: bool = False
    screen: str = DEFAULT_SCREEN
    theme_name: str = ""
    layout: str = ""  # JSON; empty when the upload is the whole file

    @property
    def selection(self) -> Selection:
        return Selection(
            start_s=self.start_s, fit=self.fit, focus_x=self.focus_x, focus_y=self.focus_y
        )


def convert_upload(
    video: Path,
    options: ConversionOptions,
    *,
    job_id: str,
    is_abandoned: Callable[[], bool] = lambda: False,
) -> dict[str, Any]:
    """Convert the local file `video`; the finished job's record with its download token.

    Progress and outcome stand in the job's record too. Canceled by its record, or when
    `is_abandoned` says that nobody waits for it any more. Raises ConversionError.
    """
    storage.sweep_if_due()
    started = time.monotonic()
    try:
        result = _convert(video, options, job_id=job_id, is_abandoned=is_abandoned)
    except ConversionError as error:
        log.warning("job=%s code=%s %s", job_id, error.code, one_line(error.detail))
        progress.fail(job_id, error=str(error), code=error.code)
        raise
    except BaseException as error:
        log.error("job=%s code=%s %s", job_id, ConversionError.code, type(error).__name__)
        progress.fail(job_id, error=ConversionError.message, code=ConversionError.code)
        raise
    progress.finish(job_id, result)
    if progress.is_canceled(job_id):  # in the last moment: `cancel` may have missed the links
        cancel(job_id)
        raise ConversionCanceledError
    log.info("job=%s finished s=%.1f", job_id, time.monotonic() - started)
    return result


def store_upload(video: Path) -> str:
    """Put the upload where a worker, perhaps on another machine, will find it; its name there."""
    return storage.store(video, folder=storage.UPLOADS)


def convert_stored_upload(upload: str, options: ConversionOptions, *, job_id: str) -> None:
    """What a worker does with it; the outcome, good or bad, stands in the job's record."""
    if not progress.is_finished(job_id):  # its first worker may have died a moment too late
        with storage.local_copy(upload) as video, contextlib.suppress(ConversionError):
            convert_upload(video, options, job_id=job_id)
    storage.discard(upload)


def discard_upload(upload: str) -> None:
    """The upload could not be enqueued."""
    storage.discard(upload)


def fail_job(job_id: str, upload: str, *, because: Reason) -> None:
    """The upload will not be converted: say why, if nothing is said yet, and remove it."""
    error = REASONS[because]
    progress.fail_if_open(job_id, error=str(error), code=error.code)
    storage.discard(upload)


def _convert(
    video: Path, options: ConversionOptions, *, job_id: str, is_abandoned: Callable[[], bool]
) -> dict[str, Any]:
    # Imported here: an idle web process does without numpy and MoviePy.
    from converter.pipeline.convert import convert_video

    look = themes.new_look()
    line = progress.ProgressReporter(job_id)
    control = Control(
        timeout_s=settings.CONVERSION_TIMEOUT,
        report=_reporter(job_id, line),
        is_canceled=lambda: line.is_canceled() or is_abandoned(),
        stages=STAGES_WITH_THEME if options.theme else STAGES,
    )
    with storage.workspace() as folder:
        gif = folder / "background.gif"
        source = _open(video, options, folder=folder, control=control)
        facts = convert_video(
            source,
            gif,
            selection=options.selection,
            quality=options.quality,
            control=control,
            see=look.see,
        )
        control.check()
        theme = {}
        if options.theme:
            theme = _theme(source, folder, options, look=look, control=control, job_id=job_id)
        try:
            token = _offer(gif, filename=GIF_FILENAME, content_type="image/gif")
        except BaseException:
            _take_back(theme.get("theme_token"))
            raise
    return {"token": token, "gif": facts.described(), **theme}


def _open(upload: Path, options: ConversionOptions, *, folder: Path, control: Control) -> "Source":
    """The upload as a source; one that is a part of its file is laid out in `folder` first."""
    from converter.pipeline.source.part import open_part
    from converter.pipeline.source.source import open_source

    if not options.layout:
        return open_source(upload, max_pixels=settings.MAX_PIXELS, control=control)
    return open_part(
        upload,
        parse_layout(options.layout),
        target=folder / "whole",
        start_s=options.start_s,
        seconds=BACKGROUND.seconds,
        max_pixels=settings.MAX_PIXELS,
        control=control,
    )


def _theme(
    source: "Source",
    folder: Path,
    options: ConversionOptions,
    *,
    look: "Look",
    control: Control,
    job_id: str,
) -> dict[str, Any]:
    """The theme's part of the record: its token and facts, or a sentence why there is none."""
    output = folder / "theme.zip"
    made = themes.make(
        source,
        output,
        selection=options.selection,
        look=look,
        screen=options.screen,
        name=options.theme_name,
        control=control,
        job_id=job_id,
    )
    if "theme" in made:
        kind = "application/zip"
        try:
            made["theme_token"] = _offer(output, filename=THEME_FILENAME, content_type=kind)
        except Exception as error:  # no room for both, perhaps
            return themes.no_theme(error, job_id=job_id)
    return made


def _offer(path: Path, *, filename: str, content_type: str) -> str:
    """Put the finished file at `path` where its token, which comes back, will find it."""
    name = storage.store(path, folder=storage.CONVERTED)
    try:
        return downloads.issue(name, filename=filename, content_type=content_type)
    except BaseException:
        storage.discard(name)
        raise


def _take_back(token: str | None) -> None:
    """Undo `_offer`: the link and the file behind it are gone."""
    download = downloads.revoke(token) if token else None
    if download is not None:
        storage.discard(download.name)


def _reporter(job_id: str, line: progress.ProgressReporter) -> Callable[[str, int], None]:
    """Tells progress; with ENABLE_TRACEMALLOC also logs Python's memory (MB) at each stage."""
    if not settings.ENABLE_TRACEMALLOC:
        return line.report
    tracemalloc.start()
    last = ""

    def report(stage: str, percent: int) -> None:
        nonlocal last
        if stage != last:
            now, peak = (size / 1e6 for size in tracemalloc.get_traced_memory())
            log.info("job=%s stage=%s python_mb=%.1f peak_mb=%.1f", job_id, stage, now, peak)
            last = stage
        line.report(stage, percent)

    return report


def cancel(job_id: str) -> None:
    """Stop the job if it runs; take its links back if it has finished."""
    progress.cancel(job_id)  # first: whoever finishes meanwhile looks at it afterwards
    record = progress.find(job_id)
    if record and record["status"] == "finished":
        _take_back(record.get("token"))
        _take_back(record.get("theme_token"))
        progress.fail(job_id, error="The conversion was canceled.", code="canceled")


def as_arguments(options: ConversionOptions) -> dict[str, Any]:
    """The options as a queue carries them."""
    return asdict(options)

"""Parse, call one service, answer."""

import contextlib
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.gzip import gzip_page

from converter import conversions, downloads, errors, jobs, progress, themes
from converter.answers import answer, error_answer, wants_page
from converter.errors import RequestError, expired, rq_disabled, unknown_job
from converter.forms import EXTENSIONS, ConvertForm, video_of
from converter.health import report as health_report
from converter.pipeline.errors import ConversionError
from converter.pipeline.profile import BACKGROUND, DEFAULT_THEME_NAME, THEME_NAME_LENGTH
from converter.web import admission, client_socket

View = Callable[..., HttpResponse]


def allow(*methods: str) -> Callable[[View], View]:
    """Say which methods the view takes; MethodsMiddleware refuses the others."""

    def decorate(view: View) -> View:
        view.methods = methods  # type: ignore[attr-defined]
        return view

    return decorate


@allow("GET", "HEAD")
@gzip_page
@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    """The page."""
    context = {
        "max_upload_bytes": settings.FILE_UPLOAD_MAX_MEMORY_SIZE,
        "allowed_extensions": EXTENSIONS,
        "width": BACKGROUND.width,
        "height": BACKGROUND.height,
        "fps": BACKGROUND.fps,
        "duration_s": BACKGROUND.seconds,
        "theme_available": themes.are_possible(),
        "theme_name": DEFAULT_THEME_NAME,
        "theme_name_length": THEME_NAME_LENGTH,
        "link_ttl_s": settings.DOWNLOAD_TTL,
    }
    return render(request, "converter/home.html", context)


@allow("POST")
def convert_video(request: HttpRequest) -> HttpResponse:
    """Convert an upload now (200), or enqueue it for a worker (202)."""
    video = video_of(request)
    options, job_id = ConvertForm(request.POST).parse(upload_bytes=video.size)
    if not progress.begin(job_id, status="queued" if settings.USE_RQ else "started"):
        raise RequestError(400, "invalid_field", "This job_id is taken. Choose a new one.")
    assert isinstance(video, TemporaryUploadedFile)  # noqa: S101 - our handler makes no other
    if settings.USE_RQ:
        return _enqueue(request, video, conversions.as_arguments(options), job_id)
    try:
        result = conversions.convert_upload(
            Path(video.temporary_file_path()),
            options,
            job_id=job_id,
            is_abandoned=lambda: client_socket.has_hung_up(request),
        )
    finally:
        with contextlib.suppress(FileNotFoundError):
            video.close()
    payload = {"success": True, "expires_in": settings.DOWNLOAD_TTL, **_links(result)}
    return answer(request, payload, template="converter/result.html")


def _enqueue(
    request: HttpRequest, video: TemporaryUploadedFile, arguments: dict[str, Any], job_id: str
) -> HttpResponse:
    try:
        jobs.enqueue_conversion(Path(video.temporary_file_path()), arguments, job_id=job_id)
        admission.keep_place_for_job(request, job_id)
    finally:
        with contextlib.suppress(FileNotFoundError):
            video.close()
    if wants_page(request):
        return HttpResponseRedirect(reverse("job", args=[job_id]), status=303)
    return JsonResponse({"enqueued": True, "job_id": job_id}, status=202)


def _links(record: dict[str, Any]) -> dict[str, Any]:
    """A finished record as the client sees it: links instead of tokens."""
    links = {"converted_url": reverse("download", args=[record["token"]]), "gif": record["gif"]}
    if record.get("theme_token"):
        links["theme_url"] = reverse("download", args=[record["theme_token"]])
    links |= {key: record[key] for key in ("theme", "theme_error") if key in record}
    return links


@allow("GET", "HEAD", "DELETE")
def job(request: HttpRequest, job_id: str) -> HttpResponse:
    """How far a conversion is; DELETE calls it off."""
    job_id = _canonical(job_id)
    if not job_id:
        raise unknown_job()
    record = progress.find(job_id)
    if record is None:
        raise unknown_job() if settings.USE_RQ else rq_disabled()
    if request.method == "DELETE":
        conversions.cancel(job_id)
        if settings.USE_RQ:
            jobs.withdraw(job_id)
        record = progress.find(job_id) or record
    if record["status"] == "queued":
        record = {**record, "position": jobs.position(job_id)}
    public = ("status", "stage", "progress", "error", "code", "position")
    payload = {"id": job_id, **{key: record[key] for key in public if key in record}}
    if record["status"] == "finished":
        payload |= _links(record)
    return answer(request, payload, template="converter/job.html")


def _canonical(text: str) -> str:
    """The UUID in the spelling that we keep, whatever the client's was; "" if it is none."""
    with contextlib.suppress(ValueError):
        return str(uuid.UUID(text))
    return ""


@allow("GET", "HEAD")
def download_converted(request: HttpRequest, token: str) -> HttpResponse | StreamingHttpResponse:
    """The file, once; HEAD and a browser's prefetch answer the headers and spend nothing."""
    token = _canonical(token)
    found = downloads.peek(token) if token else None
    size = downloads.stored_size(found) if found else None
    if found is None or size is None:
        raise expired()
    response: HttpResponse | StreamingHttpResponse
    if _is_prefetch(request):
        response = HttpResponse(status=204)  # a browser won't take this for the file
    elif request.method == "HEAD":
        response = HttpResponse(headers={"Content-Length": str(size)})
    else:
        response = _send(request, token)
        response.headers["Content-Length"] = str(size)
    response.headers["Content-Type"] = found.content_type
    response.headers["Content-Disposition"] = f'attachment; filename="{found.filename}"'
    response.headers["X-Robots-Tag"] = "noindex"
    response.headers["Accept-Ranges"] = "none"
    return response


def _is_prefetch(request: HttpRequest) -> bool:
    """https://wicg.github.io/nav-speculation/prefetch.html; older browsers say Purpose or X-Moz."""
    said = (request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz"))
    return any(word in value.lower() for value in said for word in ("prefetch", "preview"))


def _send(request: HttpRequest, token: str) -> StreamingHttpResponse:
    """Win the token and stream its file. Raises RequestError `busy` or `expired`."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(admission.transfer_slots.one())
        transfer = downloads.begin_transfer(
            token, was_received=lambda: client_socket.has_arrived(request)
        )
        if transfer is None:
            raise expired()
        client_socket.drop_stalled(request)
        response = StreamingHttpResponse(transfer)
        response._resource_closers.append(stack.pop_all().close)
    return response


@allow("GET", "HEAD")
def health(request: HttpRequest) -> JsonResponse:
    """Whether a conversion would work here, for a platform's probe."""
    report = health_report()
    return JsonResponse(report, status=200 if report["status"] == "healthy" else 503)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF check said no."""
    return error_answer(
        request,
        RequestError(
            403,
            "csrf",
            "Load / first and send its csrftoken cookie back, with its value as X-CSRFToken.",
        ),
    )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_answer(request, errors.bad_request())


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_answer(request, RequestError(403, "csrf", "You may not do this."))


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if wants_page(request):
        return render(request, "404.html", status=404)
    return error_answer(
        request, RequestError(404, "not_found", "There is nothing at this address.")
    )


def server_error(request: HttpRequest) -> HttpResponse:
    if wants_page(request):
        return render(request, "500.html", status=500)
    return error_answer(request, RequestError(500, "internal", ConversionError.message))

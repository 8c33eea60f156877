"""The views: parse the request, make one call, respond."""

import contextlib
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    JsonResponse,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt, csrf_protect, ensure_csrf_cookie
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from converter import conversions, downloads, products
from converter.answers import answer, error_answer, wants_page
from converter.errors import (
    BadRequestError,
    CsrfError,
    ExpiredError,
    ForbiddenError,
    InternalError,
    PageNotFoundError,
    UnknownJobError,
)
from converter.forms import ConvertForm
from converter.health import report as health_report
from converter.pipeline.profile import BACKGROUND, DEFAULT_THEME_NAME, THEME_NAME_LENGTH
from converter.pipeline.screen import MAX_RATIO, MIN_RATIO
from converter.progress import Record
from converter.web import admission, client_socket, uploads

# The views refuse a wrong method (405) before a missing CSRF token (403). So the middleware's check
# is off (csrf_exempt), and views that change something are checked by csrf_protect instead.


@csrf_exempt
@require_safe
@gzip_page
@ensure_csrf_cookie
def home(request: HttpRequest) -> HttpResponse:
    """Render the page."""
    context = {
        "max_upload_bytes": settings.FILE_UPLOAD_MAX_MEMORY_SIZE,
        "allowed_extensions": uploads.EXTENSIONS,
        "width": BACKGROUND.width,
        "height": BACKGROUND.height,
        "fps": BACKGROUND.fps,
        "duration_s": BACKGROUND.seconds,
        "theme_name": DEFAULT_THEME_NAME,
        "theme_name_length": THEME_NAME_LENGTH,
        "link_ttl_s": settings.DOWNLOAD_TTL,
        "screen_ratios": (MIN_RATIO, MAX_RATIO),
    }
    return render(request, "converter/home.html", context)


@csrf_exempt
@require_POST
@csrf_protect
def convert_video(request: HttpRequest) -> HttpResponse:
    """Convert an upload now (200), or enqueue it for a worker (202)."""
    video = uploads.video_of(request)
    options = ConvertForm(request.POST).options(upload_bytes=video.size)
    record = conversions.submit(
        Path(video.temporary_file_path()),
        options,
        is_abandoned=lambda: client_socket.has_hung_up(request),
    )
    if record["status"] == "queued":
        admission.transfer_slot_to_job(request, options.job_id)
        if wants_page(request):
            return HttpResponseRedirect(reverse("job", args=[options.job_id]), status=303)
        return JsonResponse({"enqueued": True, "job_id": options.job_id}, status=202)
    payload = {"success": True, "expires_in": settings.DOWNLOAD_TTL, **_links(record)}
    return answer(request, payload, template="converter/result.html")


def _links(record: Record) -> dict[str, Any]:
    """Return a record's results so far, with links instead of tokens."""
    links: dict[str, Any] = {}
    for key, result in record.get("results", {}).items():
        if "error" in result:
            links[f"{key}_error"] = result["error"]
        elif "facts" in result:
            link = "converted_url" if key == products.GIF.key else f"{key}_url"
            links |= {link: reverse("download", args=[result["token"]]), key: result["facts"]}
    return links


@csrf_exempt
@require_http_methods(["GET", "HEAD", "DELETE"])
@csrf_protect
def job(request: HttpRequest, job_id: str) -> HttpResponse:
    """Return the job's state, progress and results so far; DELETE cancels the job."""
    job_id = _canonical(job_id)
    if not job_id:
        raise UnknownJobError
    record = conversions.find(job_id)
    if request.method == "DELETE":
        conversions.cancel(job_id)
        record = conversions.find(job_id)
    public = ("status", "stage", "progress", "error", "code", "position")
    payload = {"id": job_id, **{key: value for key, value in record.items() if key in public}}
    if record["status"] in ("started", "finished"):
        payload |= _links(record)
    return answer(request, payload, template="converter/job.html")


def _canonical(text: str) -> str:
    """Return the UUID in canonical form; "" if `text` is invalid."""
    with contextlib.suppress(ValueError):
        return str(uuid.UUID(text))
    return ""


@csrf_exempt
@require_safe
def download_converted(request: HttpRequest, token: str) -> HttpResponse | StreamingHttpResponse:
    """Send the file once; HEAD and a browser's prefetch don't use up the link."""
    token = _canonical(token)
    found = downloads.peek(token) if token else None
    size = downloads.stored_size(found) if found else None
    if found is None or size is None:
        raise ExpiredError
    response: HttpResponse | StreamingHttpResponse
    if _is_prefetch(request):
        response = HttpResponse(status=204)  # a browser doesn't use this response as the file
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
    """Detect a prefetch: https://wicg.github.io/nav-speculation/prefetch.html; Purpose, X-Moz."""
    purposes = (request.headers.get(name, "") for name in ("Sec-Purpose", "Purpose", "X-Moz"))
    return any(word in value.lower() for value in purposes for word in ("prefetch", "preview"))


def _send(request: HttpRequest, token: str) -> StreamingHttpResponse:
    """Redeem the token and stream its file. Raises RequestError `busy` or `expired`."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(admission.transfer_slots.occupy())
        transfer = downloads.begin_transfer(
            token, was_received=lambda: client_socket.has_arrived(request)
        )
        if transfer is None:
            raise ExpiredError
        client_socket.drop_stalled(request)
        transfer.and_then(stack.pop_all().close)
    return StreamingHttpResponse(transfer)  # closes the transfer in any case


@csrf_exempt
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Report whether conversions work here, for health probes."""
    report = health_report()
    return JsonResponse(report, status=200 if report["status"] == "healthy" else 503)


@csrf_exempt
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the metrics for Prometheus. Raises Http404 if METRICS is off or the token is wrong."""
    if not settings.METRICS:
        raise Http404
    # Imported here, because prometheus_client takes 0.1 s and 10 MB.
    from converter import exposition

    if not exposition.is_allowed(request.headers.get("Authorization", "")):
        raise Http404
    return HttpResponse(exposition.text(), content_type=exposition.CONTENT_TYPE)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    return error_answer(request, CsrfError())


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_answer(request, BadRequestError())


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return error_answer(request, ForbiddenError())


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if wants_page(request):
        return render(request, "404.html", status=404)
    return error_answer(request, PageNotFoundError())


def server_error(request: HttpRequest) -> HttpResponse:
    if wants_page(request):
        return render(request, "500.html", status=500)
    return error_answer(request, InternalError())

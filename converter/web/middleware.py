"""What happens to every request: errors become answers, uploads are admitted, headers are set."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from converter import broker
from converter.answers import error_answer
from converter.errors import (
    DISK_IS_FULL,
    RequestError,
    as_request_error,
    low_disk,
    method_not_allowed,
    queue_unavailable,
)
from converter.pipeline.errors import ConversionError
from converter.web import admission, uploads

GetResponse = Callable[[HttpRequest], HttpResponse]

# style-src and script-src without unsafe-inline: the page's own files or nothing.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' blob: data:",
        "media-src 'self' blob:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    ]
)


def as_known(error: Exception) -> RequestError | None:
    """The answer to an error that has one; None: a bug, which Django logs and answers with 500."""
    if isinstance(error, RequestError):
        return error
    if isinstance(error, ConversionError):
        return as_request_error(error)
    if isinstance(error, broker.errors()):
        return queue_unavailable()
    if isinstance(error, OSError) and error.errno in DISK_IS_FULL:
        return low_disk()
    return None


class ErrorsAsAnswersMiddleware:
    """Turns our errors, wherever a view raises them, into the one JSON form."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        known = as_known(error)
        return error_answer(request, known) if known else None


class ResponseHeadersMiddleware:
    """The headers that keep an answer out of frames and caches, on all that the views answer."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_SECURITY_POLICY)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault(
            "Permissions-Policy", "camera=(), microphone=(), geolocation=()"
        )
        return response


class MethodsMiddleware:
    """405 for a method that the view does not take, before CSRF asks for a token or a body."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *_: Any
    ) -> HttpResponse | None:
        methods: tuple[str, ...] | None = getattr(view, "methods", None)
        if methods is None or request.method in methods:  # None: the admin's views
            return None
        response = error_answer(request, method_not_allowed(*methods))
        response.headers["Allow"] = ", ".join(methods)
        return response


class AdmitBodyMiddleware:
    """Refuses an upload by its headers, before anything (CSRF, for one) reads its body.

    A form of the admin is received under the same watch: else eight slow ones hold all threads.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return self.get_response(request)
        try:
            # path_info is what finds the view; a proxy's SCRIPT_NAME stands before it in `path`.
            if request.path_info == "/convert/":
                with admission.admitted(request):
                    uploads.receive(request, within_s=settings.UPLOAD_TIMEOUT)
                    return self.get_response(request)
            if request.path_info.startswith("/admin/"):
                with admission.small_form(request):
                    uploads.receive(request, within_s=settings.STALL_TIMEOUT)
            return self.get_response(request)
        except Exception as error:
            known = as_known(error)
            if known is None:
                raise
            return error_answer(request, known)

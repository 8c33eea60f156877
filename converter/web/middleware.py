"""Middleware: convert errors to responses, admit uploads, set headers."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from converter.answers import error_answer
from converter.errors import MethodNotAllowedError, as_refusal
from converter.web import admission, uploads

GetResponse = Callable[[HttpRequest], HttpResponse]

# Only the page's own files: style-src and script-src have no unsafe-inline.
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


class ErrorsAsAnswersMiddleware:
    """Convert refusals to JSON: those that a view raises, and Django's 405."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not isinstance(response, HttpResponseNotAllowed):
            return response
        allowed = response.headers["Allow"]
        refusal = error_answer(request, MethodNotAllowedError(allowed))
        refusal.headers["Allow"] = allowed
        return refusal

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        refusal = as_refusal(error)
        return error_answer(request, refusal) if refusal else None


class ResponseHeadersMiddleware:
    """Set headers against framing and caching."""

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


class AdmitBodyMiddleware:
    """Refuse an upload by its headers, before other middleware (such as CSRF) reads its body.

    The admin's forms are limited too, because eight slow ones would block all threads.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return self.get_response(request)
        try:
            # path_info selects the view; `path` also contains a proxy's SCRIPT_NAME.
            if request.path_info == "/convert/":
                with admission.admitted(request):
                    uploads.receive(request, within_s=settings.UPLOAD_TIMEOUT)
                    return self.get_response(request)
            if request.path_info.startswith("/admin/"):
                with admission.small_form(request):
                    uploads.receive(request, within_s=settings.STALL_TIMEOUT)
            return self.get_response(request)
        except Exception as error:
            refusal = as_refusal(error)
            if refusal is None:
                raise
            return error_answer(request, refusal)

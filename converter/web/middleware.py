"""What happens to every request: errors become answers, uploads are admitted, headers are set."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

from converter.answers import error_answer
from converter.errors import MethodNotAllowedError, as_refusal
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


class ErrorsAsAnswersMiddleware:
    """Answer every refusal in the JSON form: those that a view raises, and Django's own 405."""

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
    """Set the headers that keep an answer out of frames and caches."""

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
    """Refuse an upload by its headers, before anything (CSRF, for one) reads its body.

    A form of the admin is received within limits too: else eight slow ones hold all threads.
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
            refusal = as_refusal(error)
            if refusal is None:
                raise
            return error_answer(request, refusal)

"""Render a response as JSON, or as a plain page for a browser without JavaScript."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render

from converter.errors import RequestError


def wants_page(request: HttpRequest) -> bool:
    """Return whether a browser navigates here: only then Accept contains text/html (curl: */*)."""
    return "text/html" in request.headers.get("Accept", "")


def answer(
    request: HttpRequest, payload: dict[str, Any], *, template: str, status: int = 200
) -> HttpResponse:
    """Return `payload` as JSON, or as the context of `template` for a browser."""
    if wants_page(request):
        return render(request, template, payload, status=status)
    return JsonResponse(payload, status=status)


def error_answer(request: HttpRequest, error: RequestError) -> HttpResponse:
    """Return the error as {"success": false, "error", "code"}."""
    response = answer(request, error.payload, template="converter/error.html", status=error.status)
    response.refusal = error.code  # type: ignore[attr-defined]  # for metrics.py
    if error.retry_after_s is not None:
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response

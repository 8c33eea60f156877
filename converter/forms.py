"""POST /convert/ as typed values; what follows is not its business."""

import math
import uuid
from pathlib import PurePath
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest

from converter.conversions import ConversionOptions
from converter.errors import RequestError
from converter.pipeline.profile import THEME_NAME_LENGTH
from converter.pipeline.screen import DEFAULT_SCREEN, parse_screen
from converter.pipeline.source.layout import Layout, parse_layout
from converter.pipeline.source.sniff import SNIFF_BYTES, container_of
from converter.timecode import parse_timecode

EXTENSIONS = (".mp4", ".mov", ".webm", ".gif")
TYPES_SENTENCE = "This type of file can't be converted. Choose an MP4, MOV, WebM or GIF file."


class TimecodeField(forms.CharField):
    """ "HH:MM:SS" or "HH:MM:SS.mmm" as seconds."""

    def clean(self, value: Any) -> float:
        try:
            return parse_timecode(value or "00:00:00")
        except ValueError:
            raise forms.ValidationError(
                "Give the start time as HH:MM:SS, for example 00:01:30.", code="invalid_start_time"
            ) from None


class ShareField(forms.FloatField):
    """A number from 0 to 1; 0.5 when left out."""

    def clean(self, value: Any) -> float:
        share = super().clean(value)
        return 0.5 if share is None or math.isnan(share) else share


class ScreenField(forms.CharField):
    """ "1512x982@2", as it came; the default screen when left out."""

    def clean(self, value: Any) -> str:
        text = super().clean(value) or DEFAULT_SCREEN
        try:
            parse_screen(text)
        except ValueError:
            raise forms.ValidationError("not a screen") from None
        return text


class LayoutField(forms.CharField):
    """The JSON that says which part of its file the upload is; None when it is the whole file."""

    def clean(self, value: Any) -> Layout | None:
        if not value:
            return None
        try:
            return parse_layout(super().clean(value))
        except ValueError:
            raise forms.ValidationError("not a layout") from None


def _choice(*names: str) -> forms.ChoiceField:
    return forms.ChoiceField(choices=[(name, name) for name in names], required=False)


class ConvertForm(forms.Form):
    """The fields of POST /convert/ beside the file."""

    start_time = TimecodeField(required=False)
    # Accepted since the beginnings of Chromi, and always 6.
    duration = forms.CharField(required=False)
    fit = _choice("cover", "contain")
    focus_x = ShareField(required=False, min_value=0, max_value=1)
    focus_y = ShareField(required=False, min_value=0, max_value=1)
    quality = _choice("high", "small")
    theme = _choice("1", "0", "on", "off", "true", "false")
    screen = ScreenField(required=False)
    theme_name = forms.CharField(required=False, max_length=THEME_NAME_LENGTH)
    layout = LayoutField(required=False)
    job_id = forms.UUIDField(required=False)

    def clean_job_id(self) -> str:
        given: uuid.UUID | None = self.cleaned_data["job_id"]
        if given is not None and given.version != 4:
            raise forms.ValidationError("not a UUID4")
        return str(given or uuid.uuid4())

    def parse(self, *, upload_bytes: int | None) -> tuple[ConversionOptions, str]:
        """(options, job id) of a form whose file has `upload_bytes`. Raises RequestError."""
        if not self.is_valid():
            raise self._refusal()
        data = self.cleaned_data
        layout = data["layout"]
        if layout and layout.sent_bytes != upload_bytes:
            self.add_error("layout", "not the length of the upload")
            raise self._refusal()
        options = ConversionOptions(
            start_s=data["start_time"],
            fit=data["fit"] or "cover",
            focus_x=data["focus_x"],
            focus_y=data["focus_y"],
            quality=data["quality"] or "high",
            theme=data["theme"] in ("1", "on", "true"),
            screen=data["screen"],
            theme_name=data["theme_name"],
            layout=layout.text if layout else "",
        )
        return options, data["job_id"]

    def _refusal(self) -> RequestError:
        field, errors = next(iter(self.errors.as_data().items()))
        if errors[0].code == "invalid_start_time":
            return RequestError(400, "invalid_start_time", str(errors[0].message))
        return RequestError(
            400, "invalid_field", f"Check the field {field}: see the README for it."
        )


def video_of(request: HttpRequest) -> UploadedFile:
    """The uploaded file, allowed by its name and by its first bytes. Raises RequestError."""
    video = request.FILES.get("video") or request.FILES.get("file")
    if video is None or not isinstance(video, UploadedFile):
        raise RequestError(400, "no_file", "Choose a video file first.")
    if PurePath(str(video.name)).suffix.lower() not in EXTENSIONS:
        raise RequestError(400, "unsupported_type", TYPES_SENTENCE)
    head = video.read(SNIFF_BYTES)
    video.seek(0)
    if container_of(head) is None:
        raise RequestError(400, "unsupported_type", TYPES_SENTENCE)
    return video

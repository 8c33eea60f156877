"""Parse the fields of POST /convert/, except the file, to typed values."""

import math
import uuid
from typing import Any, get_args

from django import forms

from converter.errors import InvalidFieldError, InvalidStartTimeError, RequestError
from converter.options import ConversionOptions
from converter.pipeline.profile import (
    THEME_NAME_LENGTH,
    Fit,
    Loop,
    Quality,
    Selection,
)
from converter.pipeline.screen import parse_screen
from converter.pipeline.source.layout import Layout, LayoutError, parse_layout
from converter.timecode import parse_timecode

YES, NO = ("1", "on", "true"), ("0", "off", "false")


class TimecodeField(forms.CharField):
    """Parse "HH:MM:SS" or "HH:MM:SS.mmm" to seconds."""

    def clean(self, value: Any) -> float | None:
        try:
            return parse_timecode(value) if value else None
        except ValueError:
            raise forms.ValidationError("not a time code") from None


class ShareField(forms.FloatField):
    """Parse a number from 0 to 1."""

    def clean(self, value: Any) -> float | None:
        share: float | None = super().clean(value)
        return None if share is None or math.isnan(share) else share


class ScreenField(forms.CharField):
    """Validate a screen such as "1512x982@2" and keep its text."""

    def clean(self, value: Any) -> str:
        text: str = super().clean(value)
        try:
            if text:
                parse_screen(text)
        except ValueError:
            raise forms.ValidationError("not a screen") from None
        return text


class LayoutField(forms.CharField):
    """Parse the layout of a partial upload (JSON); None for a whole file."""

    def clean(self, value: Any) -> Layout | None:
        try:
            return parse_layout(super().clean(value)) if value else None
        except LayoutError:
            raise forms.ValidationError("not a layout") from None


def _choice(*names: str) -> forms.ChoiceField:
    return forms.ChoiceField(choices=[(name, name) for name in names], required=False)


class ConvertForm(forms.Form):
    """The fields of POST /convert/ except the file; all are optional."""

    start_time = TimecodeField(required=False)
    # Accepted and ignored; the length is always 6 s.
    duration = forms.CharField(required=False)
    fit = _choice(*get_args(Fit))
    focus_x = ShareField(required=False, min_value=0, max_value=1)
    focus_y = ShareField(required=False, min_value=0, max_value=1)
    quality = _choice(*get_args(Quality))
    loop = _choice(*get_args(Loop))
    picture = _choice(*YES, *NO)
    theme = _choice(*YES, *NO)
    screen = ScreenField(required=False)
    theme_name = forms.CharField(required=False, max_length=THEME_NAME_LENGTH)
    layout = LayoutField(required=False, strip=False)
    job_id = forms.UUIDField(required=False)

    def clean_job_id(self) -> str:
        given: uuid.UUID | None = self.cleaned_data["job_id"]
        if given is not None and given.version != 4:
            raise forms.ValidationError("not a UUID4")
        return str(given or "")

    def options(self, *, upload_bytes: int | None) -> ConversionOptions:
        """Return the options, with defaults for missing fields. Raises RequestError.

        A layout must describe an upload of `upload_bytes`.
        """
        if not self.is_valid():
            raise self._refusal()
        layout: Layout | None = self.cleaned_data.pop("layout")
        if layout and layout.sent_bytes != upload_bytes:
            raise InvalidFieldError("layout")
        given = {name: v for name, v in self.cleaned_data.items() if v not in (None, "")}
        if "start_time" in given:
            given["start_s"] = given["start_time"]
        return ConversionOptions(
            selection=Selection(**_only(given, "start_s", "fit", "focus_x", "focus_y")),
            picture=given.get("picture") in YES,
            theme=given.get("theme") in YES,
            layout=layout.text if layout else "",
            **_only(given, "job_id", "quality", "loop", "screen", "theme_name"),
        )

    def _refusal(self) -> RequestError:
        field = next(iter(self.errors))
        return InvalidStartTimeError() if field == "start_time" else InvalidFieldError(field)


def _only(values: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: values[name] for name in names if name in values}

"""All errors of a conversion: one tree, with a stable code and one sentence each.

ConversionError
+-- InputError            the user can fix it
|   +-- UnsupportedTypeError   unsupported_type
|   +-- StartPastEndError      start_past_end
|   +-- UnreadableVideoError   unreadable_video
|   |   +-- UnsupportedCodecError    unreadable_video
|   |   +-- ProtectedVideoError      unreadable_video
|   +-- NoVideoError           no_video
|   +-- TooManyPixelsError     too_many_pixels
|   +-- TooShortError          too_short
|   +-- IncompleteUploadError  incomplete_upload
+-- ConversionTimeoutError     timeout
+-- ConversionCanceledError    canceled
+-- OutputError                internal
"""


class ConversionError(Exception):
    """A failed conversion; `str()` is for the user, `detail` for the log only."""

    code = "internal"
    message = "Something went wrong on our side. Please try again."

    def __init__(self, message: str | None = None, *, detail: str = "") -> None:
        super().__init__(message or self.message)
        self.detail = detail


class InputError(ConversionError):
    """The upload can't be converted; the user can send another one."""


class UnsupportedTypeError(InputError):
    code = "unsupported_type"
    message = "Chromi can't read this file. Choose an MP4, MOV, WebM or GIF file."


class StartPastEndError(InputError):
    code = "start_past_end"
    message = "The start time is after the end of the video. Choose an earlier start time."


class UnreadableVideoError(InputError):
    code = "unreadable_video"
    message = "The video is damaged or incomplete. Export or download it again."


class NoVideoError(InputError):
    code = "no_video"
    message = "This file contains no video. Choose another file."


class TooManyPixelsError(InputError):
    code = "too_many_pixels"
    message = "The picture is too large. Scale the video down to 4K or less and try again."


class UnsupportedCodecError(UnreadableVideoError):
    """The video is sound, but coded in a way that can't be converted; the message names it."""

    def __init__(self, name: str, *, detail: str = "") -> None:
        message = f"This file uses {name}, which Chromi can't read. "
        super().__init__(f"{message}Export it as H.264 (MP4) and try again.", detail=detail)


class ProtectedVideoError(UnreadableVideoError):
    message = "This file is protected by encryption. Use a copy without protection and try again."


class TooShortError(InputError):
    code = "too_short"
    message = "Fewer than two frames are left after the start time. Choose an earlier start."


class IncompleteUploadError(InputError):
    """The upload is a part of a file (`layout`), and the conversion needs more of the file."""

    code = "incomplete_upload"
    message = "This video needs more of the file than was sent. Send the whole file."


class ConversionTimeoutError(ConversionError):
    code = "timeout"
    message = "The conversion took too long. Try a shorter or smaller version of the video."


class ConversionCanceledError(ConversionError):
    code = "canceled"
    message = "The conversion was canceled."


class OutputError(ConversionError):
    """The output is invalid."""

"""Decode an upload with one confined ffmpeg, and compose its frames with MoviePy.

ffmpeg delivers pictures that are already trimmed, upright, at 24 fps and fitted. MoviePy's
VideoClip adds the bars of `contain` and mixes the frames of a blended loop; with `cover` and a cut
it passes the pictures through. MoviePy's own reader is not used on uploads: it follows playlists,
hangs when ffmpeg prints many errors, selects frames by the average rate (wrong for phones) and
distorts rotated clips.
"""

import contextlib
import functools
import math
import os
import re
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from converter.pipeline.control import Control
from converter.pipeline.errors import (
    StartPastEndError,
    TooManyPixelsError,
    TooShortError,
    UnreadableVideoError,
)
from converter.pipeline.ffmpeg import Ffmpeg, ffmpeg
from converter.pipeline.profile import ConversionProfile, Selection
from converter.pipeline.source.filters import filter_graphs
from converter.pipeline.source.probe import Probe, input_arguments, is_too_large
from converter.pipeline.source.source import Source

Frame = NDArray[np.uint8]

MIN_FRAMES = 2
# Each decoding thread needs its own pictures: 8 MB for 1080p, 48 MB for a 5.3K camera. One thread
# is as fast from 1080p on: the encoder is the bottleneck.
TWO_THREADS_UP_TO_PIXELS = 1_500_000
# Each picture has a header with its size, because `contain` may deliver any size. ffmpeg assumes
# that all pictures of a run have the size of the first. Without a queue of one picture, it would
# buffer eight, which take 22 MB.
TO_STDOUT = ["-f", "image2pipe", "-thread_queue_size", "1", "pipe:1"]
ONE_FRAME = "This video has only one frame. Choose a longer video."
_FITTED = ("-map", "[fitted]")
# ffmpeg's message when `-drop_changed` drops a frame whose size or format differs from the first.
CHANGED = b"Avoiding reinit; dropping frame"
# The mark of a message above the level of a warning, printed because of `-v level+...`.
_ERROR = re.compile(r"\[(?:error|fatal|panic)\]")


Pad = Callable[[Frame], Frame]
# Called with a frame of the clip, its number, and a function that adds the same bars to a frame.
Mix = Callable[[Frame, int, Pad], Frame]


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """Additional inputs of a decode, and the graph that makes [mixed] from them and [fitted]."""

    inputs: Sequence[str]
    graph: str


class EndOfClipError(Exception):
    """The source ends before the requested time."""


def seek_arguments(probe: Probe, start_s: float) -> list[str]:
    """Return ffmpeg's options that start reading at the key frame before `start_s`, if any.

    With noaccurate_seek decoding starts at the key frame, and `fps` drops the frames before the
    start. `-ss 0` fails for files whose first timestamp is negative.
    """
    if start_s > 0 and probe.can_seek:
        return ["-noaccurate_seek", "-ss", f"{start_s:.6f}"]
    return []


def decode_arguments(
    source: Source,
    *,
    profile: ConversionProfile,
    selection: Selection,
    finish: Sequence[str] = (),
    is_changing: bool = False,
    overlay: Overlay | None = None,
) -> list[str]:
    """Return ffmpeg's options that convert the upload to fitted pictures, without an output format.

    `finish` are the last filters; they set the pixel format. Unless `is_changing`, ffmpeg drops the
    frames after a change of size or format and prints CHANGED; then run it again with
    `is_changing`.
    """
    probe = source.probe
    # The native VP8/VP9 decoders drop alpha; libvpx's keep it.
    decoder = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(probe.codec) if probe.has_alpha else None
    rate, picture = filter_graphs(
        probe,
        profile=profile,
        selection=selection,
        finish=finish,
        is_changing=is_changing,
    )
    return [
        *("-v", "level+warning", "-filter_threads", "1"),
        *seek_arguments(probe, selection.start_s),
        *(() if is_changing else ("-drop_changed", "1")),
        *(() if probe.is_turned_by_ffmpeg else ("-noautorotate",)),
        *(("-c:v", decoder) if decoder else ()),
        *input_arguments(
            source.path,
            container=probe.container,
            max_pixels=source.max_pixels,
            threads=2 if probe.pixels <= TWO_THREADS_UP_TO_PIXELS else 1,
        ),
        *(overlay.inputs if overlay else ()),
        *("-filter_complex", rate, "-filter_complex", picture),
        *(("-filter_complex", overlay.graph, "-map", "[mixed]") if overlay else _FITTED),
        *("-map_metadata", "-1", "-map_chapters", "-1"),
        *("-frames:v", str(profile.frames), "-fps_mode", "passthrough"),
    ]


def read_ppm(stream: IO[bytes]) -> Frame | None:
    """Read the next picture of a PPM stream, (height, width, 3) uint8; None at its end.

    The format is described at https://netpbm.sourceforge.net/doc/ppm.html. ffmpeg writes no
    comments.
    """
    if stream.readline() != b"P6\n":
        return None
    width, height = (int(n) for n in stream.readline().split())
    stream.readline()
    return _read_pixels(stream, (height, width, 3))


def read_pam(stream: IO[bytes]) -> Frame | None:
    """Read the next picture of a stream of RGBA PAMs and return its opaque part, as `read_ppm`.

    The opaque part is one rectangle in the middle. The format is described at
    https://netpbm.sourceforge.net/doc/pam.html.
    """
    if stream.readline() != b"P7\n":
        return None
    header = dict(line.split() for line in iter(stream.readline, b"ENDHDR\n") if line)
    picture = _read_pixels(stream, (int(header[b"HEIGHT"]), int(header[b"WIDTH"]), 4))
    if picture is None:
        return None
    middle_y, middle_x = picture.shape[0] // 2, picture.shape[1] // 2
    rows, columns = picture[:, middle_x, 3] > 0, picture[middle_y, :, 3] > 0
    return picture[rows][:, columns, :3]


def _read_pixels(stream: IO[bytes], shape: tuple[int, int, int]) -> Frame | None:
    """Read an array of `shape`, uint8, from a stream; None if the stream ends earlier."""
    size = math.prod(shape)
    pixels = stream.read(size)
    if len(pixels) < size:
        return None
    return np.frombuffer(pixels, np.uint8).reshape(shape)


def read_pictures(
    source: Source, *, profile: ConversionProfile, selection: Selection, control: Control
) -> Generator[Frame]:
    """Yield the fitted pictures of the selection, 24 a second, until the source ends.

    Each is (height, width, 3) uint8. If the source changes its size or format, it is decoded again
    from the start and the pictures already yielded are skipped. Raises InputError if there is no
    picture, and the exceptions of `control`.
    """
    count = 0
    for is_changing in (False, True):
        is_padded = is_changing and selection.fit == "contain"
        arguments = decode_arguments(
            source,
            profile=profile,
            selection=selection,
            finish=_output_filters(
                profile, is_padded=is_padded, is_deep=source.probe.colour.is_converted
            ),
            is_changing=is_changing,
        )
        until = None if is_changing else CHANGED
        form, read = ("pam", read_pam) if is_padded else ("ppm", read_ppm)
        arguments += ["-c:v", form, *TO_STDOUT]
        with ffmpeg(arguments, control=control, until=until) as child:
            for number, picture in enumerate(_until_none(functools.partial(read, child.stdout))):
                if until and child.says(until):
                    break
                if number == count:
                    count += 1
                    yield picture
            if until and child.says(until):
                continue
            child.check(is_empty=count == 0)
            control.check()  # a killed decoder looks like the end of the source
            if count == 0:
                raise _why_empty(child, source.probe, selection)
            if count == 1 and selection.start_s == 0:
                raise TooShortError(ONE_FRAME)
            return


def _output_filters(profile: ConversionProfile, *, is_padded: bool, is_deep: bool) -> list[str]:
    """Return the filters that convert the pictures to 8-bit RGB, or to RGBA with transparent bars.

    Pictures with more than 8 bits (`is_deep`) are dithered to avoid visible steps in gradients.
    """
    rgb = ["zscale=d=error_diffusion", "format=gbrp"] if is_deep else []
    if not is_padded:
        return [*rgb, "format=rgb24"]
    place = "(ow-iw)/2:(oh-ih)/2"
    return [*rgb, "format=rgba", f"pad={profile.width}:{profile.height}:{place}:color=black@0"]


def _until_none(read: Callable[[], Frame | None]) -> Iterator[Frame]:
    """Yield the return values of `read` until it returns None."""
    while (picture := read()) is not None:
        yield picture


class Reader:
    """Look up pictures of a stream by time, for a MoviePy clip. Times must not decrease."""

    def __init__(self, pictures: Iterator[Frame], *, fps: int) -> None:
        self._pictures = pictures
        self._fps = fps
        self._number = -1
        self._frame: Frame | None = None

    def frame_at(self, t: float) -> Frame:
        """Return the frame on screen at `t` s. Raises EndOfClipError and what the decode raises."""
        number = round(t * self._fps)
        while self._number < number:
            try:
                self._frame = next(self._pictures)
            except StopIteration:
                raise EndOfClipError from None
            self._number += 1
        assert self._frame is not None  # noqa: S101 - t is never negative
        return self._frame


def border_colour(frame: Frame) -> Frame:
    """Return the mean colour, (3,) uint8, of the outermost pixels of `frame` (h, w, 3)."""
    edge = np.concatenate([frame[0], frame[-1], frame[:, 0], frame[:, -1]])
    mean: Frame = np.rint(edge.mean(axis=0)).astype(np.uint8)
    return mean


def padding(first: Frame, profile: ConversionProfile) -> Callable[[Frame], Frame]:
    """Return a function that centres a frame between bars in `first`'s border colour."""
    colour = border_colour(first)

    def pad(frame: Frame) -> Frame:
        h, w = frame.shape[:2]
        if (h, w) == (profile.height, profile.width):
            return frame
        top, left = (profile.height - h) // 2, (profile.width - w) // 2
        whole = np.empty((profile.height, profile.width, 3), np.uint8)
        whole[:] = colour
        whole[top : top + h, left : left + w] = frame
        return whole

    return pad


def moviepy_clip_class() -> Any:
    """Import and return MoviePy's VideoClip.

    The import takes 0.09 CPU s and 7 MB in addition to numpy and Pillow, so it is done only before
    a conversion. MoviePy 2.2 runs `ffplay` at import to check that it exists; run `true` instead.
    """
    os.environ.setdefault("FFPLAY_BINARY", "true")
    from moviepy.video.VideoClip import VideoClip

    return VideoClip


@contextlib.contextmanager
def open_clip(
    source: Source,
    *,
    profile: ConversionProfile,
    selection: Selection,
    control: Control,
    mix: Mix | None = None,
) -> Iterator[Any]:
    """Yield the selection as a MoviePy clip of the profile's size, rate and length; close it after.

    The clip raises EndOfClipError where the source ends. Raises the exceptions of `read_pictures`.
    """
    video_clip = moviepy_clip_class()
    pictures = read_pictures(source, profile=profile, selection=selection, control=control)
    with contextlib.closing(pictures):
        reader = Reader(pictures, fps=profile.fps)
        first = reader.frame_at(0)
        clip = video_clip(reader.frame_at, duration=profile.seconds).with_fps(profile.fps)
        pad = padding(first, profile)
        if selection.fit == "contain":
            clip = clip.image_transform(pad)
        if mix is not None:
            clip = clip.transform(lambda get, t: mix(get(t), round(t * profile.fps), pad))
        try:
            yield clip
        finally:
            clip.close()


def frames(clip: Any, *, control: Control) -> Iterator[Frame]:
    """Yield the clip's frames, each (height, width, 3) uint8, until its source ends.

    Raises TooShortError for less than two frames, and the exceptions of `control`.
    """
    count = 0
    try:
        for frame in clip.iter_frames(dtype="uint8"):
            control.check()
            count += 1
            yield frame
    except EndOfClipError:
        control.check()  # after a kill the clip also seems to end
    if count < MIN_FRAMES:
        raise TooShortError


def _why_empty(child: Ffmpeg, probe: Probe, selection: Selection) -> Exception:
    """Return why a decode gave no frame: the start is too late, or the file is damaged."""
    errors = child.errors()
    if is_too_large(errors):
        return TooManyPixelsError(detail=errors)
    known = probe.duration_s
    if selection.start_s > 0 and (known is None or selection.start_s >= known):
        return StartPastEndError(detail=errors)
    if selection.start_s > 0 and not _ERROR.search(errors):
        return TooShortError()
    return UnreadableVideoError(detail=errors)

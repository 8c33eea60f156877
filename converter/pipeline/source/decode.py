"""An upload as a MoviePy clip: decoded by one confined ffmpeg, never by MoviePy's own.

MoviePy's reader must not see an upload: it follows playlists, hangs on a flood of errors, picks
frames by the average rate (wrong for phones) and squashes rotated clips. So ffmpeg delivers
pictures that are already trimmed, upright, at 24 fps and fitted; MoviePy carries them on.
"""

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
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
# Each decoding thread holds pictures of its own: 8 MB of 1080p, 48 MB of a 5.3K camera's. One keeps
# the tree below 220 MB from 1080p on, and is as fast: the encoder is what one waits for.
TWO_THREADS_UP_TO_PIXELS = 1_500_000
# Each picture carries its size, so that `contain` may deliver any. Without a pixel format deep
# colour would come out in 16 bits.
# Without a queue of one ffmpeg would write eight pictures ahead of us, 22 MB.
PPM_TO_STDOUT = [
    *("-pix_fmt", "rgb24", "-c:v", "ppm", "-f", "image2pipe"),
    *("-thread_queue_size", "1", "pipe:1"),
]


class EndOfClipError(Exception):
    """No frame is left at the time asked for."""


def seek_arguments(probe: Probe, start_s: float) -> list[str]:
    """ffmpeg's options that start reading at the key frame before `start_s`; none without a seek.

    Without accurate_seek decoding starts at the key frame and `fps` does the cut; `-ss 0` would
    refuse files whose first timestamp is negative.
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
) -> list[str]:
    """ffmpeg's options that turn the upload into fitted pictures, not yet their output format.

    `finish` are filters to go last.
    """
    probe = source.probe
    # The native VP8/VP9 decoders drop alpha; libvpx's keep it.
    decoder = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(probe.codec) if probe.has_alpha else None
    # A picture that changes its size in mid-stream would restart the graph, and with it the clock.
    # `scale` alone takes such frames as they come; the other filters may not.
    plain = not (
        probe.is_turned or probe.has_alpha or probe.is_hdr or probe.is_wide or probe.is_strip
    )
    rate, picture = filter_graphs(probe, profile=profile, selection=selection, finish=finish)
    return [
        *("-v", "error", "-filter_threads", "1"),
        *seek_arguments(probe, selection.start_s),
        *(("-reinit_filter", "0") if plain else ()),
        *(("-c:v", decoder) if decoder else ()),
        *input_arguments(
            source.path,
            container=probe.container,
            max_pixels=source.max_pixels,
            threads=2 if probe.pixels <= TWO_THREADS_UP_TO_PIXELS else 1,
        ),
        *("-filter_complex", rate, "-filter_complex", picture, "-map", "[fitted]"),
        *("-map_metadata", "-1", "-map_chapters", "-1"),
        *("-frames:v", str(profile.frames), "-fps_mode", "passthrough"),
    ]


def read_ppm(stream: IO[bytes]) -> Frame | None:
    """The next picture of a stream of binary PPMs, (height, width, 3) uint8; None at its end.

    https://netpbm.sourceforge.net/doc/ppm.html, without comments, as ffmpeg writes it.
    """
    if stream.readline() != b"P6\n":
        return None
    width, height = (int(n) for n in stream.readline().split())
    stream.readline()
    size = width * height * 3
    pixels = stream.read(size)
    if len(pixels) < size:
        return None
    return np.frombuffer(pixels, np.uint8).reshape(height, width, 3)


class Reader:
    """The frames of one decode by time, forward only: what a MoviePy clip asks for."""

    def __init__(self, child: Ffmpeg, *, fps: int) -> None:
        self._child = child
        self._fps = fps
        self._number = -1
        self._frame: Frame | None = None

    def frame_at(self, t: float) -> Frame:
        """The frame on screen at `t` s. Raises EndOfClipError and what `child.check` raises."""
        number = round(t * self._fps)
        while self._number < number:
            self._frame = read_ppm(self._child.stdout)
            if self._frame is None:
                self._child.check(is_empty=self._number < 0)
                raise EndOfClipError
            self._number += 1
        assert self._frame is not None  # noqa: S101 - t is never negative
        return self._frame


def border_colour(frame: Frame) -> Frame:
    """The mean colour of the outermost pixels of `frame` (h, w, 3), a (3,) uint8."""
    edge = np.concatenate([frame[0], frame[-1], frame[:, 0], frame[:, -1]])
    mean: Frame = np.rint(edge.mean(axis=0)).astype(np.uint8)
    return mean


def padding(first: Frame, profile: ConversionProfile) -> Callable[[Frame], Frame]:
    """What puts a frame in the middle of the profile's picture, bars in `first`'s border colour."""
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
    """MoviePy's VideoClip, imported late: it takes a second and 60 MB, which only a converter pays.

    At import MoviePy 2.2 starts `ffplay` to see whether it is there; we play nothing, so it gets
    a command that ends at once.
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
) -> Iterator[Any]:
    """The cut as a MoviePy clip of the profile's size, rate and length; closed with the block.

    Its frames end with EndOfClipError where the source ends. Raises InputError when there is not
    even a first frame, and what `control` raises.
    """
    video_clip = moviepy_clip_class()
    arguments = decode_arguments(source, profile=profile, selection=selection)
    with ffmpeg([*arguments, *PPM_TO_STDOUT], control=control) as child:
        reader = Reader(child, fps=profile.fps)
        try:
            first = reader.frame_at(0)
        except EndOfClipError:
            control.check()
            raise _why_empty(child, source.probe, selection) from None
        clip = video_clip(reader.frame_at, duration=profile.seconds).with_fps(profile.fps)
        if selection.fit == "contain":
            clip = clip.image_transform(padding(first, profile))
        try:
            yield clip
        finally:
            clip.close()


def frames(clip: Any, *, control: Control) -> Iterator[Frame]:
    """The clip's frames in order, each (height, width, 3) uint8, up to where its source ends.

    Raises TooShortError below two frames, and what `control` raises.
    """
    count = 0
    try:
        for frame in clip.iter_frames(dtype="uint8"):
            control.check()
            count += 1
            yield frame
    except EndOfClipError:
        control.check()  # a killed decoder looks like the end of the clip
    if count < MIN_FRAMES:
        raise TooShortError


def _why_empty(child: Ffmpeg, probe: Probe, selection: Selection) -> Exception:
    """Why the child, which has ended, gave no first frame: the start, or the file."""
    errors = child.errors()
    if is_too_large(errors):
        return TooManyPixelsError(detail=errors)
    known = probe.duration_s
    if selection.start_s > 0 and (known is None or selection.start_s >= known):
        return StartPastEndError(detail=errors)
    if selection.start_s > 0 and not errors:
        return TooShortError()
    return UnreadableVideoError(detail=errors)

"""Encode an animation in a separate thread while the caller encodes the GIF."""

import threading
from pathlib import Path

from converter.pipeline.control import Control
from converter.pipeline.picture.encode import Cut, TooMuchMemoryError, encode_animation
from converter.pipeline.picture.inspect import verify_animation
from converter.pipeline.picture.make import Animation, make_animation
from converter.pipeline.screen import Size

# Limit for the resident memory of the encoding ffmpeg while the GIF is encoded; a 1080p source
# takes 171 MB. Sources with more than BESIDE_PIXELS pixels are encoded after the GIF.
BESIDE_BYTES = 200_000_000
BESIDE_PIXELS = 4_000_000
POLL_S = 0.2


class BackgroundEncoding:
    """Encode one animation in a thread; `close` ends the thread in any case.

    Call `start` once, then `finish` once. The thread respects the control's deadline and cancel
    flag, but does not report progress.
    """

    def __init__(self, output: Path, *, size: Size, control: Control) -> None:
        self._output = output
        self._size = size
        self._control = control
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None
        self._cut: Cut | None = None
        self._share = 0.0
        self._error: BaseException | None = None

    def close(self) -> None:
        """End the thread and its ffmpeg, if they still run."""
        self._closed.set()  # the watchdog kills ffmpeg within WATCH_S
        if self._thread is not None:
            self._thread.join()

    def start(self, cut: Cut) -> None:
        """Start to encode `cut`; a source with too many pixels is encoded by `finish` instead."""
        self._cut = cut
        if cut.source.probe.pixels <= BESIDE_PIXELS:
            self._thread = threading.Thread(target=self._run, args=(cut,), name="picture")
            self._thread.start()

    def finish(self, *, frames: int) -> Animation:
        """Wait for the animation, or encode it now if that did not start or took too much memory.

        Reports progress in the stage `picture` and verifies the file. Raises ConversionError.
        """
        assert self._cut is not None  # noqa: S101 - a GIF has at least two frames
        self._control.report("picture", self._share)
        if self._thread is not None:
            while self._thread.is_alive():
                self._thread.join(POLL_S)
                self._control.report("picture", self._share)
            self._control.check()
            if self._error is None:
                facts = verify_animation(
                    self._output, size=self._size, frames=frames, fps=self._cut.profile.fps
                )
                return Animation(path=self._output, facts=facts)
            if not isinstance(self._error, TooMuchMemoryError):
                raise self._error
        return make_animation(
            self._cut,
            self._output,
            size=self._size,
            frames=frames,
            control=self._control,
            report=lambda share: self._control.report("picture", share),
        )

    def _run(self, cut: Cut) -> None:
        try:
            encode_animation(
                cut,
                self._output,
                size=self._size,
                most_bytes=BESIDE_BYTES,
                control=self._control.also_canceled_by(self._closed.is_set),
                report=self._note,
            )
        except BaseException as error:  # raised in the caller's thread, by `finish`
            self._error = error

    def _note(self, share: float) -> None:
        self._share = share

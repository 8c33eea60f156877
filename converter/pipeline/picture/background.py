"""Encode an animation in a thread of its own while the caller encodes the GIF."""

import threading
from pathlib import Path

from converter.pipeline.control import Control
from converter.pipeline.picture.encode import Cut, TooMuchMemoryError, encode_animation
from converter.pipeline.picture.inspect import verify_animation
from converter.pipeline.picture.make import Animation, make_animation
from converter.pipeline.screen import Size

# Resident memory of the encoding ffmpeg beside a running GIF encoder and its decoder: a 1080p
# source takes 171 MB, and one of more pixels is not tried before the GIF is done.
BESIDE_BYTES = 200_000_000
BESIDE_PIXELS = 4_000_000
POLL_S = 0.2


class BackgroundEncoding:
    """Own one thread that encodes an animation; `close` ends it in any case.

    `start` may be called once, `finish` once after it. The thread has the control's deadline and
    cancel, and does not report progress itself.
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
        """Begin to encode `cut`, now or, where memory is short, in `finish`."""
        self._cut = cut
        if cut.source.probe.pixels <= BESIDE_PIXELS:
            self._thread = threading.Thread(target=self._run, args=(cut,), name="picture")
            self._thread.start()

    def finish(self, *, frames: int) -> Animation:
        """Wait for the animation, encode it now if it has not begun, and verify it.

        Reports progress in the stage `picture`. Raises ConversionError.
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

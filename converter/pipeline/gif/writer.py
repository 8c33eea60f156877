"""Write GIF89a blocks. Pillow's LZW, in C, runs in a thread while the next frame is encoded."""

import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import BinaryIO, Protocol

import numpy as np
from PIL import Image

from converter.pipeline.colours import Bytes

TRANSPARENT = 255
"""Index of unchanged pixels; palettes have up to 255 colours before it."""

TRAILER = b"\x3b"
_PILLOW_HEADER = 13 + 3 * 256  # bytes: logical screen and its 256-colour table
_ONE_PIXEL = b"\x02\x02\x44\x01\x00"  # LZW, code size 2: clear, index 0, end


class DeltaFrame(Protocol):
    """A frame's change (see encoder.py)."""

    @property
    def index(self) -> Bytes: ...
    @property
    def palette(self) -> Bytes: ...
    @property
    def left(self) -> int: ...
    @property
    def top(self) -> int: ...


def header(width: int, height: int) -> bytes:
    """Return the start of the file: a screen of width x height px, no global palette, endless loop.

    Sources: GIF89a, 17 and 18; the NETSCAPE2.0 application extension.

    >>> header(1280, 720)[:13]
    b'GIF89a\\x00\\x05\\xd0\\x02p\\x00\\x00'
    """
    screen = width.to_bytes(2, "little") + height.to_bytes(2, "little") + b"\x70\0\0"
    return b"GIF89a" + screen + b"\x21\xff\x0bNETSCAPE2.0\x03\x01\0\0\0"


def frame_block(delta: DeltaFrame, *, delay: int) -> bytes:
    """Return one frame (GIF89a, 20 to 23): control extension, descriptor, local palette, indices.

    delay: cs. Disposal 1 keeps the pixels on screen.
    """
    height, width = delta.index.shape
    if (height, width) == (1, 1) and delta.index[0, 0] == TRANSPARENT:
        transparent, flags, table, data = 0, 0x80, bytes(6), _ONE_PIXEL
    else:
        transparent, flags, data = TRANSPARENT, 0x87, compress(delta.index)
        table = delta.palette.tobytes().ljust(3 * 256, b"\0")
    control = b"\x21\xf9\x04\x05" + delay.to_bytes(2, "little") + bytes([transparent, 0])
    sizes = (delta.left, delta.top, width, height)
    place = b"".join(value.to_bytes(2, "little") for value in sizes)
    return control + b"\x2c" + place + bytes([flags]) + table + data


def compress(index: Bytes) -> bytes:
    """Return the LZW code size and data sub-blocks of indices (height, width) uint8.

    Pillow writes a one-frame file, from which the picture data is cut out. It is a real file,
    because Pillow then compresses without holding the GIL.
    """
    height, width = index.shape
    picture = Image.frombuffer("P", (width, height), np.ascontiguousarray(index), "raw", "P", 0, 1)
    picture.putpalette(bytes(768))
    with tempfile.TemporaryFile() as file:
        picture.save(file, "GIF", optimize=False, interlace=0)
        file.seek(0)
        data = file.read()
    at = _PILLOW_HEADER
    while data[at] == 0x21:  # an extension: label, then sub-blocks up to an empty one
        at += 2
        while data[at]:
            at += data[at] + 1
        at += 1
    return data[at + 10 : -1]


class FrameWriter:
    """Write a GIF to an open file, one frame behind; the `with` block ends the thread."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="lzw")
        self._pending: Future[bytes] | None = None
        self._started = False

    def __enter__(self) -> "FrameWriter":
        return self

    def add(self, delta: DeltaFrame, *, screen_size: tuple[int, ...], delay: int) -> None:
        """Append a frame; screen_size: (width, height) px, of which the first frame's counts."""
        if not self._started:
            self._file.write(header(screen_size[0], screen_size[1]))
            self._started = True
        self._flush()
        self._pending = self._thread.submit(frame_block, delta, delay=delay)

    def _flush(self) -> None:
        if self._pending is not None:
            self._file.write(self._pending.result())
            self._pending = None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._flush()
                self._file.write(TRAILER)
        finally:
            self._thread.shutdown()

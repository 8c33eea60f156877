"""Random GIF frames, and an independent model of what a decoder shows for them."""

import io
from collections.abc import Iterable

import numpy as np

from converter.pipeline.gif.encoder import DeltaFrame
from converter.pipeline.gif.writer import TRANSPARENT, FrameWriter

HEIGHT, WIDTH = 18, 21


def random_drawings(seed: int, count: int) -> tuple[list[DeltaFrame], list[np.ndarray]]:
    """Return `count` drawings and the (HEIGHT, WIDTH, 3) uint8 canvas after each of them."""
    rng = np.random.default_rng(seed)
    canvas, drawings, canvases = np.zeros((HEIGHT, WIDTH, 3), np.uint8), [], []
    for number in range(count):
        colours = rng.integers(0, 256, (rng.integers(1, 256), 3), dtype=np.uint8)
        top, left = (0, 0) if not number else (rng.integers(0, HEIGHT), rng.integers(0, WIDTH))
        high, wide = (HEIGHT, WIDTH) if not number else (HEIGHT - top, WIDTH - left)
        index = rng.integers(0, len(colours), (high, wide)).astype(np.uint8)
        if number:
            index[rng.random(index.shape) < rng.random()] = TRANSPARENT
        drawings.append(DeltaFrame(index, colours, int(left), int(top)))
        part = canvas[top : top + high, left : left + wide]
        part[index != TRANSPARENT] = colours[index[index != TRANSPARENT]]
        canvases.append(canvas.copy())
    return drawings, canvases


def written(drawings: Iterable[DeltaFrame]) -> bytes:
    """Return the GIF that FrameWriter makes of the drawings, 4 cs each."""
    file = io.BytesIO()
    with FrameWriter(file) as writer:
        for drawing in drawings:
            writer.add(drawing, screen_size=(WIDTH, HEIGHT), delay=4)
    return file.getvalue()

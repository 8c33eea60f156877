"""Mix a loop's overlap in ffmpeg: material and weights as raw files, and a filter graph.

It mixes by the same plan as loop/overlap.py, which mixes the GIF's frames.
"""

from pathlib import Path

import numpy as np

from converter.pipeline.loop.plan import LoopPlan
from converter.pipeline.screen import Size
from converter.pipeline.source.decode import Overlay

SETTINGS = "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709"


def write_weights(plan: LoopPlan, path: Path) -> None:
    """Write the material's weights as raw frames, one per frame of the loop: three 8-bit planes."""
    _, rows, columns = plan.weights.shape
    unmixed = np.zeros((3, rows, columns), np.uint8)
    with path.open("wb") as file:
        for number in range(plan.frames):
            place = number - plan.at
            is_mixed = 0 <= place < plan.overlap
            planes = np.repeat(plan.weights[place][None], 3, 0) if is_mixed else unmixed
            file.write(planes.tobytes())


def mixing_overlay(
    plan: LoopPlan, *, material: Path, weights: Path, size: Size, pixel_format: str, fps: int
) -> Overlay:
    """Return the inputs and the filter graph that mix in `material`, raw frames of `size` px."""
    _, rows, columns = plan.weights.shape
    width, height = size
    late = f"tpad=start={plan.at}:start_mode=clone," if plan.at else ""
    return Overlay(
        inputs=[
            *_raw_input(material, size=size, pixel_format=pixel_format, fps=fps),
            *_raw_input(weights, size=(columns, rows), pixel_format="yuv444p", fps=fps),
        ],
        graph=(
            f"[1:v]{late}{SETTINGS}[material];"
            f"[2:v]scale={width}:{height}:flags=bilinear,format={pixel_format},{SETTINGS}[weights];"
            f"[fitted][material][weights]maskedmerge,trim=end_frame={plan.frames}[mixed]"
        ),
    )


def _raw_input(path: Path, *, size: Size, pixel_format: str, fps: int) -> list[str]:
    """Return ffmpeg's options to read raw frames with a queue of one frame instead of eight."""
    shape = ["-pixel_format", pixel_format, "-video_size", f"{size[0]}x{size[1]}"]
    rate = ["-framerate", str(fps), "-thread_queue_size", "1"]
    return ["-f", "rawvideo", *shape, *rate, "-i", f"file:{path.resolve()}"]

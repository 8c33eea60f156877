"""Encode a part of a source as an animated AVIF. One confined ffmpeg decodes, fits and encodes it.

CONVERSION_SETTINGS.md has the measurements for the constants.
"""

import functools
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from converter.pipeline.capabilities import AVIF_ENCODER
from converter.pipeline.colours import RGB
from converter.pipeline.control import Control
from converter.pipeline.errors import ConversionError, OutputError
from converter.pipeline.ffmpeg import Ffmpeg, ffmpeg, resident_bytes
from converter.pipeline.loop.plan import MARGIN_S, LoopPlan
from converter.pipeline.picture.overlap import mixing_overlay, write_weights
from converter.pipeline.profile import ConversionProfile, Selection
from converter.pipeline.screen import Size
from converter.pipeline.source.decode import CHANGED, Overlay, decode_arguments
from converter.pipeline.source.probe import Probe
from converter.pipeline.source.source import Source

CRF, PRESET = 20, 11
# rtc with one level of prediction: low delay, few frames held. lp=2 writes the same file as lp=1,
# sooner, so that fewer frames wait before the encoder (162 MB for lp=1, 157 MB for lp=2).
# fast-decode: filters that cost the player less. variance-boost: bits for smooth areas.
SVT_PARAMS = "lp=2:rtc=1:hierarchical-levels=0:fast-decode=2:enable-variance-boost=1"
# 10 bits keep slow gradients smooth and colours twice as near, for 1.5 times the memory.
DEEP_PIXELS = 1920 * 1200
# Tone-mapping needs 12 bytes per pixel for several pictures at once. Larger HDR pictures are
# tone-mapped at this size and scaled up.
HDR_PIXELS = DEEP_PIXELS
KEY_FRAME_EVERY = 9999
# Limit for a file of ffmpeg. A loop's raw material takes up to 448 MB (36 frames of 3840x2160).
FILE_BYTES = 480 * 1024 * 1024
RAW = ["-c:v", "rawvideo", "-f", "rawvideo", "-y"]
# The encoder reserves far more address space than it uses; its resident memory is limited instead.
ADDRESS_BYTES = 4 * 1024 * 1024 * 1024
PROGRESS_S = 0.25
# Limit for the resident memory of the process tree, and the share of gunicorn's master process.
TREE_BYTES, MASTER_BYTES = 512 * 1024 * 1024, 40 * 1024 * 1024

Report = Callable[[float], None]


class TooMuchMemoryError(ConversionError):
    """The animation needs more memory than is available."""


@dataclass(frozen=True, kw_only=True)
class Cut:
    """The part of a source that becomes an animation."""

    source: Source
    profile: ConversionProfile
    selection: Selection
    border: RGB  # of the bars that `contain` adds
    loop: LoopPlan | None = None  # None: a cut


def left_bytes() -> int:
    """Return how many bytes of resident memory child processes may use."""
    return TREE_BYTES - MASTER_BYTES - resident_bytes(os.getpid())


def working_share(probe: Probe, size: Size) -> float:
    """Return the factor for the sides of `size` when decoding; below 1 for large HDR pictures."""
    return min(1.0, (HDR_PIXELS / (size[0] * size[1])) ** 0.5) if probe.is_hdr else 1.0


def _pixel_format(size: Size) -> str:
    return "yuv420p10le" if size[0] * size[1] <= DEEP_PIXELS else "yuv420p"


def _finish_filters(cut: Cut, *, size: Size, share: float) -> list[str]:
    """Return filters from a picture fitted at `share` to the encoder's format, with bars."""
    width, height = size
    contain = cut.selection.fit == "contain"
    sides = f"w={width}:h={height}"
    if contain:
        sides = f"w='min({width},round(iw/{share:.6f}))':h='min({height},round(ih/{share:.6f}))'"
    flags = "bicubic+accurate_rnd+full_chroma_int"
    bars = f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:color=0x{bytes(cut.border).hex()}"
    return [
        f"scale={sides}:out_color_matrix=bt709:out_range=tv:flags={flags}",
        f"format={_pixel_format(size)}",
        "setparams=range=tv:colorspace=bt709:color_primaries=bt709:color_trc=bt709",
        *([bars] if contain else []),
    ]


def _encode_arguments() -> list[str]:
    tags = ["-color_range", "tv", "-colorspace", "bt709"]
    tags += ["-color_primaries", "bt709", "-color_trc", "bt709"]
    rate = ["-preset", str(PRESET), "-crf", str(CRF), "-g", str(KEY_FRAME_EVERY)]
    svt = ["-svtav1-params", SVT_PARAMS]
    talk = ["-progress", "pipe:1", "-stats_period", str(PROGRESS_S)]
    return ["-c:v", AVIF_ENCODER, *rate, *svt, *tags, "-loop", "0", "-f", "avif", *talk]


def encode_animation(
    cut: Cut, output: Path, *, size: Size, most_bytes: int, control: Control, report: Report
) -> None:
    """Write the cut as an endless animated AVIF of `size` px; call `report` with the share done.

    The caller should check the file with `verify_animation`. Raises TooMuchMemoryError above
    `most_bytes` of resident memory, OutputError, and the exceptions of `control`.
    """
    run = functools.partial(_run, size=size, most_bytes=most_bytes, control=control)
    with tempfile.TemporaryDirectory(dir=output.parent) as folder:
        overlay = None
        if cut.loop is not None:
            material, weights = Path(folder) / "material", Path(folder) / "weights"
            write_weights(cut.loop, weights)
            run(_material_of(cut, cut.loop), [*RAW, f"file:{material.resolve()}"])
            overlay = mixing_overlay(
                cut.loop,
                material=material,
                weights=weights,
                size=size,
                pixel_format=_pixel_format(size),
                fps=cut.profile.fps,
            )
        target = ["-y", f"file:{output.resolve()}"]
        run(cut, [*_encode_arguments(), *target], overlay=overlay, report=report)


def _material_of(cut: Cut, loop: LoopPlan) -> Cut:
    """Return the cut with the frames to mix into the overlap."""
    start_s = cut.selection.start_s + loop.offset / cut.profile.fps
    return replace(
        cut,
        profile=replace(cut.profile, seconds=MARGIN_S),
        selection=replace(cut.selection, start_s=start_s),
    )


def _run(
    cut: Cut,
    output: Sequence[str],
    *,
    size: Size,
    most_bytes: int,
    control: Control,
    overlay: Overlay | None = None,
    report: Report = lambda share: None,
) -> None:
    """Decode the cut, fitted to `size` px, with ffmpeg's options `output` for the output file."""
    share = working_share(cut.source.probe, size)
    for is_changing in (False, True):
        decode = decode_arguments(
            cut.source,
            profile=replace(
                cut.profile, width=round(size[0] * share), height=round(size[1] * share)
            ),
            selection=cut.selection,
            finish=_finish_filters(cut, size=size, share=share),
            is_changing=is_changing,
            overlay=overlay,
        )
        until = None if is_changing else CHANGED
        with ffmpeg(
            [*decode, *output],
            control=control,
            file_bytes=FILE_BYTES,
            address_bytes=ADDRESS_BYTES,
            most_bytes=most_bytes,
            until=until,
        ) as child:
            _follow(child, frames=cut.profile.frames, report=report)
            status = child.wait()
            control.check()
            if child.is_too_large:
                raise TooMuchMemoryError(detail=f"{size} in more than {most_bytes} bytes")
            if until and child.says(until):
                continue
            if status != 0:
                raise OutputError(detail=child.errors())
            return


def _follow(child: Ffmpeg, *, frames: int, report: Report) -> None:
    """Report ffmpeg's `frame=12` lines as a share of `frames`, until its output ends."""
    for line in child.stdout:
        key, _, value = line.partition(b"=")
        if key == b"frame" and value.strip().isdigit():
            report(min(1.0, int(value) / frames))

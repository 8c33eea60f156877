"""A source's cut as one animated picture for a theme: one confined ffmpeg decodes, fits, encodes.

AV1 in AVIF where the ffmpeg at hand can write it, else WebP. CONVERSION_SETTINGS.md has the
measurements behind the numbers.
"""

from dataclasses import replace
from pathlib import Path

from converter.pipeline.control import Control
from converter.pipeline.errors import ConversionError, OutputError
from converter.pipeline.ffmpeg import Ffmpeg, ffmpeg
from converter.pipeline.picture.formats import ENCODERS, Format
from converter.pipeline.picture.inspect import AnimationFacts, verify_animation
from converter.pipeline.profile import ConversionProfile, Selection
from converter.pipeline.screen import Size
from converter.pipeline.source.decode import CHANGED, decode_arguments
from converter.pipeline.source.probe import Probe
from converter.pipeline.source.source import Source
from converter.pipeline.theme.colours import RGB

CRF, PRESET = 18, 11
# rtc: low delay, few frames held. One level of prediction and one thread hold the fewest.
SVT_PARAMS = "lp=1:rtc=1:hierarchical-levels=0"
# 10 bits keep slow gradients smooth and colours twice as near, for 1.5 times the memory.
DEEP_PIXELS = 1920 * 1200
# Tone-mapping works on 12 bytes a pixel, several pictures at once: done small, then scaled up.
HDR_PIXELS = DEEP_PIXELS
KEY_FRAME_EVERY = 9999
WEBP_QUALITY = 75
FILE_BYTES = 256 * 1024 * 1024
# The encoder reserves far more than it uses; what it uses is watched.
ADDRESS_BYTES = 4 * 1024 * 1024 * 1024
PROGRESS_S = 0.25


class TooMuchMemoryError(ConversionError):
    """The picture does not fit the memory that is left for it."""


def _working_share(probe: Probe, size: Size) -> float:
    """What share of the picture's sides to decode and fit at."""
    return min(1.0, (HDR_PIXELS / (size[0] * size[1])) ** 0.5) if probe.is_hdr else 1.0


def _finish_filters(
    form: Format, *, size: Size, share: float, selection: Selection, border: RGB
) -> list[str]:
    """Filters from a picture fitted at `share` to the encoder's pixels; `contain` gets its bars."""
    width, height = size
    sides = f"w='min({width},round(iw/{share:.6f}))':h='min({height},round(ih/{share:.6f}))'"
    if selection.fit == "cover":
        sides = f"w={width}:h={height}"
    # WebP knows no other matrix than BT.601, and takes no tag.
    matrix = "bt709" if form == "avif" else "smpte170m"
    pixels = "yuv420p10le" if form == "avif" and width * height <= DEEP_PIXELS else "yuv420p"
    flags = "bicubic+accurate_rnd+full_chroma_int"
    pad = f"pad={width}:{height}:(ow-iw)/2:(oh-ih)/2:color=0x{bytes(border).hex()}"
    return [
        f"scale={sides}:out_color_matrix={matrix}:out_range=tv:flags={flags}",
        f"format={pixels}",
        f"setparams=range=tv:colorspace={matrix}:color_primaries=bt709:color_trc=bt709",
        *([pad] if selection.fit == "contain" else []),
    ]


def _encode_arguments(form: Format) -> list[str]:
    if form == "webp":
        quality = ["-quality", str(WEBP_QUALITY), "-compression_level", "0"]
        return ["-c:v", ENCODERS[form], *quality, "-loop", "0", "-f", "webp"]
    tags = ["-color_range", "tv", "-colorspace", "bt709"]
    tags += ["-color_primaries", "bt709", "-color_trc", "bt709"]
    rate = ["-preset", str(PRESET), "-crf", str(CRF), "-g", str(KEY_FRAME_EVERY)]
    svt = ["-svtav1-params", SVT_PARAMS]
    return ["-c:v", ENCODERS[form], *rate, *svt, *tags, "-loop", "0", "-f", "avif"]


def encode_animation(
    source: Source,
    output: Path,
    *,
    form: Format,
    profile: ConversionProfile,
    selection: Selection,
    border: RGB,
    frames: int,
    most_bytes: int,
    control: Control,
    stage: tuple[float, float] = (0.0, 1.0),
) -> AnimationFacts:
    """Write the cut as an endless animation of the profile's size; what was read back from it.

    `frames` is how many the GIF got of the cut; `stage` is which part of the stage
    `theme` this is. Raises TooMuchMemoryError above `most_bytes` of memory, OutputError,
    and what `control` raises.
    """
    size = (profile.width, profile.height)
    share = _working_share(source.probe, size)
    for is_changing in (False, True):
        decode = decode_arguments(
            source,
            profile=replace(profile, width=round(size[0] * share), height=round(size[1] * share)),
            selection=selection,
            finish=_finish_filters(
                form, size=size, share=share, selection=selection, border=border
            ),
            is_changing=is_changing,
        )
        talk = ["-progress", "pipe:1", "-stats_period", str(PROGRESS_S)]
        until = None if is_changing else CHANGED
        with ffmpeg(
            [*decode, *_encode_arguments(form), *talk, "-y", f"file:{output.resolve()}"],
            control=control,
            file_bytes=FILE_BYTES,
            address_bytes=ADDRESS_BYTES,
            most_bytes=most_bytes,
            until=until,
        ) as child:
            _follow(child, profile=profile, control=control, stage=stage)
            status = child.wait()
            control.check()
            if child.is_too_large:
                raise TooMuchMemoryError(detail=f"{size} in more than {most_bytes} bytes")
            if until and child.says(until):
                continue
            if status != 0:
                raise OutputError(detail=child.errors())
            break
    return verify_animation(output, form=form, profile=profile, frames=frames)


def _follow(
    child: Ffmpeg, *, profile: ConversionProfile, control: Control, stage: tuple[float, float]
) -> None:
    """Pass ffmpeg's `frame=12` lines on as progress, to its end."""
    begin, end = stage
    for line in child.stdout:
        key, _, value = line.partition(b"=")
        if key == b"frame" and value.strip().isdigit():
            control.report("theme", begin + (end - begin) * int(value) / profile.frames)

"""THE pipeline: a video in, a verified GIF out; the view, the worker and the command call it."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from converter.pipeline.control import Control
from converter.pipeline.gif.encoder import encode_gif
from converter.pipeline.gif.inspect import GifFacts, verify_gif
from converter.pipeline.profile import (
    BACKGROUND,
    DEFAULT_QUALITY,
    ConversionProfile,
    Quality,
    Selection,
)
from converter.pipeline.source.decode import Frame, frames, open_clip
from converter.pipeline.source.source import Source


def convert_video(
    source: Source,
    output: Path,
    *,
    selection: Selection,
    control: Control,
    quality: Quality = DEFAULT_QUALITY,
    profile: ConversionProfile = BACKGROUND,
    see: Callable[[Frame], None] | None = None,
) -> GifFacts:
    """Convert the cut of `source` into the GIF `output` and return what was read back from it.

    `see` is called with each frame before it is encoded.
    Raises ConversionError; `output` is the caller's to remove then.
    """
    control.report("decode")
    with open_clip(source, profile=profile, selection=selection, control=control) as clip:
        pictures = _counted(
            frames(clip, control=control), profile=profile, control=control, see=see
        )
        written = encode_gif(pictures, output, fps=profile.fps, quality=quality)
    control.report("verify")
    return verify_gif(output, profile=profile, frames=written)


def _counted(
    pictures: Iterable[Frame],
    *,
    profile: ConversionProfile,
    control: Control,
    see: Callable[[Frame], None] | None,
) -> Iterator[Frame]:
    """The same pictures, shown to `see` and progress reported as each is asked for."""
    for number, picture in enumerate(pictures):
        control.report("encode", number / profile.frames)
        if see is not None:
            see(picture)
        yield picture

"""THE pipeline: a video in, a verified GIF out; the view, the worker and the command call it."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from converter.pipeline.control import Control
from converter.pipeline.encoder import encode_gif
from converter.pipeline.inspector import GifFacts, verify_gif
from converter.pipeline.probe import probe
from converter.pipeline.profile import CHROME_THEME, ConversionProfile, Framing, Quality
from converter.pipeline.sniff import sniff
from converter.pipeline.source import Frame, frames, open_clip


def convert_video(
    source: Path,
    output: Path,
    *,
    framing: Framing,
    control: Control,
    max_pixels: int,
    quality: Quality = "high",
    profile: ConversionProfile = CHROME_THEME,
    see: Callable[[Frame], None] = lambda frame: None,
) -> GifFacts:
    """Convert the cut of `source` into the GIF `output` and return what was read back from it.

    `see` is shown each frame before it is encoded.
    Raises ConversionError; `output` is the caller's to remove then.
    """
    control.at("decode")
    container = sniff(source)
    about = probe(source, container=container, max_pixels=max_pixels, control=control)
    with open_clip(
        source,
        probe=about,
        profile=profile,
        framing=framing,
        max_pixels=max_pixels,
        control=control,
    ) as clip:
        control.at("palette")
        pictures = _counted(
            frames(clip, control=control), profile=profile, control=control, see=see
        )
        written = encode_gif(pictures, output, fps=profile.fps, quality=quality)
    control.at("verify")
    return verify_gif(output, profile=profile, frames=written)


def _counted(
    pictures: Iterable[Frame],
    *,
    profile: ConversionProfile,
    control: Control,
    see: Callable[[Frame], None],
) -> Iterator[Frame]:
    """The same pictures, shown to `see` and progress reported as each is asked for."""
    for number, picture in enumerate(pictures):
        control.at("encode", number / profile.frames)
        see(picture)
        yield picture

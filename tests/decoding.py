"""The frames that the pipeline makes of a clip, without encoding them."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from converter.pipeline.control import Control
from converter.pipeline.probe import probe
from converter.pipeline.profile import ConversionProfile, Framing
from converter.pipeline.sniff import sniff
from converter.pipeline.source import Frame, frames, open_clip


@contextlib.contextmanager
def decoding(
    clip: Path,
    *,
    profile: ConversionProfile,
    framing: Framing | None = None,
    max_pixels: int = 1_000_000,
) -> Iterator[Iterator[Frame]]:
    """The clip's fitted frames, as the GIF's encoder is given them."""
    control = Control(timeout_s=60)
    with open_clip(
        clip,
        probe=probe(clip, container=sniff(clip), max_pixels=max_pixels, control=control),
        profile=profile,
        framing=framing or Framing(),
        max_pixels=max_pixels,
        control=control,
    ) as opened:
        yield frames(opened, control=control)

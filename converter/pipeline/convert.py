"""The pipeline: convert a video to a verified GIF. View, worker and command call it."""

import contextlib
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from converter.pipeline.control import Control
from converter.pipeline.errors import InputError
from converter.pipeline.gif.encoder import encode_gif
from converter.pipeline.gif.inspect import GifFacts, verify_gif
from converter.pipeline.loop.overlap import stored_overlap
from converter.pipeline.loop.plan import MARGIN_S, LoopPlan, plan_loop, small_profile
from converter.pipeline.profile import (
    BACKGROUND,
    DEFAULT_QUALITY,
    ConversionProfile,
    Quality,
    Selection,
)
from converter.pipeline.source.decode import Frame, frames, open_clip, read_pictures
from converter.pipeline.source.source import Source


def convert_video(
    source: Source,
    output: Path,
    *,
    selection: Selection,
    control: Control,
    quality: Quality = DEFAULT_QUALITY,
    profile: ConversionProfile = BACKGROUND,
    loop: LoopPlan | None = None,
    on_frame: Callable[[Frame], None] | None = None,
) -> GifFacts:
    """Convert the selection of `source` to the GIF `output`; return the facts read from the GIF.

    `loop` is what `plan_blend` returned. `on_frame` is called with each frame before it is encoded.
    Raises ConversionError; then the caller must remove `output`.
    """
    control.report("decode")
    with loop_frames(
        source,
        selection=selection,
        profile=profile,
        loop=loop,
        folder=output.parent,
        control=control,
    ) as shown:
        pictures = _counted(shown, profile=profile, control=control, on_frame=on_frame)
        written = encode_gif(pictures, output, fps=profile.fps, quality=quality)
    control.report("verify")
    return verify_gif(output, profile=profile, frames=written)


def plan_blend(
    source: Source,
    *,
    selection: Selection,
    control: Control,
    profile: ConversionProfile = BACKGROUND,
) -> LoopPlan | None:
    """Return a plan for blending the loop's end into its beginning, or None for a cut.

    Decodes the selection and MARGIN_S on either side, small. Raises what `control` raises.
    """
    small, (begin_s, _) = small_profile(profile), blend_reach(selection, profile)
    earlier = replace(selection, start_s=begin_s)
    lead = round((selection.start_s - begin_s) * profile.fps)
    pictures: list[Frame] = []
    try:
        with open_clip(source, profile=small, selection=earlier, control=control) as clip:
            shown = frames(clip, control=control)
            reach = lead + profile.frames + round(MARGIN_S * profile.fps)
            for picture in itertools.islice(shown, reach):
                pictures.append(picture)
                control.report("decode", len(pictures) / small.frames)
    except InputError:  # the conversion itself raises the error
        return None
    return plan_loop(pictures, lead=lead, profile=profile)


def blend_reach(selection: Selection, profile: ConversionProfile) -> tuple[float, float]:
    """Return from when, and for how long, a blend looks at the source, both in s.

    It begins whole eighths of a second before the selection, so that the frames of both decodes
    are the same.
    """
    lead_s = min(MARGIN_S, math.floor(selection.start_s * 8) / 8)
    return selection.start_s - lead_s, lead_s + profile.seconds + MARGIN_S


@contextlib.contextmanager
def loop_frames(
    source: Source,
    *,
    selection: Selection,
    profile: ConversionProfile,
    loop: LoopPlan | None,
    folder: Path,
    control: Control,
) -> Iterator[Iterator[Frame]]:
    """Open the source and yield the loop's frames, each (height, width, 3) uint8.

    `folder` holds the overlap's material until the block ends. Raises ConversionError.
    """
    with contextlib.ExitStack() as stack:
        mix = None
        if loop is not None:
            with _material(
                source, loop, selection=selection, profile=profile, control=control
            ) as pictures:
                mix = stack.enter_context(stored_overlap(loop, pictures, folder=folder)).mix
        clip = stack.enter_context(
            open_clip(source, profile=profile, selection=selection, control=control, mix=mix)
        )
        yield itertools.islice(frames(clip, control=control), loop.frames if loop else None)


@contextlib.contextmanager
def _material(
    source: Source,
    loop: LoopPlan,
    *,
    selection: Selection,
    profile: ConversionProfile,
    control: Control,
) -> Iterator[Iterator[Frame]]:
    """Open the source and yield the frames that the overlap is mixed with, without bars."""
    pictures = read_pictures(
        source,
        profile=replace(profile, seconds=MARGIN_S),
        selection=replace(selection, start_s=selection.start_s + loop.offset / profile.fps),
        control=control,
    )
    with contextlib.closing(pictures):
        yield itertools.islice(pictures, loop.overlap)


def _counted(
    pictures: Iterable[Frame],
    *,
    profile: ConversionProfile,
    control: Control,
    on_frame: Callable[[Frame], None] | None,
) -> Iterator[Frame]:
    """Yield the pictures; call `on_frame` and report progress for each."""
    for number, picture in enumerate(pictures):
        control.report("encode", number / profile.frames)
        if on_frame is not None:
            on_frame(picture)
        yield picture

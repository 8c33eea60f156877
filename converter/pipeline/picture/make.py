"""Make an animation of a cut: encode it, in a smaller size if memory is short, and verify it."""

from dataclasses import dataclass
from pathlib import Path

from converter.pipeline.control import Control
from converter.pipeline.picture.encode import (
    Cut,
    Report,
    TooMuchMemoryError,
    encode_animation,
    left_bytes,
)
from converter.pipeline.picture.inspect import AnimationFacts, verify_animation
from converter.pipeline.screen import Size, smaller

TRIES = 3


@dataclass(frozen=True, kw_only=True)
class Animation:
    """A verified animated AVIF at `path`."""

    path: Path
    facts: AnimationFacts

    @property
    def size(self) -> Size:
        """Return width and height in px."""
        return self.facts.width, self.facts.height


def make_animation(
    cut: Cut, output: Path, *, size: Size, frames: int, control: Control, report: Report
) -> Animation:
    """Write the cut's `frames` frames in `size` px, or in a smaller size if memory is short.

    Each of TRIES attempts has half the pixels of the one before. Calls `report` with the share
    done. Raises TooMuchMemoryError if all attempts fail, OutputError, and the exceptions of
    `control`.
    """
    for _ in range(TRIES):
        try:
            encode_animation(
                cut, output, size=size, most_bytes=left_bytes(), control=control, report=report
            )
        except TooMuchMemoryError:
            size = smaller(size)
        else:
            facts = verify_animation(output, size=size, frames=frames, fps=cut.profile.fps)
            return Animation(path=output, facts=facts)
    raise TooMuchMemoryError(detail=f"not even {size}")

"""Collect data for the extras of a conversion while the GIF is encoded."""

from pathlib import Path
from typing import Self

from converter.options import ConversionOptions
from converter.pipeline.control import Control
from converter.pipeline.loop.plan import LoopPlan
from converter.pipeline.picture.background import BackgroundEncoding
from converter.pipeline.picture.encode import Cut
from converter.pipeline.picture.make import Animation
from converter.pipeline.profile import BACKGROUND
from converter.pipeline.screen import Screen, chrome_picture_size, parse_screen
from converter.pipeline.source.decode import Frame
from converter.pipeline.source.source import Source
from converter.pipeline.theme.colours import FrameSampler, outer_colour


class Material:
    """The data that extras need; the `with` block ends the picture's encoder.

    `add_frame` gets each frame of the GIF; `frames` is their number. `picture` is set for the theme
    once the picture for Chrome has been made.
    """

    def __init__(
        self,
        source: Source,
        options: ConversionOptions,
        *,
        loop: LoopPlan | None,
        picture_path: Path,
        control: Control,
    ) -> None:
        self.options = options
        self.screen: Screen = parse_screen(options.screen)
        self.sampler = FrameSampler()
        self.encoding = BackgroundEncoding(
            picture_path, size=chrome_picture_size(self.screen), control=control
        )
        self.frames = 0
        self.picture: Animation | None = None
        self._source = source
        self._loop = loop
        self._cut: Cut | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.encoding.close()

    @property
    def cut(self) -> Cut:
        """Return the cut to encode, which is known from the first frame on."""
        assert self._cut is not None  # noqa: S101 - a GIF has at least two frames
        return self._cut

    def add_frame(self, frame: Frame) -> None:
        """Take the next frame of the GIF, (height, width, 3) uint8."""
        if self._cut is None:
            self._cut = Cut(
                source=self._source,
                profile=BACKGROUND,
                selection=self.options.selection,
                border=outer_colour(frame),
                loop=self._loop,
            )
            if self.options.picture:
                self.encoding.start(self._cut)
        if self.options.theme:
            self.sampler.add(frame)
        self.frames += 1

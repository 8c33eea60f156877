"""The picture for Chrome on a New Tab page, in a profile as "Upload an image" leaves it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from converter.pipeline.control import Control
from converter.pipeline.convert import convert_video
from converter.pipeline.picture.make import make_animation
from converter.pipeline.profile import Selection
from converter.pipeline.source.source import open_source
from tests.support.browser.newtab import new_tab, shot, upload, watch
from tests.support.themes import CLIP_SIZE, MAX_PIXELS, ONE_SECOND, cut_of, numbered_clip

pytestmark = pytest.mark.browser

FRAMES = 12  # 0.5 s: enough to see it move and start again


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return numbered_clip(tmp_path_factory.mktemp("clip") / "numbered.mp4", count=FRAMES)


def picture_of(clip: Path, folder: Path) -> Path:
    control = Control(timeout_s=100)
    output = folder / "chromi_background.png"
    # The clip's shape, so that the numbers stand where `watch` expects them.
    size = (CLIP_SIZE[0] * 2, CLIP_SIZE[1] * 2)
    make_animation(
        cut_of(clip), output, size=size, frames=FRAMES, control=control, report=lambda _: None
    )
    return output


def gif_of(clip: Path, folder: Path) -> Path:
    control = Control(timeout_s=100)
    source = open_source(clip, max_pixels=MAX_PIXELS, control=control)
    output = folder / "chromi_background.gif"
    convert_video(source, output, selection=Selection(), control=control, profile=ONE_SECOND)
    return output


@pytest.mark.parametrize(
    ("make", "shape", "scale"),
    [
        pytest.param(picture_of, CLIP_SIZE, 1, id="picture at 1", marks=pytest.mark.long),
        pytest.param(picture_of, CLIP_SIZE, 2, id="picture at 2"),
        pytest.param(gif_of, (16, 9), 1, id="GIF at 1"),
    ],
)
def test_a_new_tab_shows_the_upload_moving_looping_and_scaled_to_cover(
    playwright,
    chromium: str,
    clip: Path,
    tmp_path: Path,
    make: Callable[[Path, Path], Path],
    shape: tuple[int, int],
    scale: int,
) -> None:
    upload(make(clip, tmp_path), tmp_path / "profile")
    with new_tab(playwright, chromium, tmp_path / "profile", scale=scale) as page:
        height, width = shot(page).shape[:2]
        # The GIF shows the clip cropped to 16:9: as wide, so its width is the clip's.
        across = max(width, height * shape[0] / shape[1])
        seen = watch(page, drawn=(across, across * CLIP_SIZE[1] / CLIP_SIZE[0]))
    assert (seen.moves, seen.loops, seen.covers) == (True, True, True), seen

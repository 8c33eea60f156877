"""The theme in Chromium: what a New Tab page shows at each display scale."""

import base64
import functools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser

from converter.pipeline.control import Control
from converter.pipeline.convert import convert_video
from converter.pipeline.profile import Selection
from converter.pipeline.source.source import open_source
from converter.pipeline.theme.package import ThemeFacts
from tests.support.browser.newtab import NEAR, is_covered, new_tab, shot, watch
from tests.support.themes import (
    CLIP_SIZE,
    MAX_PIXELS,
    ONE_SECOND,
    from_frames,
    number_in,
    numbered_clip,
    shrink_second,
    theme_of,
    unpacked,
)

pytestmark = pytest.mark.browser

FRAMES = 12  # 0.5 s: enough to see it move and start again


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return numbered_clip(tmp_path_factory.mktemp("clip") / "numbered.mp4", count=FRAMES)


@pytest.fixture(scope="module")
def themes(
    clip: Path, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[float], tuple[ThemeFacts, Path]]:
    """Make the clip's theme for a screen of that scale, once; return its folder and its zip."""

    @functools.cache
    def theme(scale: float) -> tuple[ThemeFacts, Path]:
        archive = tmp_path_factory.mktemp("theme") / "theme.zip"
        with pytest.MonkeyPatch.context() as patch:
            if scale < 2:  # a test shows both pictures of the theme for scale 2
                shrink_second(patch)
            return theme_of(clip, archive, screen=f"1280x800@{scale}"), archive

    return theme


@pytest.mark.parametrize("scale", [1, pytest.param(1.5, marks=pytest.mark.long), 2])
def test_a_new_tab_animates_the_theme_and_is_covered_at_the_users_scale(
    playwright, chromium, themes, tmp_path, scale
):
    made, archive = themes(scale)
    theme = unpacked(archive, tmp_path / "theme")
    own = made.pictures[0 if scale <= 1 else 1]
    shrink = scale / (int(own.scale) / 100)
    with new_tab(playwright, chromium, tmp_path / "profile", theme=theme, scale=scale) as page:
        drawn = (own.width * shrink, own.height * shrink)
        seen = watch(page, drawn=drawn)
    assert (seen.moves, seen.loops, seen.covers) == (True, True, True), seen


@pytest.mark.long  # a property of Chromium; the zip's two pictures are tested in test_theme
def test_a_new_tab_at_scale_2_shows_nothing_without_the_second_picture(
    playwright, chromium, themes, tmp_path
):
    made, archive = themes(2)
    theme = unpacked(archive, tmp_path / "theme")
    manifest = json.loads((theme / "manifest.json").read_text())
    del manifest["theme"]["images"]["theme_ntp_background"]["200"]
    (theme / "manifest.json").write_text(json.dumps(manifest))
    own = made.pictures[1]
    with new_tab(playwright, chromium, tmp_path / "profile", theme=theme, scale=2) as page:
        page.wait_for_timeout(3000)
        picture = shot(page)
        height, width = picture.shape[:2]
        left, top = (width - own.width) / 2, (height - own.height) / 2
        assert number_in(picture, left=left, top=top, scale=own.width / CLIP_SIZE[0]) is None
        assert not is_covered(picture)


TAGS_709 = ("-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709")


@pytest.mark.parametrize("tags", [(), TAGS_709], ids=["untagged", "bt709"])
def test_the_theme_has_the_colours_of_the_gif(browser: Browser, tmp_path, monkeypatch, tags):
    shrink_second(monkeypatch)
    colours = [(r, g, b) for r in (30, 120, 220) for g in (40, 200) for b in (60, 180)]
    picture = np.zeros((90, 160 * len(colours) // 12, 3), np.uint8)
    width = picture.shape[1] // len(colours)
    for column, colour in enumerate(colours):
        picture[:, column * width : (column + 1) * width] = colour
    clip = from_frames(tmp_path / "patches.mp4", np.stack([picture] * 3), tags=tags)
    theme_of(clip, tmp_path / "theme.zip", screen="1280x720@1")
    theme = unpacked(tmp_path / "theme.zip", tmp_path / "theme")
    control = Control(timeout_s=60)
    convert_video(
        open_source(clip, max_pixels=MAX_PIXELS, control=control),
        tmp_path / "clip.gif",
        selection=Selection(),
        control=control,
        profile=ONE_SECOND,
    )
    files = {"avif": theme / "images/background.png", "gif": tmp_path / "clip.gif"}
    seen = {kind: painted(browser, kind, path) for kind, path in files.items()}
    for column in range(len(colours)):
        middle = slice(int((column + 0.3) * 1280 / 12), int((column + 0.7) * 1280 / 12))
        avif, gif = (seen[kind][200:500, middle].mean(axis=(0, 1)) for kind in ("avif", "gif"))
        assert np.abs(avif - gif).max() < NEAR, colours[column]


def painted(browser: Browser, kind: str, path: Path) -> np.ndarray:
    """Return the picture as Chromium paints it, 1280x720."""
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    source = f"data:image/{kind};base64,{base64.b64encode(path.read_bytes()).decode()}"
    page.set_content(f'<body style="margin:0"><img src="{source}">')
    page.evaluate("document.images[0].decode()")
    picture = shot(page)
    page.close()
    return picture

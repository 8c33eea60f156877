"""Chromium, driven by Playwright, and the real server."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from tests.support.browser.clips import portrait_clip, ramp_clip
from tests.support.browser.servers import Server, collect_static, serve
from tests.support.browser.switches import PAGE
from tests.support.browser.tabs import Tabs
from tests.support.ffmpeg import FEW_COLOURS
from tests.support.files import shared_folder
from tests.support.waiting import PATIENCE_S, eventually

INSTALL_S = 240  # enough for a slow mirror; less than pytest's timeout
# Tests of the page alone run in one process of pytest-xdist, those that convert in another: two
# Chromiums, two servers. Tests of New Tab pages start their own Chromium and need no server.
GROUPS = {
    "page": {
        "test_intake",
        "test_looks",
        "test_loops",
        "test_preview",
        "test_still_button",
        "test_trim",
    },
    "newtab": {
        "test_chrome_dialogs",
        "test_gif_in_chromium",
        "test_picture_in_chromium",
        "test_theme_in_chromium",
    },
}


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            kinds = (kind for kind, names in GROUPS.items() if item.path.stem in names)
            kind = next(kinds, "conversion")
            item.add_marker(pytest.mark.xdist_group(f"browser-{kind}"))


# Playwright's default of 5 s is too short for a busy machine; so were 20 s, in CI.
expect.set_options(timeout=PATIENCE_S * 1000)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the path of Chromium. Without Chromium the tests are skipped, or fail in CI.

    scripts/test may still be installing it, so wait for the installer first.
    """
    if installer := os.environ.get("CHROMIUM_INSTALLER"):
        eventually(lambda: not psutil.pid_exists(int(installer)), within_s=INSTALL_S)
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found:
        return found
    missing = "Chromium is missing: apt-get install chromium"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


# Playwright keeps an event loop running in this thread, in which Django refuses database access. No
# test uses a database.
@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(chromium: str, playwright: Playwright) -> Iterator[Browser]:
    """Start one browser for all tests of this process."""
    opened = playwright.chromium.launch(executable_path=chromium, args=PAGE)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def static_root(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Collect the static files once per test run."""
    folder = shared_folder(tmp_path_factory)
    collect_static(folder)
    return str(folder / "static")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, static_root: str) -> Iterator[Server]:
    """Run one server in inline mode for all tests."""
    with serve(tmp_path_factory.mktemp("inline"), STATIC_ROOT=static_root) as started:
        yield started


@pytest.fixture(scope="session")
def tabs(browser: Browser) -> Tabs:
    return Tabs(browser)


@pytest.fixture
def open_page(tabs: Tabs, server: Server) -> Iterator[Callable[..., Page]]:
    """Open a page: open_page(path, url=..., alone=..., **options of the browser context).

    Animations are off (they take half a core) unless the test passes MOVING. The test fails if the
    console has errors.
    """

    def opened(
        path: str = "/", *, url: str = server.url, alone: bool = False, **options: object
    ) -> Page:
        return tabs.open(path, url=url, alone=alone, options=options)

    yield opened
    assert tabs.leave() == []


@pytest.fixture(scope="session")
def ramp(clips: Callable[..., Path]) -> Path:
    """Return a clip of 10 s whose grey level is 16 + 20 t at t s."""
    return ramp_clip(clips, "ramp.mp4", seconds=10)


@pytest.fixture
def open_clip(open_page: object, tabs: Tabs, server: Server) -> Callable[..., Page]:
    """Return a page that has opened a clip longer than six seconds: open_clip(clip, theme=...).

    The page may be from an earlier test, so use it only if the test changes no more than the
    start. The fixture `open_page` cleans up for both.
    """

    def opened(clip: Path, *, theme: bool = False) -> Page:
        return tabs.open_clip(clip, url=server.url, theme=theme)

    return opened


@pytest.fixture
def editor(open_clip: Callable[..., Page], ramp: Path) -> Page:
    """Return a page that has opened the ramp."""
    return open_clip(ramp)


@pytest.fixture(scope="session")
def short_ramp(clips: Callable[..., Path]) -> Path:
    """Return the first 3 s of the ramp, all of which become the loop."""
    return ramp_clip(clips, "short-ramp.mp4", seconds=3)


@pytest.fixture(scope="session")
def moment(clips: Callable[..., Path]) -> Path:
    """Return a clip of 1 s (24 frames), for slow conversions."""
    source = f"{FEW_COLOURS}:d=1"
    return clips("moment.mp4", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p")


@pytest.fixture(scope="session")
def hevc(clips: Callable[..., Path]) -> Path:
    """Return the ramp as HEVC, which Debian's Chromium can't play."""
    codec = ("-c:v", "libx265", "-x265-params", "log-level=none")
    return ramp_clip(clips, "hevc.mov", *codec, seconds=10)


@pytest.fixture(scope="session")
def portrait(clips: Callable[..., Path]) -> Path:
    """Return an upright clip of 7 s: ten bands, dark at the top and light at the bottom."""
    return portrait_clip(clips, "portrait.mp4", seconds=7)


@pytest.fixture(scope="session")
def portrait_moment(clips: Callable[..., Path]) -> Path:
    """Return 1 s of the upright clip."""
    return portrait_clip(clips, "portrait-moment.mp4", seconds=1)


@pytest.fixture(scope="session")
def heavy(clips: Callable[..., Path]) -> Path:
    """Return a clip of 7 s of noise: slow to upload even when only six seconds are sent."""
    noise = "color=gray:s=640x360:r=10:d=7,noise=alls=100:allf=t"
    codec = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "10", "-pix_fmt", "yuv420p"]
    return clips("heavy.mp4", "-f", "lavfi", "-i", noise, *codec)

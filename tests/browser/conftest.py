"""Real Chromium through Playwright, against the real server."""

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
from tests.support.waiting import eventually

INSTALL_S = 240  # for the distribution's slowest mirror; below pytest's own timeout
# What needs the page alone, and what needs a conversion, each in one process of xdist: two
# Chromiums, two servers, and a module's tests share what they make.
PAGE_ALONE = {"test_intake", "test_looks", "test_preview", "test_trim"}


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            kind = "page" if item.path.stem in PAGE_ALONE else "conversion"
            item.add_marker(pytest.mark.xdist_group(f"browser-{kind}"))


# Playwright's own 5 s are too few for a machine that does other things as well.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where Chromium is; without it the tests are skipped, but in CI they fail.

    scripts/test may be installing it yet: what is there of it before the end does not start.
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


# While it lives this thread has a running event loop, in which Django would refuse a database. No
# test has one.
@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def browser(chromium: str, playwright: Playwright) -> Iterator[Browser]:
    """One for all the tests of this process."""
    opened = playwright.chromium.launch(executable_path=chromium, args=PAGE)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def static_root(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The collected static files, once a run."""
    folder = shared_folder(tmp_path_factory)
    collect_static(folder)
    return str(folder / "static")


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory, static_root: str) -> Iterator[Server]:
    """One server, converting inline, for all the tests."""
    with serve(tmp_path_factory.mktemp("inline"), STATIC_ROOT=static_root) as started:
        yield started


@pytest.fixture(scope="session")
def tabs(browser: Browser) -> Tabs:
    return Tabs(browser)


@pytest.fixture
def open_page(tabs: Tabs, server: Server) -> Iterator[Callable[..., Page]]:
    """Open the page: open_page(path, url=..., alone=..., then options of the context).

    It stands still unless the test asks for MOVING: what plays takes half a core. Nothing may be
    in its console.
    """

    def opened(
        path: str = "/", *, url: str = server.url, alone: bool = False, **options: object
    ) -> Page:
        return tabs.open(path, url=url, alone=alone, options=options)

    yield opened
    assert tabs.leave() == []


@pytest.fixture(scope="session")
def ramp(clips: Callable[..., Path]) -> Path:
    """Ten seconds whose brightness tells the time: grey 16 (of 255) and 20 more a second."""
    return ramp_clip(clips, "ramp.mp4", seconds=10)


@pytest.fixture
def open_clip(open_page: object, tabs: Tabs, server: Server) -> Callable[..., Page]:
    """A page that has opened a clip of more than six seconds: open_clip(clip, theme=...).

    Perhaps it was opened for an earlier test. For one that chooses no more than a start.
    `open_page` ends the test for both.
    """

    def opened(clip: Path, *, theme: bool = False) -> Page:
        return tabs.open_clip(clip, url=server.url, theme=theme)

    return opened


@pytest.fixture
def editor(open_clip: Callable[..., Page], ramp: Path) -> Page:
    """A page that has opened the ramp."""
    return open_clip(ramp)


@pytest.fixture(scope="session")
def short_ramp(clips: Callable[..., Path]) -> Path:
    """Its first three seconds, all of which become the loop."""
    return ramp_clip(clips, "short-ramp.mp4", seconds=3)


@pytest.fixture(scope="session")
def moment(clips: Callable[..., Path]) -> Path:
    """One second, for what costs too much to wait for six: 24 frames."""
    source = f"{FEW_COLOURS}:d=1"
    return clips("moment.mp4", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p")


@pytest.fixture(scope="session")
def hevc(clips: Callable[..., Path]) -> Path:
    """The same as HEVC, which Debian's Chromium does not play."""
    codec = ("-c:v", "libx265", "-x265-params", "log-level=none")
    return ramp_clip(clips, "hevc.mov", *codec, seconds=10)


@pytest.fixture(scope="session")
def portrait(clips: Callable[..., Path]) -> Path:
    """Seven seconds upright, in ten flat bands from dark to light, top to bottom."""
    return portrait_clip(clips, "portrait.mp4", seconds=7)


@pytest.fixture(scope="session")
def portrait_moment(clips: Callable[..., Path]) -> Path:
    """One second of the same."""
    return portrait_clip(clips, "portrait-moment.mp4", seconds=1)


@pytest.fixture(scope="session")
def heavy(ramp: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The ramp with 24 MB of nothing behind it (a `free` box): slow to upload, quick to convert."""
    size = 24_000_000
    path = tmp_path_factory.mktemp("heavy") / "heavy.mp4"
    path.write_bytes(ramp.read_bytes() + size.to_bytes(4, "big") + b"free" + bytes(size - 8))
    return path

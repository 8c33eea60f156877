"""Chromium's own ways to take our files, on a real desktop (Xvfb): the upload dialog and the drop.

Needs xvfb, openbox, xdotool, and for the drop python3-gi with gir1.2-gtk-3.0 from Debian.
"""

import contextlib
import json
import os
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, Playwright

from converter.pipeline.control import Control
from converter.pipeline.picture.make import make_animation
from tests.support.browser.servers import Server
from tests.support.browser.steps import button, choose, expect_done, save
from tests.support.themes import cut_of, numbered_clip, theme_of
from tests.support.waiting import eventually

pytestmark = [pytest.mark.browser, pytest.mark.long]

SCREEN = (1600, 1000)
TOOLS = ("Xvfb", "openbox", "xdotool")
# Where Chromium's side panel, which Playwright does not see, has its buttons in a window of that
# size, in px.
CHANGE_THEME, UPLOAD_AN_IMAGE = (1407, 417), (1448, 240)
PANEL_OPENS_S = 4
# Elements of Chromium's pages are in shadow roots.
CLICK = """(id) => {
    let found = null;
    const walk = (root) => {
        for (const element of root.querySelectorAll("*")) {
            if (element.shadowRoot) walk(element.shadowRoot);
            if (element.id === id) found = element;
        }
    };
    walk(document);
    found?.click();
    return Boolean(found);
}"""
DRAG_SOURCE = """
import sys
import gi
gi.require_version("Gtk", "3.0")
from gi.repository import Gdk, Gtk
window = Gtk.Window(title="dragsource")
window.set_default_size(120, 120)
box = Gtk.EventBox()
box.add(Gtk.Label(label="drag"))
window.add(box)
box.drag_source_set(Gdk.ModifierType.BUTTON1_MASK, [], Gdk.DragAction.COPY)
box.drag_source_add_uri_targets()
uri = "file://" + sys.argv[1]
box.connect("drag-data-get", lambda widget, context, data, info, at: data.set_uris([uri]))
window.show_all()
Gtk.main()
"""


@pytest.fixture(scope="module")
def desktop() -> Iterator[dict[str, str]]:
    """Start a screen with a window manager; return the environment of its programs."""
    if missing := [tool for tool in TOOLS if not shutil.which(tool)]:
        pytest.skip(f"Missing: {', '.join(missing)}")
    read, write = os.pipe()
    size = "x".join(map(str, SCREEN)) + "x24"
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", size]
    with subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL) as screen:
        os.close(write)
        with os.fdopen(read) as number:
            env = os.environ | {"DISPLAY": f":{number.readline().strip()}"}
        with subprocess.Popen(["openbox"], env=env, stderr=subprocess.DEVNULL) as manager:
            yield env
            manager.terminate()
        screen.terminate()


@contextlib.contextmanager
def chromium_on(
    desktop: dict[str, str], playwright: Playwright, chromium: str, profile: Path, *, size: str
) -> Iterator[BrowserContext]:
    """Open Chromium on the desktop, with a window of that size."""
    context = playwright.chromium.launch_persistent_context(
        profile,
        executable_path=chromium,
        headless=False,
        no_viewport=True,
        env=desktop,
        args=[
            *("--no-sandbox", "--no-first-run", "--lang=en"),
            *(f"--window-size={size}", "--window-position=0,0"),
        ],
        ignore_default_args=["--disable-extensions"],
    )
    yield context
    context.close()


def xdotool(desktop: dict[str, str], *arguments: str) -> list[str]:
    command = ["xdotool", *arguments]
    done = subprocess.run(command, env=desktop, capture_output=True, text=True, check=False)
    return done.stdout.split()


def drag(desktop: dict[str, str], path: list[tuple[int, int]]) -> None:
    """Press the mouse at the first point, move along the others and release it at the last."""
    for index, (x, y) in enumerate(path):
        xdotool(desktop, "mousemove", str(x), str(y))
        if index == 0:
            xdotool(desktop, "mousedown", "1")
        time.sleep(0.3)  # Chromium follows a drag by events of the real pointer
    xdotool(desktop, "mouseup", "1")


def click(page: Page, element: str) -> None:
    assert eventually(lambda: page.evaluate(CLICK, element)), element


def choose_in_dialog(desktop: dict[str, str], file: Path) -> None:
    """Choose the file in GTK's dialog once it is open."""
    dialog: list[str] = []
    search = ("search", "--onlyvisible", "--name", "^Open File$")
    assert eventually(lambda: bool(dialog.extend(xdotool(desktop, *search)) or dialog))
    xdotool(desktop, "key", "ctrl+l")
    time.sleep(1)  # GTK shows its name field, and then lists the folder
    xdotool(desktop, "type", "--delay", "12", str(file))
    time.sleep(2)
    lines = xdotool(desktop, "getwindowgeometry", "--shell", dialog[-1])
    place = {name: int(value) for name, value in (line.split("=") for line in lines)}
    # Its Open button is in the corner; Return in the name field would cancel.
    point_at(desktop, place["X"] + place["WIDTH"] - 55, place["Y"] + place["HEIGHT"] - 28)


def point_at(desktop: dict[str, str], x: int, y: int) -> None:
    """Click with the mouse at a point of the screen, in px."""
    xdotool(desktop, "mousemove", str(x), str(y))
    time.sleep(0.3)  # Chromium follows the real pointer
    xdotool(desktop, "click", "1")


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.rglob("*") if path.is_file()}


def is_moving(context: BrowserContext) -> bool:
    """Return whether the New Tab page changes at least three times."""
    page = context.new_page()
    page.goto("chrome://new-tab-page/")
    shots: set[bytes] = set()

    def changed() -> bool:
        shots.add(page.screenshot())
        return len(shots) > 3

    return bool(eventually(changed))


def picture_of(clip: Path, folder: Path) -> Path:
    output = folder / "chromi_background.png"
    control = Control(timeout_s=100)
    make_animation(
        cut_of(clip),
        output,
        size=(1280, 720),
        frames=24,
        control=control,
        report=lambda _: None,
    )
    return output


def test_the_upload_dialog_takes_the_picture_and_the_new_tab_page_plays_it(
    desktop, playwright, chromium, tmp_path: Path
) -> None:
    picture = picture_of(numbered_clip(tmp_path / "clip.mp4"), tmp_path)
    profile = tmp_path / "profile"
    held = profile / "Default" / "background.jpg"
    with chromium_on(desktop, playwright, chromium, profile, size="1600,1000") as context:
        page = context.new_page()
        page.goto("chrome://customize-chrome-side-panel.top-chrome/")
        click(page, "editThemeButton")
        click(page, "uploadImageTile")
        choose_in_dialog(desktop, picture)
        assert eventually(held.exists)
        assert is_moving(context)
    assert held.read_bytes() == picture.read_bytes()
    preferences = json.loads((profile / "Default" / "Preferences").read_text())
    assert preferences["ntp"]["custom_background_local_to_device"] is True


def test_a_newcomer_gets_from_a_clip_to_a_moving_new_tab_page_with_the_mouse(
    desktop, playwright, chromium, server: Server, clips, record_property, tmp_path: Path
) -> None:
    upright = ("-f", "lavfi", "-i", "testsrc2=s=180x320:r=24:d=7", "-pix_fmt", "yuv420p")
    clip, profile = clips("upright.mp4", *upright), tmp_path / "profile"
    held = profile / "Default" / "background.jpg"
    with chromium_on(desktop, playwright, chromium, profile, size="1600,1000") as context:
        (page,) = context.pages
        page.goto(server.url)
        choose(page, clip)
        button(page).click()
        expect_done(page)
        picture = save(page, tmp_path, "Save the picture for Chrome")
        saved = time.monotonic()
        tab = context.new_page()
        tab.goto("chrome://new-tab-page/")
        tab.locator("#customizeButton").click()
        time.sleep(PANEL_OPENS_S)
        point_at(desktop, *CHANGE_THEME)
        time.sleep(PANEL_OPENS_S)
        point_at(desktop, *UPLOAD_AN_IMAGE)
        choose_in_dialog(desktop, picture)
        assert eventually(held.exists)
        assert is_moving(context)
        record_property("seconds_from_saving_to_moving", time.monotonic() - saved)
    assert picture.name == "chromi_background.png"
    assert held.read_bytes() == picture.read_bytes()


def test_the_zip_dropped_on_the_extensions_page_installs_and_the_new_tab_page_plays_it(
    desktop, playwright, chromium, tmp_path: Path
) -> None:
    archive = tmp_path / "chromi_theme.zip"
    theme_of(numbered_clip(tmp_path / "clip.mp4"), archive, screen="1280x720@1")
    profile = tmp_path / "profile"
    with chromium_on(desktop, playwright, chromium, profile, size="1300,900") as context:
        page = context.new_page()
        page.goto("chrome://extensions/")
        page.evaluate("chrome.developerPrivate.updateProfileConfiguration({inDeveloperMode: true})")
        source = ["/usr/bin/python3", "-c", DRAG_SOURCE, str(archive)]
        with subprocess.Popen(source, env=desktop, stderr=subprocess.DEVNULL) as dragged:
            found: list[str] = []
            search = ("search", "--name", "^dragsource$")
            try:
                if not eventually(
                    lambda: bool(found.extend(xdotool(desktop, *search)) or found), within_s=20
                ):
                    pytest.skip("Missing: python3-gi, gir1.2-gtk-3.0")
                xdotool(desktop, "windowmove", found[-1], "1450", "300")
                time.sleep(1)
                way = [(1480, 500), (1450, 500), (1350, 500), (1200, 500), (900, 500), (690, 505)]
                drag(desktop, [(1500, 370), *way, (690, 500)])
                folder = profile / "Default" / "UnpackedExtensions"
                with zipfile.ZipFile(archive) as opened:
                    pictures = {Path(n).name for n in opened.namelist() if n.startswith("images/")}
                assert eventually(lambda: pictures <= names_in(folder))
            finally:
                dragged.terminate()
        assert is_moving(context)

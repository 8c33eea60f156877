"""Steps that a user takes on the page."""

import json
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Locator, Page, expect

from tests.support.files import files_in
from tests.support.waiting import PATIENCE_S, eventually

# For a page whose preview and background video play automatically.
MOVING = {"reduced_motion": "no-preference"}


def choose(page: Page, clip: Path, *, theme: bool = False) -> None:
    """Choose a file and wait for the editor; `theme` also requests a theme, which takes time."""
    page.set_input_files("[data-panel]:not([hidden]) input[type=file]", clip)
    expect(page.get_by_role("heading", name="Choose your six seconds")).to_be_focused()
    expect(button(page)).to_be_enabled()
    page.get_by_role("checkbox", name="Also make a Chrome theme").set_checked(theme)


def button(page: Page) -> Locator:
    return page.get_by_role("button", name="Make my background")


def window(page: Page) -> Locator:
    return page.get_by_role("slider", name="Start of the six seconds")


def time_field(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Start of the six seconds")


def start_of(page: Page) -> float:
    return float(window(page).get_attribute("aria-valuenow"))


def progress_line(page: Page) -> Locator:
    return page.locator('#panel-converting [data-part="line"]')


def expect_done(page: Page) -> None:
    ready = page.get_by_role("heading", name="Your background is ready")
    expect(ready).to_be_focused()


def save(page: Page, folder: Path, name: str = "Save the GIF") -> Path:
    """Click Save; return the path of the saved file."""
    with page.expect_download() as download:
        page.get_by_role("link", name=name).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def until(page: Page, condition: str, *, seconds: float = PATIENCE_S) -> None:
    """Poll until the JavaScript `condition` is true (page.wait_for_function needs unsafe-eval)."""
    deadline = time.monotonic() + seconds
    while not page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        page.wait_for_timeout(20)


def wait_until_empty(folder: Path) -> None:
    assert eventually(lambda: files_in(folder) == []), files_in(folder)


def first_frame(gif: Path) -> Image.Image:
    with Image.open(gif) as opened:
        return opened.convert("RGB")


def grey_of(gif: Path) -> int:
    """Return the grey level (0 to 255) in the middle of the first frame."""
    frame = first_frame(gif)
    return frame.getpixel((frame.width // 2, frame.height // 2))[0]


def sent_fields(page: Page, *names: str) -> list[str]:
    """Start a conversion, and return fields of its upload; the request doesn't reach the server."""
    refusal = {"success": False, "error": "Not now.", "code": "internal"}
    page.route("**/convert/", lambda route: route.fulfill(status=500, body=json.dumps(refusal)))
    with page.expect_request("**/convert/") as sent:
        button(page).click()
    expect(page.get_by_role("alert")).to_contain_text("Not now.")
    post = sent.value.post_data_buffer.decode("latin-1")
    return [field_of(post, name) for name in names]


def field_of(post: str, name: str) -> str:
    """Return a field of a multipart body."""
    return post.split(f'name="{name}"')[1].split("\r\n\r\n", 1)[1].split("\r\n", 1)[0]

"""Choose, drop and paste a file; each wrong file has its own message."""

import base64
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.steps import choose, window

pytestmark = pytest.mark.browser


def drag(page: Page, paths: list[Path], *, kinds: tuple[str, ...] = ()) -> None:
    """Drag files onto the page with the browser's input events, without dropping them."""
    client = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(path) for path in paths], "dragOperationsMask": 1}
    for kind in kinds or ("dragEnter", "dragOver", "drop"):
        client.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 600, "data": data})


def paste(page: Page, *, name: str = "", content: bytes = b"", text: str = "") -> None:
    page.evaluate(
        """([name, content, text]) => {
            const clipboardData = new DataTransfer();
            const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
            if (name) clipboardData.items.add(new File([bytes], name));
            if (text) clipboardData.setData("text/plain", text);
            document.body.dispatchEvent(
                new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
        }""",
        [name, base64.b64encode(content).decode(), text],
    )


def test_a_file_can_be_dropped_anywhere_on_the_page(open_page, ramp: Path) -> None:
    page = open_page()
    drag(page, [ramp], kinds=("dragEnter", "dragOver"))
    expect(page.get_by_text("Drop the file anywhere")).to_be_visible()
    drag(page, [ramp], kinds=("drop",))
    expect(page.get_by_text("Drop the file anywhere")).to_be_hidden()
    expect(window(page)).to_have_attribute(
        "aria-valuetext", "From 0 seconds to 6 seconds of 10 seconds"
    )


def test_the_drop_overlay_disappears_when_a_drag_leaves_the_page(open_page, ramp: Path) -> None:
    page = open_page()
    drag(page, [ramp], kinds=("dragEnter", "dragOver"))
    drag(page, [ramp], kinds=("dragCancel",))
    expect(page.get_by_text("Drop the file anywhere")).to_be_hidden()


def test_a_file_can_be_pasted(open_page, ramp: Path) -> None:
    page = open_page()
    paste(page, name="pasted.mp4", content=ramp.read_bytes())
    expect(page.get_by_text("pasted.mp4", exact=True)).to_be_visible()
    expect(window(page)).to_be_visible()


def test_another_file_can_be_chosen(open_page, ramp: Path, portrait: Path) -> None:
    page = open_page()
    choose(page, ramp)
    choose(page, portrait)
    expect(page.get_by_text("portrait.mp4", exact=True)).to_be_visible()


@pytest.fixture
def wrong(tmp_path: Path, ramp: Path) -> dict[str, list[Path]]:
    folder = tmp_path / "holiday"
    folder.mkdir()
    pdf, renamed, empty, huge = (
        tmp_path / name for name in ("report.pdf", "report.mp4", "empty.mov", "huge.gif")
    )
    pdf.write_bytes(b"%PDF-1.7")
    renamed.write_bytes(b"%PDF-1.7")
    empty.touch()
    with huge.open("wb") as sparse:
        sparse.truncate(143 * 1024 * 1024)
    return {
        "This is a folder. Drop the video file that is in it.": [folder],
        "These are 2 files. Chromi converts one video at a time.": [ramp, pdf],
        "Chromi can’t read “report.pdf”. Choose an MP4, MOV, WebM, or GIF file.": [pdf],
        "“report.mp4” is named like a video, but isn’t one. Choose another file.": [renamed],
        "“empty.mov” is empty. Choose another file.": [empty],
        "“huge.gif” has 143 MB; Chromi takes 100 MB. "
        "Trim it on your device or export it smaller.": [huge],
    }


def test_each_refused_file_has_its_own_message_and_changes_nothing_else(
    open_page: Callable[..., Page], wrong: dict[str, list[Path]]
) -> None:
    page = open_page()
    for sentence, paths in wrong.items():
        drag(page, paths)
        expect(page.get_by_role("alert")).to_have_text(sentence)
    paste(page, text="https://example.org/video.mp4")
    expect(page.get_by_role("alert")).to_have_text(
        "This is a link. Save the video to your device first, then drop the file here."
    )
    expect(page.get_by_role("heading", name="Your video, behind every new tab")).to_be_visible()

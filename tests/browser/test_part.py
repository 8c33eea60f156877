"""Files of any size: the page sends the part that the six seconds need."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Page, Request, expect

from tests.support.browser.servers import GIF_SIZE, Server
from tests.support.browser.steps import (
    button,
    choose,
    expect_done,
    save,
    time_field,
    wait_until_empty,
)
from tests.support.files import ROOT
from tests.support.parts import inflate, inflate_fragments, make_kind

pytestmark = pytest.mark.browser
GIB = 1 << 30
LARGE = 4_200_000_000
MOST_SENT = 40_000_000
CONVERT_S = 120


def sent_note(page: Page):
    return page.locator('#panel-edit [data-part="sent"]')


def renderers_mb() -> float:
    """Return the resident memory of this process's Chromium pages, in MB."""
    mb = 0.0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "--type=renderer" in process.cmdline():
                mb = max(mb, process.memory_info().rss / 1e6)
    return mb


def converted_by_command(clip: Path, folder: Path, start: str) -> bytes:
    """Return the GIF that `manage.py convert` makes of the whole file."""
    output = folder / "command.gif"
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.live_settings",
        "TEST_GIF": "{}x{}x6".format(*GIF_SIZE),
        "SECRET_KEY": "k" * 60,
        "MEDIA_ROOT": str(folder / "media"),
    }
    command = [sys.executable, "manage.py", "convert", str(clip), str(output), "--start", start]
    subprocess.run(command, check=True, cwd=ROOT, env=environment, timeout=CONVERT_S)
    return output.read_bytes()


def start_at(page: Page, clock: str) -> None:
    time_field(page).fill(clock)
    time_field(page).press("Enter")
    expect(time_field(page)).to_have_value(clock)


def watch_uploads(page: Page) -> list[Request]:
    """Return the list to which each upload is added when it begins."""
    uploads: list[Request] = []

    def add(request: Request) -> None:
        if request.method == "POST" and request.url.endswith("/convert/"):
            uploads.append(request)

    page.on("request", add)
    return uploads


def lengths_of(uploads: list[Request]) -> list[int]:
    return [int(request.all_headers()["content-length"]) for request in uploads]


def inflated(clips: Callable[..., Path], folder: Path, name: str) -> Path:
    path, target = make_kind(clips, name), folder / name
    if "fragments" in name:
        return inflate_fragments(path, target, extra=LARGE)
    return path if name.endswith(".webm") else inflate(path, target, extra=LARGE)


@pytest.mark.parametrize(
    "name",
    [
        "b_frames_edit_list.mp4",
        *(
            pytest.param(name, marks=pytest.mark.long)
            for name in (
                "hevc.mp4",
                "timecode.mov",
                "vfr.mp4",
                "turned.mp4",
                "vp9_alpha.webm",
                "relative_fragments.mp4",
            )
        ),
    ],
)
def test_a_file_of_4_gb_gives_the_gif_of_the_whole_file_without_being_read(
    open_page, clips, server: Server, tmp_path: Path, name: str
) -> None:
    clip = inflated(clips, tmp_path, name)
    page = open_page(alone=True)
    choose(page, clip)
    notes = set()
    for clock in ("0:00.000", "0:11.300") if clip.stat().st_size > GIB else ("0:11.300",):
        start_at(page, clock)
        page.wait_for_timeout(1500)
        notes.add(sent_note(page).inner_text())
    page.get_by_role("radio", name="Cut").check()  # as the command does by default
    if clip.stat().st_size > GIB:
        assert len(notes) == 2  # another start sends another part
        assert all(note.startswith("Only your six seconds are sent:") for note in notes)
        assert all(" of 3.9\u00a0GB." in note for note in notes)
    uploads = watch_uploads(page)
    button(page).click()
    expect_done(page)
    assert renderers_mb() < 1000  # not the 4 GB of the file; other pages of the browser count too
    (length,) = lengths_of(uploads)
    assert length < min(MOST_SENT, clip.stat().st_size)
    made = save(page, tmp_path).read_bytes()
    assert made == converted_by_command(clip, tmp_path, "00:00:11.300")
    wait_until_empty(server.media)


def test_a_file_that_can_be_sent_neither_in_part_nor_whole_is_refused(
    open_page, tmp_path: Path
) -> None:
    path = tmp_path / "odd.mp4"
    with path.open("wb") as file:
        file.write(b"\0\0\0\x10ftypisom\0\0\0\0")
        file.truncate(GIB * 2)
    page = open_page()
    page.set_input_files("[data-panel]:not([hidden]) input[type=file]", path)
    expect(page.get_by_role("alert")).to_have_text(
        "“odd.mp4” has 2\u00a0GB, and Chromi can’t take your six seconds out of this file. "
        "Whole files may have 100\u00a0MB: trim it on your device or export it smaller."
    )


def test_the_page_sends_the_whole_file_when_the_part_was_not_enough(
    open_page, clips, server: Server, tmp_path: Path
) -> None:
    """The server refuses a part of a file whose clusters the page was made to leave out."""
    page = open_page(alone=True)
    choose(page, make_kind(clips, "b_frames_edit_list.mp4"))
    start_at(page, "0:11.300")
    expect(sent_note(page)).to_contain_text("Only your six seconds are sent")
    page.evaluate(
        """() => {
            const append = FormData.prototype.append;
            FormData.prototype.append = function (name, value) {
                if (name === "layout") {
                    const { size, ranges } = JSON.parse(value);
                    const [offset, length] = ranges.pop();
                    // The movie box at the end, moved by one byte: it lacks its first.
                    ranges.push([offset, length]);
                    value = JSON.stringify({ size: size + 1, ranges });
                }
                append.call(this, name, value);
            };
        }"""
    )
    page.get_by_role("radio", name="Cut").check()  # a blend of six seconds takes longer
    uploads = watch_uploads(page)
    button(page).click()
    expect_done(page)
    part, whole = lengths_of(uploads)
    assert part < whole

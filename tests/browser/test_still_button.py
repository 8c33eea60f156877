"""What appears late in the editor does not move "Make my background" under the pointer."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.clips import ramp_clip
from tests.support.browser.steps import button, choose, progress_line, time_field, until

pytestmark = pytest.mark.browser

WIDTHS = [320, 360, 768, 1280]
# The button's place in the document. On phones its bar sticks to the window's bottom, which would
# hide that the form below it has moved.
PLACE = """() => {
    const bar = document.querySelector(".go");
    bar.style.position = "static";
    const top = bar.querySelector("button").getBoundingClientRect().top + scrollY;
    bar.style.position = "";
    return top;
}"""
# Every sentence that the loop's row and verdict can have.
TEXTS = """async () => {
    const { loops } = await import("/static/js/looptexts.js");
    const best = { start: 3599.958, verdict: "jump", ratio: 99 };
    const seams = [null, ...["well", "blend", "jump"].map((verdict) => ({ verdict }))];
    const states = seams.flatMap((seam) => ["cut", "blend"].flatMap((loop) =>
        [true, false].map((isLoopChosen) => ({ seam, loop, isLoopChosen }))));
    return {
        seamWord: states.map(loops.seam),
        found: ["", loops.hint, loops.here, loops.none],
        best: [loops.best(best, () => "1:59:59.958")],
    };
}"""
SEAM_WORD = "document.querySelector('[data-part=\"seamWord\"]')"
SET_TEXT = """([name, text]) => {
    const element = document.querySelector(`[data-part="${name}"]`);
    element.hidden = false;
    element.textContent = text;
}"""


@pytest.fixture
def moving_editor(open_page: Callable[..., Page], clips: Callable[..., Path]) -> Page:
    """Return a new page with a clip whose file is sent in part."""
    page = open_page(alone=True)
    choose(page, ramp_clip(clips, "long-ramp.mp4", "-g", "10", seconds=40))
    return page


def places(page: Page) -> dict[int, float]:
    """Return the button's place at each width, in px."""
    found = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 740})
        found[width] = page.evaluate(PLACE)
    return found


def text_of(page: Page, name: str) -> str:
    return page.locator(f'[data-part="{name}"]').inner_text()


def test_verdict_part_and_marks_do_not_move_the_button(moving_editor: Page) -> None:
    page = moving_editor
    until(page, "document.querySelector('[data-part=\"sent\"]').textContent !== ''")
    opened = places(page)
    time_field(page).fill("12")
    time_field(page).press("Enter")
    until(page, f"{SEAM_WORD}.textContent !== 'The end runs softly into the start.'")
    assert places(page) == opened
    page.get_by_role("button", name="Find the smoothest loop").click()
    expect(page.locator('[data-part="found"]')).not_to_have_text("Looks 2 s before and after")
    until(page, "!document.querySelector('[data-part=\"find\"]').ariaBusy")
    assert places(page) == opened


def test_no_text_of_loop_and_part_needs_more_room_than_it_has(moving_editor: Page) -> None:
    page = moving_editor
    texts = page.evaluate(TEXTS)
    texts["sent"] = ["", "Only your six seconds are sent: 100.9 MB of 1,234.5 GB."]
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 740})
        opened = page.evaluate(PLACE)
        for name, sentences in texts.items():
            for sentence in sentences:
                page.evaluate(SET_TEXT, [name, sentence])
                assert page.evaluate(PLACE) == opened, (width, name, sentence)
            page.evaluate(SET_TEXT, [name, ""])


# The narrowest and the widest layout; the test above measures the others.
@pytest.mark.parametrize("width", [WIDTHS[0], WIDTHS[-1]])
def test_a_click_is_not_lost_when_it_ends_a_complaint_about_the_time(
    moving_editor: Page, width: int
) -> None:
    page = moving_editor
    page.set_viewport_size({"width": width, "height": 740})
    time_field(page).fill("half past")
    time_field(page).press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("That time isn’t valid.")
    time_field(page).press("Control+a")
    page.keyboard.type("0:03")
    page.route("**/convert/", lambda route: None)
    button(page).click()
    expect(progress_line(page)).to_be_visible()

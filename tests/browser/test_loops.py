"""Find the smoothest loop near a start, choose between cut and blend, and check the seam."""

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.support.browser.steps import (
    button,
    choose,
    progress_line,
    sent_fields,
    start_of,
    time_field,
    until,
    window,
)
from tests.support.themes import from_frames
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser
FPS, SECONDS, SIZE = 24, 10, (320, 180)
MEASURED = re.compile("loops well|would show")
CLOSES_AT_S = 1.0  # the only start whose picture comes back six seconds later


@pytest.fixture(scope="session")
def closing_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clip in which a disc moves, and after 6.5 s twice as fast over the same way."""
    width, height = SIZE
    y, x = np.mgrid[:height, :width]
    frames = np.full((FPS * SECONDS, height, width, 3), 60, np.uint8)
    for number, frame in enumerate(frames):
        t = number / FPS
        way = 30 + 25 * t if t < 6.5 else 30 + 25 * (CLOSES_AT_S + 2 * (t - 6 - CLOSES_AT_S))
        frame[(x - way) ** 2 + (y - 60 - way / 4) ** 2 < 1600] = (230, 200, 90)
    return from_frames(tmp_path_factory.mktemp("loops") / "closing.mp4", frames)


@pytest.fixture
def editor(open_page: Callable[..., Page], closing_clip: Path) -> Page:
    page = open_page(alone=True)
    choose(page, closing_clip)
    return page


def find(page: Page) -> Locator:
    return page.get_by_role("button", name="Find the smoothest loop")


def seam_word(page: Page) -> Locator:
    return page.locator('[data-part="seamWord"]')


def loop_choice(page: Page, name: str) -> Locator:
    return page.get_by_role("group", name="From the end to the start").get_by_label(name)


def test_the_page_blends_if_a_cut_would_be_visible_and_says_so(editor: Page) -> None:
    expect(seam_word(editor)).to_have_text("A cut would show here, so the loop is blended.")
    expect(loop_choice(editor, "Blend softly")).to_be_checked()
    assert sent_fields(editor, "loop") == ["blend"]


def test_a_users_choice_replaces_the_pages_choice_permanently(editor: Page) -> None:
    expect(seam_word(editor)).to_contain_text("A cut would show here")
    loop_choice(editor, "Cut").check()
    expect(seam_word(editor)).to_contain_text("“Blend softly” softens it.")
    time_field(editor).fill("2")
    time_field(editor).press("Enter")
    expect(seam_word(editor)).to_contain_text("A cut would show here")
    assert sent_fields(editor, "loop") == ["cut"]


def test_the_smoothest_start_is_found_by_keyboard_and_announced(editor: Page) -> None:
    find(editor).focus()
    editor.keyboard.press("Enter")
    best = editor.get_by_role("button", name="Smoothest nearby")
    expect(best).to_be_focused()
    expect(editor.locator("#status")).to_contain_text("Smoothest nearby")
    assert editor.locator(".strip-mark").count() >= 1
    editor.keyboard.press("Enter")
    assert start_of(editor) == pytest.approx(CLOSES_AT_S, abs=0.25)
    expect(window(editor)).to_be_focused()
    expect(editor.get_by_text("This start is the smoothest nearby")).to_be_visible()


def test_a_start_that_loops_well_is_cut(editor: Page) -> None:
    def loops_well() -> bool:
        for start in (0, CLOSES_AT_S + 1 / FPS):
            time_field(editor).fill(str(start))
            time_field(editor).press("Enter")
        expect(seam_word(editor)).to_have_text(MEASURED)
        return seam_word(editor).inner_text() == "This start loops well: a cut doesn’t show."

    assert eventually(loops_well)  # on a busy machine Chromium skips frames
    expect(loop_choice(editor, "Cut")).to_be_checked()
    assert sent_fields(editor, "loop") == ["cut"]


# Videos that the page creates from now on do not load.
NO_MORE_CLIPS = """() => {
    const create = document.createElement.bind(document);
    document.createElement = (name) => {
        const element = create(name);
        if (name === "video") Object.defineProperty(element, "src", { set() {} });
        return element;
    };
}"""
NO_DEADLINE = "AbortSignal.timeout = () => new AbortController().signal"
SEARCH_MS = 10_000  # 3 s on a busy machine; without an end a search waits 15 s for a clip


def expect_no_search(page: Page) -> None:
    expect(page.locator('[data-part="find"]')).not_to_have_attribute(
        "aria-busy", "true", timeout=SEARCH_MS
    )


def test_a_search_ends_after_three_seconds_although_the_clip_does_not_load(editor: Page) -> None:
    editor.evaluate(NO_MORE_CLIPS)
    find(editor).click()
    expect_no_search(editor)
    expect(editor.locator("#status")).to_have_text("No smoother start was found nearby.")


def test_a_search_ends_when_the_conversion_starts(editor: Page) -> None:
    editor.evaluate(NO_MORE_CLIPS)
    editor.evaluate(NO_DEADLINE)
    editor.route("**/convert/", lambda route: None)
    find(editor).click()
    button(editor).click()
    expect(progress_line(editor)).to_be_visible()
    expect_no_search(editor)


def test_checking_the_seam_of_a_blend_shows_both_pictures_at_once(editor: Page) -> None:
    editor.get_by_role("button", name="Check the seam").click()
    until(editor, "document.querySelectorAll('video[data-fading]').length === 1")
    until(
        editor,
        """(() => {
            const shown = [...document.querySelectorAll(".mock-turn")];
            return shown.some(({ style }) => style.opacity > 0.05 && style.opacity < 0.95);
        })()""",
    )
    until(editor, "document.querySelectorAll('video[data-fading]').length === 0")
    expect(editor.get_by_text("Simplified: the result blends")).to_be_visible()
    loop_choice(editor, "Cut").check()
    until(editor, "document.querySelector('[data-part=\"cut\"]').hidden === false")
    expect(editor.get_by_text("Simplified: the result blends")).to_be_hidden()
    assert editor.evaluate("document.querySelectorAll('video[data-fading]').length") == 0

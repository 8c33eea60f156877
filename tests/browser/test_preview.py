"""The preview behind the mock-up of a New Tab page: playback, crop and colours."""

import itertools
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.steps import (
    MOVING,
    choose,
    sent_fields,
    start_of,
    time_field,
    until,
)

pytestmark = pytest.mark.browser
FRAME_S = 1 / 24


@pytest.fixture
def moving_editor(open_page: Callable[..., Page], ramp: Path) -> Page:
    page = open_page(**MOVING)
    choose(page, ramp)
    return page


def playing(page: Page) -> dict[str, float]:
    """Return the preview's position in s and whether it plays."""
    return page.evaluate(
        """() => {
            const video = document.querySelector("video[data-active]");
            return { now: video.currentTime, paused: video.paused };
        }"""
    )


def test_the_preview_loops_over_exactly_the_selection(moving_editor: Page) -> None:
    moving_editor.get_by_role("button", name="Pause").click()
    time_field(moving_editor).fill("3")
    time_field(moving_editor).press("Enter")
    assert playing(moving_editor) == {"now": 3, "paused": True}
    moving_editor.get_by_role("button", name="Play").click()
    moving_editor.evaluate("document.querySelector('video[data-active]').currentTime = 7.5")
    seen = moving_editor.evaluate(
        """() => new Promise((resolve) => {
            const seen = [];
            const until = performance.now() + 60_000;
            const isBack = () => seen.some(([, time], at) => at && time < seen[at - 1][1] - 5);
            (function look() {
                const video = document.querySelector("video[data-active]");
                if (!video.seeking) seen.push([performance.now() / 1000, video.currentTime]);
                if (performance.now() < until && !isBack()) requestAnimationFrame(look);
                else resolve(seen);
            })();
        })"""
    )
    times = [time for _, time in seen]
    # On a busy machine both this check and the loop run only as often as frames are drawn.
    pause = max(later - earlier for (earlier, _), (later, _) in itertools.pairwise(seen))
    slack = max(4 * FRAME_S, 2 * pause)
    assert min(times) >= 3 - FRAME_S
    assert 9 - slack <= max(times) <= 9 + slack
    assert 3 - FRAME_S <= times[-1] <= 3 + slack


def test_start_here_moves_the_start_to_the_playhead(moving_editor: Page) -> None:
    until(moving_editor, "document.querySelector('video[data-active]').currentTime > 1")
    moving_editor.get_by_role("button", name="Pause").click()
    now = playing(moving_editor)["now"]
    moving_editor.get_by_role("button", name="Start at this frame").click()
    assert start_of(moving_editor) == pytest.approx(now, abs=0.002)


def test_the_seam_plays_the_last_and_the_first_second(moving_editor: Page) -> None:
    moving_editor.get_by_role("radio", name="Cut").check()  # a blend has another label
    seam = moving_editor.get_by_role("button", name="Check the seam")
    seam.click()
    expect(seam).to_have_attribute("aria-pressed", "true")
    until(moving_editor, "document.querySelector('video[data-active]').currentTime >= 5")
    until(moving_editor, "document.querySelector('video[data-active]').currentTime < 1")
    expect(moving_editor.get_by_text("end → start")).to_be_visible()
    until(moving_editor, "document.querySelector('video[data-active]').currentTime >= 5")
    seam.click()
    expect(seam).to_have_attribute("aria-pressed", "false")


def test_the_mock_up_can_be_light_dark_or_hidden(editor: Page) -> None:
    mockup = editor.locator("#mockup")
    editor.get_by_role("button", name="Dark page").click()
    expect(mockup).to_have_attribute("data-scheme", "dark")
    editor.get_by_role("button", name="Light page").click()
    expect(mockup).to_have_attribute("data-scheme", "light")
    editor.get_by_role("button", name="Hide page").click()
    expect(editor.locator('[data-part="newtab"]')).to_be_hidden()
    editor.get_by_role("button", name="Show page").click()
    expect(editor.locator('[data-part="newtab"]')).to_be_visible()


def test_the_focus_of_an_upright_clip_is_set_by_drag_key_or_click(
    open_page: Callable[..., Page], portrait: Path
) -> None:
    page = open_page()
    choose(page, portrait)
    slider = page.get_by_role("slider", name="Visible part of the picture")
    expect(slider).to_have_attribute("aria-valuetext", "50 % from the top")
    slider.focus()
    page.keyboard.press("Shift+ArrowDown")
    expect(slider).to_have_attribute("aria-valuenow", "60")
    page.get_by_role("button", name="Top").click()
    expect(slider).to_have_attribute("aria-valuenow", "0")
    box = slider.bounding_box()
    page.mouse.move(box["x"] + 100, box["y"] + 300)
    page.mouse.down()
    overhang = (320 / 180) * (1280 / 720) - 1
    page.mouse.move(box["x"] + 100, box["y"] + 300 - box["height"] * overhang / 4, steps=5)
    page.mouse.up()
    expect(slider).to_have_attribute("aria-valuenow", "25")
    fit, focus_x, focus_y = sent_fields(page, "fit", "focus_x", "focus_y")
    assert (fit, focus_x, float(focus_y)) == ("cover", "0.5", pytest.approx(0.25, abs=0.005))


def test_contain_has_no_focus_control(open_page: Callable[..., Page], portrait: Path) -> None:
    page = open_page()
    choose(page, portrait)
    page.get_by_role("radio", name="Show all of it").check()
    expect(page.get_by_role("slider", name="Visible part of the picture")).to_be_hidden()
    page.get_by_role("radio", name="Half the size").check()
    assert sent_fields(page, "fit", "quality") == ["contain", "small"]


def test_nothing_plays_by_itself_with_reduced_motion(
    open_page: Callable[..., Page], ramp: Path
) -> None:
    page = open_page()
    expect(page.locator('[data-part="decoration"]')).not_to_have_attribute("src", re.compile("."))
    choose(page, ramp)
    assert playing(page) == {"now": 0, "paused": True}
    page.get_by_role("button", name="Play").click()
    until(page, "document.querySelector('video[data-active]').currentTime > 0.5")


def test_the_background_video_can_be_paused_and_is_absent_on_small_screens(
    open_page: Callable[..., Page],
) -> None:
    page = open_page(**MOVING)
    until(page, "document.querySelector('[data-part=\"decoration\"]').currentTime > 0")
    page.get_by_role("button", name="Pause").click()
    assert page.locator('[data-part="decoration"]').evaluate("video => video.paused")
    small = open_page(**MOVING, viewport={"width": 360, "height": 740})
    expect(small.get_by_role("button", name="Play")).to_be_visible()
    expect(small.locator('[data-part="decoration"]')).to_be_hidden()


def test_a_16_to_9_clip_has_no_fit_control(editor: Page) -> None:
    expect(editor.get_by_text("Fill the screen")).to_be_hidden()
    expect(editor.get_by_role("slider", name="Visible part of the picture")).to_be_hidden()


def test_the_mock_up_has_the_colours_of_the_chosen_seconds(
    open_page: Callable[..., Page], clips: Callable[..., Path]
) -> None:
    red_then_blue = clips(
        "two.mp4", "-f", "lavfi", "-i",
        "color=0xC02020:s=320x180:r=24:d=7,drawbox=c=0x2030C0:t=fill:enable='gte(t,1)'",
        "-preset", "ultrafast", "-g", "12", "-pix_fmt", "yuv420p",
    )  # fmt: skip
    frame = "document.querySelector('#mockup').style.getPropertyValue('--mock-frame')"
    is_blue = f"(([r, g, b]) => b > r)({frame}.match(/\\d+/g)?.map(Number) ?? [])"
    page = open_page()
    choose(page, red_then_blue)
    until(page, is_blue)  # the clip's first frame is red, the selected six seconds are blue


def test_the_mock_up_is_dark_with_a_dark_colour_scheme(open_page: Callable[..., Page]) -> None:
    page = open_page(color_scheme="dark")
    expect(page.locator("#mockup")).to_have_attribute("data-scheme", "dark")
    expect(page.get_by_role("button", name="Light page")).to_be_visible()


def test_the_background_video_is_not_loaded_with_save_data(open_page: Callable[..., Page]) -> None:
    page = open_page(**MOVING, alone=True)
    page.add_init_script(
        "Object.defineProperty(navigator.connection, 'saveData', { get: () => true })"
    )
    page.reload()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    expect(page.locator('[data-part="decoration"]')).not_to_have_attribute("src", re.compile("."))


def test_the_preview_buttons_fit_in_one_row_on_the_smallest_screen(
    open_page: Callable[..., Page], portrait: Path
) -> None:
    page = open_page(**MOVING, viewport={"width": 320, "height": 640})
    choose(page, portrait)
    names = ["Pause", "Check the seam", "Dark page", "Hide page"]
    tools = [page.get_by_role("button", name=name).bounding_box() for name in names]
    assert {tool["y"] for tool in tools} == {tools[0]["y"]}

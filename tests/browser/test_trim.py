"""The mock-up and the window of six seconds, by mouse and by keyboard."""

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.steps import (
    MOVING,
    button,
    choose,
    field_of,
    start_of,
    time_field,
    until,
    window,
)
from tests.conftest import eventually

pytestmark = pytest.mark.browser

FRAME_S = 1 / 24
# The colour in the middle of each of the film strip's twelve pictures; black before it is drawn.
FILM = """() => {
    const film = document.querySelector('[data-part="film"]');
    const context = film.getContext("2d");
    return Array.from({ length: 12 }, (_, index) => {
        if (!film.width) return [0, 0, 0];
        const x = ((index + 0.5) / 12) * film.width;
        return [...context.getImageData(x, film.height / 2, 1, 1).data.slice(0, 3)];
    });
}"""


@pytest.fixture
def editor(open_page: Callable[..., Page], ramp: Path) -> Page:
    page = open_page()
    choose(page, ramp)
    return page


@pytest.fixture
def moving_editor(open_page: Callable[..., Page], ramp: Path) -> Page:
    page = open_page(**MOVING)
    choose(page, ramp)
    return page


def sent_fields(page: Page, *names: str) -> list[str]:
    """Press the button; the fields of the upload, which goes no further than the browser."""
    refusal = {"success": False, "error": "Not now.", "code": "internal"}
    page.route("**/convert/", lambda route: route.fulfill(status=500, body=json.dumps(refusal)))
    with page.expect_request("**/convert/") as sent:
        button(page).click()
    expect(page.get_by_role("alert")).to_contain_text("Not now.")
    post = sent.value.post_data_buffer.decode("latin-1")
    return [field_of(post, name) for name in names]


def playing(page: Page) -> dict[str, float]:
    """Where the preview is, in seconds, and whether it moves."""
    return page.evaluate(
        """() => {
            const video = document.querySelector("video[data-active]");
            return { now: video.currentTime, paused: video.paused };
        }"""
    )


def test_keys_move_the_window_by_frames_seconds_and_ends(editor: Page) -> None:
    window(editor).focus()
    for keys, start in [
        (["ArrowRight"], FRAME_S),
        (["ArrowLeft"], 0),
        (["ArrowLeft"], 0),
        (["Shift+ArrowRight", "Shift+ArrowRight", "ArrowLeft"], 2 - FRAME_S),
        (["PageUp"], 4),
        (["PageDown"], 0),
        (["End"], 4),
        (["ArrowRight"], 4),
        (["Home"], 0),
    ]:
        for key in keys:
            editor.keyboard.press(key)
        assert start_of(editor) == pytest.approx(start, abs=0.002), keys


def test_the_keyboards_start_is_sent_in_thousandths(editor: Page) -> None:
    window(editor).focus()
    for key in ["Shift+ArrowRight", "Shift+ArrowRight", "ArrowRight"]:
        editor.keyboard.press(key)
    expect(time_field(editor)).to_have_value("0:02.042")
    assert sent_fields(editor, "start_time") == ["00:00:02.042"]


def test_the_window_is_dragged_and_the_drags_start_is_sent(editor: Page) -> None:
    box = window(editor).bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    editor.mouse.move(x, y)
    editor.mouse.down()
    editor.mouse.move(x + box["width"] / 6, y, steps=4)  # a sixth of six seconds
    editor.mouse.up()
    assert start_of(editor) == pytest.approx(1, abs=0.02)
    editor.mouse.move(x, y)
    editor.mouse.down()
    editor.mouse.move(x + 5000, y, steps=3)
    editor.mouse.up()
    assert start_of(editor) == 4
    assert sent_fields(editor, "start_time") == ["00:00:04.000"]


def test_a_click_beside_the_window_brings_it_there(editor: Page) -> None:
    strip = editor.locator('[data-part="strip"]')
    strip.click(position={"x": strip.bounding_box()["width"] * 0.6, "y": 20})
    assert start_of(editor) == pytest.approx(3, abs=0.02)


def test_a_typed_time_is_taken_clamped_or_refused(editor: Page) -> None:
    for typed, start in [("2.5", 2.5), ("0:03,125", 3.125), ("1:00", 4), ("00:00:01.001", 1.001)]:
        time_field(editor).fill(typed)
        time_field(editor).press("Enter")
        assert start_of(editor) == pytest.approx(start, abs=0.0005), typed
    time_field(editor).fill("half past")
    time_field(editor).press("Tab")
    expect(editor.get_by_role("alert")).to_have_text(
        "That is no time. Write it like 0:03.250, in minutes and seconds."
    )
    expect(time_field(editor)).to_be_focused()
    expect(time_field(editor)).to_have_attribute("aria-invalid", "true")
    time_field(editor).fill("2")
    time_field(editor).press("Enter")
    expect(editor.get_by_role("alert")).to_be_empty()


def test_nudges_do_what_arrow_keys_do(editor: Page) -> None:
    for name, start in [
        ("One second later", 1),
        ("One frame later", 1 + FRAME_S),
        ("One second earlier", FRAME_S),
        ("One frame earlier", 0),
    ]:
        editor.get_by_role("button", name=name).click()
        assert start_of(editor) == pytest.approx(start, abs=0.002)


def test_the_preview_loops_over_exactly_the_window(moving_editor: Page) -> None:
    time_field(moving_editor).fill("3")
    time_field(moving_editor).press("Enter")
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
    # A busy machine looks, and turns back, as seldom as it draws.
    pause = max(later - earlier for (earlier, _), (later, _) in itertools.pairwise(seen))
    slack = max(4 * FRAME_S, 2 * pause)
    assert min(times) >= 3 - FRAME_S
    assert 9 - slack <= max(times) <= 9 + slack
    assert times[-1] < times[-2] - 5


def test_start_here_takes_the_playheads_moment(moving_editor: Page) -> None:
    until(moving_editor, "document.querySelector('video[data-active]').currentTime > 1")
    moving_editor.get_by_role("button", name="Pause").click()
    now = playing(moving_editor)["now"]
    moving_editor.get_by_role("button", name="Start here").click()
    assert start_of(moving_editor) == pytest.approx(now, abs=0.002)


def test_the_seam_plays_the_last_and_the_first_second(moving_editor: Page) -> None:
    seam = moving_editor.get_by_role("button", name="Check the seam")
    seam.click()
    expect(seam).to_have_attribute("aria-pressed", "true")
    until(moving_editor, "document.querySelector('video[data-active]').currentTime >= 5")
    until(moving_editor, "document.querySelector('video[data-active]').currentTime < 1")
    expect(moving_editor.get_by_text("end → start")).to_be_visible()
    until(moving_editor, "document.querySelector('video[data-active]').currentTime >= 5")
    seam.click()
    expect(seam).to_have_attribute("aria-pressed", "false")


def film_greys(page: Page) -> list[int]:
    """The greys of the twelve cells, once all are found: one that is not shows its neighbour's."""
    greys: list[int] = []

    def look() -> bool:
        greys[:] = [red for red, _, _ in page.evaluate(FILM)]
        return len(set(greys)) == 12

    assert eventually(look, within_s=60), greys
    return greys


def test_the_film_strip_shows_the_clip_from_dark_to_light(editor: Page) -> None:
    greys = film_greys(editor)
    assert greys == sorted(greys)
    editor.set_viewport_size({"width": 700, "height": 900})
    until(editor, "document.querySelector('[data-part=\"film\"]').clientWidth < 700")
    assert film_greys(editor) == greys


def test_the_page_in_the_mock_up_is_light_dark_or_hidden(editor: Page) -> None:
    mockup = editor.locator("#mockup")
    editor.get_by_role("button", name="Dark page").click()
    expect(mockup).to_have_attribute("data-scheme", "dark")
    editor.get_by_role("button", name="Light page").click()
    expect(mockup).to_have_attribute("data-scheme", "light")
    editor.get_by_role("button", name="Hide page").click()
    expect(editor.locator('[data-part="newtab"]')).to_be_hidden()
    editor.get_by_role("button", name="Show page").click()
    expect(editor.locator('[data-part="newtab"]')).to_be_visible()


def test_an_upright_clips_focus_is_dragged_keyed_or_picked(
    open_page: Callable[..., Page], portrait: Path
) -> None:
    page = open_page()
    choose(page, portrait)
    slider = page.get_by_role("slider", name="What stays of the picture")
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


def test_the_whole_picture_has_no_focus_to_choose(
    open_page: Callable[..., Page], portrait: Path
) -> None:
    page = open_page()
    choose(page, portrait)
    page.get_by_role("radio", name="Show all of it").check()
    expect(page.get_by_role("slider", name="What stays of the picture")).to_be_hidden()
    page.get_by_role("radio", name="Half the size").check()
    assert sent_fields(page, "fit", "quality") == ["contain", "small"]


def test_a_short_clip_says_that_all_of_it_is_the_loop(
    open_page: Callable[..., Page], clips: Callable[..., Path]
) -> None:
    short = clips("short.mp4", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=24:d=4")
    page = open_page()
    choose(page, short)
    expect(
        page.get_by_text("This clip is 4 s long, so all of it becomes the loop.")
    ).to_be_visible()
    expect(page.locator('[data-part="film"]')).to_be_visible()
    for control in (window(page), time_field(page), page.get_by_role("button", name="Start here")):
        expect(control).to_be_hidden()
    assert sent_fields(page, "start_time") == ["00:00:00.000"]


def test_a_clip_the_browser_cannot_play_is_cut_by_a_typed_time(
    open_page: Callable[..., Page], hevc: Path
) -> None:
    page = open_page()
    choose(page, hevc)
    expect(page.get_by_text("This browser can’t play this kind of video")).to_be_visible()
    expect(page.get_by_text("No preview in this browser")).to_be_visible()
    expect(window(page)).to_have_attribute(
        "aria-valuetext", "From 0 seconds to 6 seconds of 10 seconds"
    )
    time_field(page).fill("1.5")
    assert sent_fields(page, "start_time") == ["00:00:01.500"]


def test_a_recorders_webm_without_a_duration_gets_its_length(
    open_page: Callable[..., Page], clips: Callable[..., Path]
) -> None:
    live = clips(
        "live.webm",
        *[
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=320x180:r=24:d=9",
            "-c:v",
            "libvpx",
            "-deadline",
            "realtime",
            "-f",
            "webm",
            "-live",
            "1",
        ],
    )
    page = open_page()
    choose(page, live)
    expect(window(page)).to_have_attribute("aria-valuetext", re.compile(r"of (8\.9\d?|9) seconds"))


def test_a_gif_is_shown_as_an_image_with_its_own_length(
    open_page: Callable[..., Page], clips: Callable[..., Path]
) -> None:
    source = "color=black:s=160x90:r=10:d=8,format=gray,geq=lum='16+20*T'"
    gif = clips("clip.gif", "-f", "lavfi", "-i", source)
    page = open_page()
    choose(page, gif)
    expect(page.get_by_text("A GIF plays from its own start here")).to_be_visible()
    until(page, f"new Set(({FILM})().map(String)).size === 12")
    expect(page.locator('[data-part="still"]')).to_be_visible()
    expect(window(page)).to_have_attribute(
        "aria-valuetext", "From 0 seconds to 6 seconds of 8 seconds"
    )


def test_reduced_motion_plays_nothing_until_asked(
    open_page: Callable[..., Page], ramp: Path
) -> None:
    page = open_page()
    expect(page.locator('[data-part="decoration"]')).not_to_have_attribute("src", re.compile("."))
    choose(page, ramp)
    assert playing(page) == {"now": 0, "paused": True}
    page.get_by_role("button", name="Play").click()
    until(page, "document.querySelector('video[data-active]').currentTime > 0.5")


def test_the_decoration_is_paused_by_a_button_and_stays_away_from_small_screens(
    open_page: Callable[..., Page],
) -> None:
    page = open_page(**MOVING)
    until(page, "document.querySelector('[data-part=\"decoration\"]').currentTime > 0")
    page.get_by_role("button", name="Pause").click()
    assert page.locator('[data-part="decoration"]').evaluate("video => video.paused")
    small = open_page(**MOVING, viewport={"width": 360, "height": 740})
    expect(small.get_by_role("button", name="Play")).to_be_visible()
    expect(small.locator('[data-part="decoration"]')).to_be_hidden()


def test_a_clip_of_the_screens_own_shape_has_no_fit_to_choose(editor: Page) -> None:
    expect(editor.get_by_text("Fill the screen")).to_be_hidden()
    expect(editor.get_by_role("slider", name="What stays of the picture")).to_be_hidden()


def test_the_mock_up_wears_the_look_of_the_chosen_seconds(
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
    choose(page, red_then_blue, theme=True)
    until(page, is_blue)  # the first frame is red, the six seconds are blue
    page.get_by_role("checkbox", name="Also make a Chrome theme").uncheck()
    assert page.evaluate(frame) == ""


def test_the_mock_up_is_dark_for_those_who_like_it_dark(open_page: Callable[..., Page]) -> None:
    page = open_page(color_scheme="dark")
    expect(page.locator("#mockup")).to_have_attribute("data-scheme", "dark")
    expect(page.get_by_role("button", name="Light page")).to_be_visible()


def test_the_decoration_stays_away_from_those_who_save_data(open_page: Callable[..., Page]) -> None:
    page = open_page(**MOVING, alone=True)
    page.add_init_script(
        "Object.defineProperty(navigator.connection, 'saveData', { get: () => true })"
    )
    page.reload()
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    expect(page.locator('[data-part="decoration"]')).not_to_have_attribute("src", re.compile("."))


def test_the_previews_buttons_stand_in_one_row_on_the_smallest_screen(
    open_page: Callable[..., Page], portrait: Path
) -> None:
    page = open_page(**MOVING, viewport={"width": 320, "height": 640})
    choose(page, portrait)
    names = ["Pause", "Check the seam", "Dark page", "Hide page"]
    tools = [page.get_by_role("button", name=name).bounding_box() for name in names]
    assert {tool["y"] for tool in tools} == {tools[0]["y"]}

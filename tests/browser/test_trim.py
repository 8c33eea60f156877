"""Select the six seconds by mouse, by keyboard and by typing a time."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.steps import (
    choose,
    sent_fields,
    start_of,
    time_field,
    until,
    window,
)
from tests.support.waiting import eventually

pytestmark = pytest.mark.browser
FRAME_S = 1 / 24
# The colour in the middle of each of the film strip's twelve cells; black until it is drawn.
FILM = """() => {
    const film = document.querySelector('[data-part="film"]');
    const context = film.getContext("2d");
    return Array.from({ length: 12 }, (_, index) => {
        if (!film.width) return [0, 0, 0];
        const x = ((index + 0.5) / 12) * film.width;
        return [...context.getImageData(x, film.height / 2, 1, 1).data.slice(0, 3)];
    });
}"""


def test_keys_move_the_selection_by_frames_and_seconds_and_to_the_ends(editor: Page) -> None:
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


def test_a_start_set_by_keyboard_is_sent_in_milliseconds(editor: Page) -> None:
    window(editor).focus()
    for key in ["Shift+ArrowRight", "Shift+ArrowRight", "ArrowRight"]:
        editor.keyboard.press(key)
    expect(time_field(editor)).to_have_value("0:02.042")
    assert sent_fields(editor, "start_time") == ["00:00:02.042"]


def test_a_start_set_by_dragging_is_sent(editor: Page) -> None:
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


def test_a_click_outside_the_selection_moves_it_there(editor: Page) -> None:
    strip = editor.locator('[data-part="strip"]')
    strip.click(position={"x": strip.bounding_box()["width"] * 0.6, "y": 20})
    assert start_of(editor) == pytest.approx(3, abs=0.02)


def test_a_typed_time_is_accepted_clamped_or_refused(editor: Page) -> None:
    for typed, start in [("2.5", 2.5), ("0:03,125", 3.125), ("1:00", 4), ("00:00:01.001", 1.001)]:
        time_field(editor).fill(typed)
        time_field(editor).press("Enter")
        assert start_of(editor) == pytest.approx(start, abs=0.0005), typed
    time_field(editor).fill("half past")
    time_field(editor).press("Tab")
    expect(editor.get_by_role("alert")).to_have_text(
        "That time isn’t valid. Use minutes and seconds, for example 0:03.250."
    )
    expect(time_field(editor)).to_be_focused()
    expect(time_field(editor)).to_have_attribute("aria-invalid", "true")
    time_field(editor).fill("2")
    time_field(editor).press("Enter")
    expect(editor.get_by_role("alert")).to_be_empty()


def test_step_buttons_do_what_arrow_keys_do(editor: Page) -> None:
    for name, start in [
        ("One second later", 1),
        ("One frame later", 1 + FRAME_S),
        ("One second earlier", FRAME_S),
        ("One frame earlier", 0),
    ]:
        editor.get_by_role("button", name=name).click()
        assert start_of(editor) == pytest.approx(start, abs=0.002)


def film_greys(page: Page, *, found: int = 12) -> list[int]:
    """Wait for `found` decoded cells; return the grey levels of all twelve."""
    greys: list[int] = []

    def are_found() -> bool:
        greys[:] = [red for red, _, _ in page.evaluate(FILM)]
        return len(set(greys)) == found

    assert eventually(are_found), greys
    return greys


def test_the_film_strip_shows_the_clip_from_dark_to_light(editor: Page) -> None:
    greys = film_greys(editor)
    assert greys == sorted(greys)
    editor.set_viewport_size({"width": 700, "height": 900})
    until(editor, "document.querySelector('[data-part=\"film\"]').clientWidth < 700")
    assert film_greys(editor) == greys


def test_a_frame_that_cannot_be_decoded_repeats_its_neighbour(open_page, ramp: Path) -> None:
    page = open_page()
    page.evaluate(
        """() => {
            const media = HTMLMediaElement.prototype;
            const time = Object.getOwnPropertyDescriptor(media, "currentTime");
            Object.defineProperty(media, "currentTime", {
                ...time,
                set(seconds) {
                    const isFourth = !this.isConnected && Math.abs(seconds - 35 / 12) < 0.1;
                    if (isFourth) queueMicrotask(() => this.dispatchEvent(new Event("error")));
                    else time.set.call(this, seconds);
                },
            });
        }"""
    )
    choose(page, ramp)
    greys = film_greys(page, found=11)
    assert greys[3] == greys[2]
    assert greys == sorted(greys)


def test_a_short_clip_is_used_whole_and_the_page_says_so(
    open_page: Callable[..., Page], clips: Callable[..., Path]
) -> None:
    short = clips("short.mp4", "-f", "lavfi", "-i", "testsrc2=s=320x180:r=24:d=4")
    page = open_page()
    choose(page, short)
    expect(page.get_by_text("This clip is 4 s long, so the whole clip is used.")).to_be_visible()
    expect(page.locator('[data-part="film"]')).to_be_visible()
    for control in (
        window(page),
        time_field(page),
        page.get_by_role("button", name="Start at this frame"),
    ):
        expect(control).to_be_hidden()
    assert sent_fields(page, "start_time") == ["00:00:00.000"]


def test_a_clip_that_the_browser_cannot_play_is_cut_at_a_typed_time(
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


def test_a_recorded_webm_without_a_duration_gets_one(
    open_page: Callable[..., Page], clips: Callable[..., Path]
) -> None:
    source = "testsrc2=s=64x36:r=10:d=9"
    codec = ("-c:v", "libvpx", "-deadline", "realtime")
    live = clips("live.webm", "-f", "lavfi", "-i", source, *codec, "-f", "webm", "-live", "1")
    page = open_page()
    choose(page, live)
    expect(window(page)).to_have_attribute("aria-valuetext", re.compile(r"of (8\.9\d?|9) seconds"))


def test_a_gif_is_shown_as_an_image_with_its_duration(
    open_page: Callable[..., Page], clips: Callable[..., Path]
) -> None:
    source = "color=black:s=160x90:r=10:d=8,format=gray,geq=lum='16+20*T'"
    gif = clips("clip.gif", "-f", "lavfi", "-i", source)
    page = open_page()
    choose(page, gif)
    expect(page.get_by_text("This preview plays the GIF from its beginning")).to_be_visible()
    until(page, f"new Set(({FILM})().map(String)).size === 12")
    expect(page.locator('[data-part="still"]')).to_be_visible()
    expect(window(page)).to_have_attribute(
        "aria-valuetext", "From 0 seconds to 6 seconds of 8 seconds"
    )

"""Convert and save on the page, with a server in inline mode."""

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import JSHandle, Page, expect

from converter.pipeline.picture.inspect import inspect_animation
from tests.support.browser.servers import GIF_SIZE, Server
from tests.support.browser.steps import (
    button,
    choose,
    expect_done,
    first_frame,
    grey_of,
    save,
    time_field,
    until,
    wait_until_empty,
    window,
)

pytestmark = pytest.mark.browser
WIDTH, HEIGHT = GIF_SIZE
# A GIF of one pixel.
PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff2c00000000010001000002024c01003b")
GIF_FACTS = {
    "width": 1280,
    "height": 720,
    "frames": 144,
    "duration_ms": 6000,
    "bytes": 9,
    "loop": 0,
}


def size_of(file: Path) -> str:
    """Return the file's size in MB as the page shows it."""
    return f"{max(0.1, file.stat().st_size / 1_048_576):.1f}".removesuffix(".0")


def watch_forms(page: Page) -> JSHandle:
    """Record the text fields of every form sent. (Playwright doesn't show a body with a file.)"""
    return page.evaluate_handle(
        """() => {
            const forms = [];
            const send = XMLHttpRequest.prototype.send;
            XMLHttpRequest.prototype.send = function (form) {
                forms.push(Object.fromEntries([...form].filter(([, value]) => !value.name)));
                send.call(this, form);
            };
            return forms;
        }"""
    )


def test_a_gif_can_be_made_and_saved_twice_by_keyboard_alone(
    open_page, server: Server, ramp: Path, tmp_path: Path
) -> None:
    page = open_page()
    choose(page, ramp)
    window(page).focus()
    for key in ["Shift+ArrowRight", "Shift+ArrowRight", *["ArrowRight"] * 12]:
        page.keyboard.press(key)
    expect(time_field(page)).to_have_value("0:02.500")
    stages = page.evaluate_handle(
        """() => {
            const seen = [];
            const line = document.querySelector('#panel-converting [data-part="line"]');
            new MutationObserver(() => seen.push([line.textContent, document.title]))
                .observe(line, { childList: true });
            return seen;
        }"""
    )
    forms = watch_forms(page)
    page.get_by_role("radio", name="Cut").focus()
    page.keyboard.press("Space")  # a blend would mix the end into the first frame
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Making your background")).to_be_focused()
    expect_done(page)

    assert forms.json_value()[0]["start_time"] == "00:00:02.500"
    lines = [line for line, _ in stages.json_value()]
    percents = [int(n) for line in lines for n in re.findall(r"^(?!Up|Down).*: (\d+) %", line)]
    assert percents == sorted(percents)
    assert len(set(percents)) >= 3
    assert percents[-1] < 100
    assert any(line.startswith("Uploading: ") for line in lines)
    assert any(re.match(r"\d+ % · Chromi", title) for _, title in stages.json_value())
    expect(page).to_have_title("Ready · Chromi")

    first, second = save(page, tmp_path), save(page, tmp_path, "Save the GIF")
    assert first.name == "chromi_background.gif"
    assert abs(grey_of(second) - (16 + 20 * 2.5)) <= 2
    facts = f"{size_of(first)} MB · {WIDTH} × {HEIGHT} px · 6 s"
    expect(page.get_by_text(facts)).to_be_visible()
    expect(page.get_by_text("Chromi has deleted its copy. Save yours")).to_be_visible()
    page.get_by_role("button", name="GIF ·").click()
    shown = page.locator('[data-part="made"]')
    expect(shown).to_have_js_property("naturalWidth", WIDTH)
    wait_until_empty(server.media)

    page.get_by_role("button", name="Same video, another moment").click()
    expect(page.get_by_role("heading", name="Choose your six seconds")).to_be_focused()
    expect(time_field(page)).to_have_value("0:02.500")


def test_the_mock_up_crops_an_upright_clip_exactly_as_the_server_does(
    open_page, portrait_moment: Path, tmp_path: Path
) -> None:
    page = open_page()
    choose(page, portrait_moment)
    slider = page.get_by_role("slider", name="Visible part of the picture")
    slider.focus()
    for key in ["Shift+ArrowUp"] * 3 + ["ArrowUp"] * 2:
        page.keyboard.press(key)
    expect(slider).to_have_attribute("aria-valuenow", "16")
    # Draw what the page shows of the video at the GIF's size, from the computed style.
    shown = page.evaluate(
        """([width, height]) => {
            const video = document.querySelector("video[data-active]");
            const { objectFit, objectPosition } = getComputedStyle(video);
            const canvas = new OffscreenCanvas(width, height);
            const scale = Math.max(width / video.videoWidth, height / video.videoHeight);
            const [x, y] = objectPosition.split(" ").map((part) => parseFloat(part) / 100);
            const [w, h] = [video.videoWidth * scale, video.videoHeight * scale];
            const context = canvas.getContext("2d");
            context.drawImage(video, (width - w) * x, (height - h) * y, w, h);
            const column = context.getImageData(width / 2, 0, 1, height).data;
            return [objectFit, ...Array.from({ length: height }, (_, row) => column[row * 4])];
        }""",
        GIF_SIZE,
    )
    assert shown[0] == "cover"
    button(page).click()
    expect_done(page)
    made = first_frame(save(page, tmp_path))
    column = [made.getpixel((WIDTH // 2, row))[0] for row in range(HEIGHT)]
    far = [row for row in range(HEIGHT) if abs(column[row] - shown[1 + row]) > 6]
    # The bands are 57 rows high: another scaler may blur their edges, but not move them.
    assert len(far) <= 6


def test_a_result_that_cannot_be_fetched_leaves_its_link_usable(editor: Page) -> None:
    gif = {"width": 1280, "height": 720, "frames": 144, "duration_ms": 6000, "bytes": 9, "loop": 0}
    body = json.dumps({"success": True, "converted_url": "/download/x/", "gif": gif})
    editor.route("**/convert/", lambda route: route.fulfill(body=body))
    editor.route("**/download/x/", lambda route: route.abort())
    button(editor).click()
    expect_done(editor)
    link = editor.get_by_role("link", name="Save the GIF for Chrome")
    expect(link).to_have_attribute("href", "/download/x/")
    expect(editor.get_by_text("The link works once, within 10 minutes.")).to_be_visible()


def test_a_start_that_the_server_refuses_focuses_the_start_field(editor: Page) -> None:
    refusal = {"code": "start_past_end", "error": "The clip ends before that."}
    editor.route("**/convert/", lambda route: route.fulfill(status=400, body=json.dumps(refusal)))
    button(editor).click()
    expect(editor.get_by_role("alert")).to_have_text("The clip ends before that.")
    expect(time_field(editor)).to_be_focused()


def test_a_plain_form_converts_without_javascript(open_page, ramp: Path, tmp_path: Path) -> None:
    page = open_page(java_script_enabled=False)
    page.get_by_label("Video (").set_input_files(ramp)
    page.get_by_label("Where the 6 seconds start").fill("00:00:09")  # one second is left after it
    page.get_by_role("button", name="Make my background").click()
    expect(page.get_by_role("heading", name="Your background is ready")).to_be_visible()
    expect(page.get_by_text("Upload an image")).to_be_visible()
    picture = save(page, tmp_path, "Save the picture for Chrome")
    assert picture.name == "chromi_background.png"
    assert inspect_animation(picture).frames == 24
    assert abs(grey_of(save(page, tmp_path)) - (16 + 20 * 9)) <= 2


def test_the_theme_is_saved_and_the_mock_up_shows_its_colours(
    open_page, moment: Path, tmp_path: Path
) -> None:
    page = open_page(device_scale_factor=1.25, screen={"width": 320, "height": 180})
    choose(page, moment, theme=True)
    page.get_by_label("Theme name").fill("Slow dawn")
    forms = watch_forms(page)
    button(page).click()
    expect_done(page)
    form = forms.json_value()[0]
    assert {name: form[name] for name in ("theme", "theme_name", "screen")} == {
        "theme": "1",
        "theme_name": "Slow dawn",
        "screen": "320x180@1.25",
    }

    saved = save(page, tmp_path, "Save the theme")
    assert saved.name == "chromi_theme.zip"
    with zipfile.ZipFile(saved) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        picture = archive.getinfo(manifest["theme"]["images"]["theme_ntp_background"]["200"])
    assert manifest["name"] == "Slow dawn"
    megabytes = f"{max(0.1, picture.file_size / 1_048_576):.1f}".removesuffix(".0")
    expect(page.get_by_text(f"{megabytes} MB of it for your screen")).to_be_visible()
    made = page.locator('[data-part="made"]')
    mockup = page.locator("#mockup")
    expect(mockup).to_have_attribute("data-way", "picture")
    page.get_by_role("button", name="Theme ·").click()
    expect(mockup).to_have_attribute("data-way", "theme")
    # The picture at "200" is drawn at half its pixels: 320 CSS px, the width of this screen.
    assert mockup.evaluate("mockup => mockup.style.getPropertyValue('--mock-share')") == "1"
    assert made.evaluate("image => image.decode().then(() => image.naturalWidth)") == 640
    frame = mockup.evaluate("mockup => mockup.style.getPropertyValue('--mock-frame')")
    assert frame == f"rgb({' '.join(map(str, manifest['theme']['colors']['frame']))})"

    files = [save(page, tmp_path, "Save the picture for Chrome"), save(page, tmp_path)]
    sizes = [f"Picture · {size_of(files[0])} MB", f"GIF · {size_of(files[1])} MB"]
    expect(page.locator("[data-picture]")).to_have_text([*sizes, f"Theme · {megabytes} MB"])
    page.get_by_role("button", name="GIF ·").click()
    until(page, f"document.querySelector('[data-part=made]').naturalWidth === {WIDTH}")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "chrome://extensions"


def test_the_picture_for_chrome_is_for_this_screen_and_saved_as_png(
    open_page, moment: Path, tmp_path: Path
) -> None:
    page = open_page(screen={"width": 320, "height": 200})
    choose(page, moment)
    forms = watch_forms(page)
    button(page).click()
    expect_done(page)
    form = forms.json_value()[0]
    assert (form["picture"], form["screen"], "theme" in form) == ("1", "320x200@1", False)
    expect(page.get_by_role("link", name="Save the theme")).to_be_hidden()
    for step in (
        "Open a new tab.",
        "Click “Customize Chrome”",
        "Upload an image",
        "Choose the file",
    ):
        expect(page.locator(".clicks").get_by_text(step)).to_be_visible()
    saved = save(page, tmp_path, "Save the picture for Chrome")
    assert saved.name == "chromi_background.png"
    facts = inspect_animation(saved)
    assert (facts.width, facts.height, facts.loops) == (90, 56, True)  # no more px than the GIF
    expect(page.locator("#mockup")).to_have_attribute("data-way", "picture")
    expect(page.get_by_text("Chrome on a phone")).to_be_hidden()


def test_on_a_phone_the_picture_is_made_for_a_computer_and_the_page_says_so(
    open_page, moment: Path
) -> None:
    phone = {"width": 390, "height": 844}
    page = open_page(viewport=phone, screen=phone, has_touch=True, is_mobile=True)
    choose(page, moment)
    forms = watch_forms(page)
    button(page).click()
    expect_done(page)
    form = forms.json_value()[0]
    assert (form["picture"], "screen" in form) == ("1", False)
    expect(page.get_by_text("Send the file to a computer")).to_be_visible()


def test_the_gif_takes_the_place_of_a_picture_that_failed(editor: Page) -> None:
    error = "The picture for Chrome could not be made. Use the GIF: Chrome takes it the same way."
    body = {
        "success": True,
        "converted_url": "/download/x/",
        "gif": GIF_FACTS,
        "picture_error": error,
    }
    editor.route("**/convert/", lambda route: route.fulfill(body=json.dumps(body)))
    editor.route("**/download/x/", lambda route: route.fulfill(body=PIXEL))
    button(editor).click()
    expect_done(editor)
    expect(editor.get_by_text(error)).to_be_visible()
    link = editor.get_by_role("link", name="Save the GIF for Chrome")
    expect(link).to_have_attribute("download", "chromi_background.gif")
    expect(editor.locator(".product:visible")).to_have_count(1)


def answer_without_picture(editor: Page) -> dict:
    """Answer as a server that has made the GIF but not the picture; return the job, to change."""
    job = {"status": "started", "stage": "picture", "progress": 62, "gif": GIF_FACTS}
    job["converted_url"] = "/download/x/"
    enqueued = json.dumps({"enqueued": True, "job_id": "24297573-14af-4b95-81cd-257374bbcba5"})
    editor.route("**/convert/", lambda route: route.fulfill(status=202, body=enqueued))
    editor.route("**/jobs/*/", lambda route: route.fulfill(body=json.dumps(job)))
    editor.route(re.compile("/download/[xy]/"), lambda route: route.fulfill(body=PIXEL))
    return job


def test_the_gif_can_be_saved_while_the_picture_is_made(editor: Page) -> None:
    job = answer_without_picture(editor)
    button(editor).click()
    expect_done(editor)
    facts = editor.locator('[data-part="pictureFacts"]')
    expect(facts).to_have_text("Making the picture for Chrome: 62 %")
    picture = editor.locator('[data-part="savePicture"]')
    expect(picture).not_to_have_attribute("href", re.compile("."))
    gif = editor.get_by_role("link", name="Save the GIF")
    expect(gif).to_have_attribute("href", re.compile("^blob:"))
    note = editor.locator("#panel-done .note:visible")
    expect(note).to_have_text(re.compile("^Keep this tab open until all files are made"))
    place = gif.bounding_box()
    made = {name: value for name, value in GIF_FACTS.items() if name != "loop"}
    job |= {"status": "finished", "picture_url": "/download/y/", "picture": made}
    expect(picture).to_have_attribute("href", re.compile("^blob:"))
    expect(editor.get_by_role("status")).to_have_text("All files are ready.")
    expect(note).to_have_text(re.compile("^Chromi has deleted its copy"))
    assert gif.bounding_box() == place


def test_leaving_before_the_picture_is_made_cancels_the_conversion(editor: Page) -> None:
    job = answer_without_picture(editor)
    button(editor).click()
    expect_done(editor)
    with editor.expect_request(lambda sent: sent.method == "DELETE" and "/jobs/" in sent.url):
        editor.get_by_role("button", name="Same video, another moment").click()
    expect(button(editor)).to_be_visible()
    job |= {"status": "finished"}
    button(editor).click()  # nothing runs any more, so this starts a new conversion
    expect_done(editor)


def test_an_error_without_javascript_is_a_page_with_a_link_back(open_page, tmp_path: Path) -> None:
    pdf = tmp_path / "a.mp4"
    pdf.write_bytes(b"%PDF-1.7")
    page = open_page(java_script_enabled=False)
    page.get_by_label("Video (").set_input_files(pdf)
    page.get_by_role("button", name="Make my background").click()
    expect(page.get_by_role("heading", name="This didn’t work")).to_be_visible()
    page.get_by_role("link", name="Back to the form").click()
    expect(page.get_by_label("Video (")).to_be_visible()


def test_a_used_link_is_a_page_with_a_link_back(open_page: Callable[..., Page]) -> None:
    page = open_page("/download/00000000-0000-4000-8000-000000000000/")
    expect(page.get_by_role("heading", name="This link no longer works")).to_be_visible()
    page.get_by_role("link", name="Convert a video").click()
    expect(page.get_by_text("Choose a video")).to_be_visible()

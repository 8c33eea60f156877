"""Check every state of the page with axe-core (WCAG 2.2 AA), from phones to wide screens."""

import io
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.support.browser.servers import Server
from tests.support.browser.steps import button, choose, progress_line, time_field

pytestmark = pytest.mark.browser

GIF = {"width": 1280, "height": 720, "frames": 144, "duration_ms": 6000, "bytes": 9e6, "loop": 0}
PICTURE = {"width": 1600, "height": 900, "frames": 144, "duration_ms": 6000, "bytes": 2e6}
Clips = dict[str, Path]
PIXEL = bytes.fromhex("47494638396101000100800000000000ffffff2c00000000010001000002024c01003b")
AXE = Axe()
FAULTS = """async options => {
    const { violations } = await axe.run(options);
    return violations.map(({ id, nodes }) => [id, nodes[0].html]);
}"""
AXE_OPTIONS = {"resultTypes": ["violations"], "reporter": "v1"}
# Checking contrast takes most of axe's time. A narrow page shows nothing that a wide one doesn't,
# and dark mode changes colours only (tests/unit/test_page_source.py).
CONTRAST = {"runOnly": ["color-contrast"]}
ALL_BUT_CONTRAST = {"rules": {"color-contrast": {"enabled": False}}}
# By page width in CSS px: the colour schemes, and the rules that axe checks in them.
AXE_LOOKS = {1440: [("light", {}), ("dark", CONTRAST)], 360: [("light", ALL_BUT_CONTRAST)]}


def idle(page: Page, clips: Clips) -> None:
    expect(page.get_by_text("Choose a video")).to_be_visible()


def refused(page: Page, clips: Clips) -> None:
    report = {"name": "report.pdf", "mimeType": "application/pdf", "buffer": b"%PDF-1.7"}
    page.set_input_files("[data-panel]:not([hidden]) input[type=file]", report)
    expect(page.get_by_role("alert")).to_contain_text("Chromi can’t read")


def edit(page: Page) -> None:
    """Leave the page as it is after the clip was opened."""


def mistyped(page: Page) -> None:
    time_field(page).fill("half past")
    time_field(page).press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("That time isn’t valid.")


def whole(page: Page, clips: Clips) -> None:
    choose(page, clips["short"], theme=True)
    expect(page.get_by_text("the whole clip is used")).to_be_visible()


def unplayable(page: Page, clips: Clips) -> None:
    choose(page, clips["unplayable"], theme=True)
    expect(page.get_by_text("No preview in this browser")).to_be_visible()


def marked(page: Page) -> None:
    page.get_by_role("button", name="Find the smoothest loop").click()
    expect(page.locator("#status")).to_contain_text("Smoothest nearby")
    expect(page.locator(".strip-mark").first).to_be_visible()
    page.get_by_role("radio", name="Blend softly").check()
    page.get_by_role("button", name="Check the seam").click()
    expect(page.get_by_text("Simplified: the result blends")).to_be_visible()


def waiting(page: Page) -> None:
    health = '{"mode": "inline", "busy": true, "retry_after": 3600}'
    page.route("**/health/", lambda route: route.fulfill(body=health))
    button(page).click()
    expect(progress_line(page)).to_contain_text("Chromi is busy with another video")


def converting(page: Page) -> None:
    page.route("**/convert/", lambda route: route.fulfill(body='{"enqueued": true, "job_id": "x"}'))
    job = {"status": "started", "stage": "encode", "progress": 42}
    page.route("**/jobs/*/", lambda route: route.fulfill(body=json.dumps(job)))
    button(page).click()
    expect(progress_line(page)).to_have_text("Encoding the GIF: 42 %")


def done(page: Page) -> None:
    body = {"converted_url": "/download/gif/", "theme_url": "/download/zip/", "gif": GIF}
    body |= {"picture_url": "/download/avif/", "picture": PICTURE}
    page.route("**/convert/", lambda route: route.fulfill(body=json.dumps(body)))
    page.route("**/download/gif/", lambda route: route.fulfill(body=PIXEL))
    page.route("**/download/avif/", lambda route: route.fulfill(body=PIXEL))
    page.route("**/download/zip/", lambda route: route.fulfill(body=theme()))
    button(page).click()
    expect(page.get_by_role("heading", name="Your background is ready")).to_be_visible()
    expect(page.get_by_role("button", name="Picture ·")).to_have_attribute("aria-pressed", "true")


def half_done(page: Page) -> None:
    error = "The theme took too long. Try a shorter clip."
    body = {"converted_url": "/download/gif/", "theme_error": error, "gif": GIF}
    page.route("**/convert/", lambda route: route.fulfill(body=json.dumps(body)))
    page.route("**/download/gif/", lambda route: route.abort())
    button(page).click()
    expect(page.get_by_text("The theme took too long.")).to_be_visible()


def failed(page: Page) -> None:
    page.route("**/convert/", lambda route: route.abort())
    button(page).click()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


def theme() -> bytes:
    """Return a theme's zip as the server packs it, with a picture of one pixel."""
    images = {"theme_ntp_background": {"100": "images/a.png", "200": "images/b.png"}}
    colours = {"frame": [60, 20, 30], "toolbar": [75, 47, 52], "tab_text": [255, 255, 255]}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr(
            "manifest.json", json.dumps({"theme": {"images": images, "colors": colours}})
        )
        for name in ("images/a.png", "images/b.png"):
            archive.writestr(name, PIXEL)
    return packed.getvalue()


STATES = [idle, refused, whole, unplayable]
STATES_OF_A_CLIP = [edit, mistyped, marked, waiting, converting, done, half_done, failed]


@pytest.fixture(scope="session")
def shapes(clips: Callable[..., Path]) -> Clips:
    """Return an upright clip with a long name, a clip under 6 s, and one that doesn't play."""

    def clip(name: str, size: str, seconds: int, *codec: str) -> Path:
        return clips(name, "-f", "lavfi", "-i", f"testsrc2=s={size}:r=5:d={seconds}", *codec)

    playable = ("-pix_fmt", "yuv420p")
    return {
        "upright": clip("a name that is rather longer than most.mp4", "90x160", 7, *playable),
        "short": clip("short.gif", "160x120", 3),
        "unplayable": clip(
            "hevc.mp4", "160x120", 9, *playable, "-c:v", "libx265", "-x265-params", "log-level=none"
        ),
    }


# Elements that overflow their box; the bar of the main button on phones may.
STICKING_OUT = """() => {
    const boxes = document.querySelectorAll(".panel, .product, .segments, .problem, .steps");
    const right = (element) => element.getBoundingClientRect().right;
    return [...boxes].filter((box) => box.checkVisibility())
    .flatMap((box) => [...box.querySelectorAll("*")]
        .filter((part) => part.checkVisibility() && !part.closest(".sr, .go"))
        .filter((part) => right(part) > right(box) + 1)
        .map((part) => `${box.className}: ${part.outerHTML.slice(0, 80)}`));
}"""


# Targets that are too small for a finger.
SMALL_TARGETS = """() => {
    const all = document.querySelectorAll("a, button, label, [role=slider], input[type=text]");
    return [...all]
        .filter((element) => element.checkVisibility() && !element.matches(".skip, .field"))
        .map((element) => [element.textContent.trim(), element.getBoundingClientRect()])
        .filter(([, box]) => box.width < 44 || box.height < 44)
        .map(([text, box]) => `${text} ${box.width}x${box.height}`);
}"""


@pytest.mark.parametrize("reach", STATES)
def test_axe_finds_nothing_and_the_page_fits(
    open_page: Callable[..., Page], shapes: Clips, reach: Callable[[Page, Clips], None]
) -> None:
    page = open_page()
    reach(page, shapes)
    please(page)


@pytest.mark.parametrize("reach", STATES_OF_A_CLIP)
def test_axe_finds_nothing_and_the_page_with_a_clip_fits(
    open_clip: Callable[..., Page], shapes: Clips, reach: Callable[[Page], None]
) -> None:
    page = open_clip(shapes["upright"], theme=True)
    reach(page)
    please(page)


def please(page: Page) -> None:
    """Assert that axe finds nothing, nothing overflows, and every target has at least 44 px."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE.axe_script)
    for width in (2560, 1440, 768, 360, 320):
        page.set_viewport_size({"width": width, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert page.evaluate(STICKING_OUT) == []
        for scheme, rules in AXE_LOOKS.get(width, []):
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate(FAULTS, AXE_OPTIONS | rules) == [], (width, scheme)
    assert page.evaluate(SMALL_TARGETS) == []


def test_axe_finds_nothing_on_the_plain_pages(
    open_page: Callable[..., Page], server: Server
) -> None:
    page = open_page()  # axe needs JavaScript, so the content for pages without it is inserted
    page.evaluate(
        """() => {
            const plain = document.querySelector("#panel-idle noscript");
            plain.insertAdjacentHTML("afterend", plain.textContent);
            const driven = document.querySelectorAll("[data-js], .mock-tools");
            for (const element of driven) element.remove();
        }"""
    )
    expect(page.get_by_role("button", name="Make my background")).to_be_visible()
    please(page)
    used_up = "/download/00000000-0000-4000-8000-000000000000/"
    for path, heading in [("/nothing-here/", "Page not found"), (used_up, "no longer works")]:
        page.goto(server.url + path)
        expect(page.get_by_role("heading", name=heading)).to_be_visible()
        please(page)


def test_the_first_load_is_small_and_requests_no_other_host(
    open_page: Callable[..., Page], server: Server
) -> None:
    page = open_page("/health/", alone=True, viewport={"width": 360, "height": 740})
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    asked: list[str] = []
    received: list[int] = []
    network.on("Network.requestWillBeSent", lambda event: asked.append(event["request"]["url"]))
    network.on("Network.loadingFinished", lambda event: received.append(event["encodedDataLength"]))
    page.goto(server.url)
    page.wait_for_load_state("networkidle")
    assert [url for url in asked if not url.startswith(server.url)] == []
    assert 0 < sum(received) < 60_000  # including headers


def test_a_screen_reader_announces_states_and_every_25_percent(
    open_page: Callable[..., Page], portrait: Path
) -> None:
    page = open_page()
    choose(page, portrait)
    expect(page.get_by_role("status")).to_have_text("portrait.mp4 is open. Choose its six seconds.")
    said = page.evaluate_handle(
        """() => {
            const said = [];
            const status = document.getElementById("status");
            new MutationObserver(() => said.push(status.textContent))
                .observe(status, { childList: true });
            return said;
        }"""
    )
    answers = [{"status": "started", "stage": "encode", "progress": n} for n in (5, 9, 30, 31)]
    answers.append({"status": "failed", "code": "no_video", "error": "There is no picture in it."})
    page.route("**/convert/", lambda route: route.fulfill(body='{"enqueued": true, "job_id": "x"}'))
    page.route("**/jobs/*/", lambda route: route.fulfill(body=json.dumps(answers.pop(0))))
    button(page).click()
    expect(page.get_by_role("alert")).to_have_text("There is no picture in it.")
    announced = [line for line in said.json_value() if line.startswith("Encoding")]
    assert announced == ["Encoding the GIF: 5 %", "Encoding the GIF: 30 %"]


def test_title_and_favicon_follow_the_conversion(
    open_clip: Callable[..., Page], shapes: Clips
) -> None:
    page = open_clip(shapes["upright"], theme=True)
    icon = page.locator('link[rel="icon"]')
    plain = icon.get_attribute("href")
    converting(page)
    expect(page).to_have_title("42 % · Chromi")
    expect(icon).to_have_attribute("href", re.compile("^data:image/svg"))
    page.get_by_role("button", name="Cancel").click()
    expect(page).to_have_title(re.compile("^a name that is"))
    expect(icon).to_have_attribute("href", re.compile(f"{plain}$"))


def test_closing_the_tab_asks_before_a_result_is_lost(
    open_page: Callable[..., Page], shapes: Clips
) -> None:
    page = open_page()
    choose(page, shapes["upright"], theme=True)
    done(page)
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    with page.expect_download():
        page.get_by_role("link", name="Save the theme").click()
    with page.expect_event("close"):
        page.close(run_before_unload=True)

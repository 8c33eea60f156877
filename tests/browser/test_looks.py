"""Every state of the page, held to WCAG 2.2 AA by axe-core, from a phone to a wide screen."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.steps import button, choose, progress_line

pytestmark = pytest.mark.browser

GIF = {"width": 1280, "height": 720, "frames": 144, "duration_ms": 6000, "bytes": 9e6, "loop": 0}
EVERYTHING = {"resultTypes": ["violations"], "reporter": "v1"}


def idle(page: Page, clip: Path) -> None:
    expect(page.get_by_text("Choose a video")).to_be_visible()


def edit(page: Page, clip: Path) -> None:
    choose(page, clip, theme=True)


def converting(page: Page, clip: Path) -> None:
    edit(page, clip)
    page.route("**/convert/", lambda route: route.fulfill(body='{"enqueued": true, "job_id": "x"}'))
    job = {"status": "started", "stage": "encode", "progress": 42}
    page.route("**/jobs/*/", lambda route: route.fulfill(body=json.dumps(job)))
    button(page).click()
    expect(progress_line(page)).to_have_text("Drawing the loop: 42 %")


def done(page: Page, clip: Path) -> None:
    edit(page, clip)
    body = {"converted_url": "/download/gif/", "theme_url": "/download/zip/", "gif": GIF}
    page.route("**/convert/", lambda route: route.fulfill(body=json.dumps(body)))
    pixel = bytes.fromhex("47494638396101000100800000000000ffffff2c00000000010001000002024c01003b")
    page.route("**/download/*/", lambda route: route.fulfill(body=pixel))
    button(page).click()
    expect(page.get_by_role("heading", name="Your background is ready")).to_be_visible()


def failed(page: Page, clip: Path) -> None:
    edit(page, clip)
    page.route("**/convert/", lambda route: route.abort())
    button(page).click()
    expect(page.get_by_role("button", name="Try again")).to_be_visible()


@pytest.mark.parametrize("reach", [idle, edit, converting, done, failed])
def test_axe_finds_nothing_and_nothing_sticks_out(
    open_page: Callable[..., Page], portrait: Path, reach: Callable[[Page, Path], None]
) -> None:
    page = open_page(reduced_motion="reduce")  # a page that stands still is judged in one state
    reach(page, portrait)
    for width in (360, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page, options=EVERYTHING).response["violations"]
            assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found] == []
    for width in (320, 768, 2560):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("reach", [idle, edit, converting, done, failed])
def test_every_target_is_44_px_at_least(
    open_page: Callable[..., Page], portrait: Path, reach: Callable[[Page, Path], None]
) -> None:
    page = open_page(viewport={"width": 360, "height": 740}, reduced_motion="reduce")
    reach(page, portrait)
    small = page.evaluate(
        """() => [...document.querySelectorAll("a, button, label, [role=slider], input[type=text]")]
            .filter((element) => element.checkVisibility() && !element.matches(".skip, .themename"))
            .map((element) => [element.textContent.trim(), element.getBoundingClientRect()])
            .filter(([, box]) => box.width < 44 || box.height < 44)
            .map(([text, box]) => `${text} ${box.width}x${box.height}`)"""
    )
    assert small == []


def test_the_plain_pages_please_axe_too(open_page: Callable[..., Page]) -> None:
    plain = open_page(java_script_enabled=False)
    assert plain.get_by_role("button", name="Make my background").is_visible()
    page = open_page("/nothing-here/")
    expect(page.get_by_role("heading", name="There is nothing here")).to_be_visible()
    assert Axe().run(page, options=EVERYTHING).response["violations"] == []


def test_the_first_load_is_small_and_asks_nobody_else(open_page: Callable[..., Page]) -> None:
    page = open_page(viewport={"width": 360, "height": 740})
    page.wait_for_load_state("networkidle")
    loads = page.evaluate(
        """() => [...performance.getEntriesByType("navigation"),
                  ...performance.getEntriesByType("resource")]
            .map(({ name, transferSize }) => [name, transferSize])"""
    )
    assert {name.split("/")[2] for name, _ in loads} == {page.url.split("/")[2]}
    assert sum(size for _, size in loads) < 60_000


def test_every_module_is_preloaded() -> None:
    root = Path(__file__).resolve().parents[2]
    template = (root / "templates/converter/scripts.html").read_text()
    for module in (root / "static/js").glob("*.js"):
        assert f"modulepreload\" href=\"{{% static 'js/{module.name}' %}}" in template


def test_a_screen_reader_hears_states_and_quarters(
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
    heard = [line for line in said.json_value() if line.startswith("Drawing")]
    assert heard == ["Drawing the loop: 5 %", "Drawing the loop: 30 %"]

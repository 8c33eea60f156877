"""A busy server, a lost connection, and Cancel in every stage."""

import json
import re
import socket
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.browser.servers import Server, Wire
from tests.support.browser.steps import (
    button,
    choose,
    progress_line,
    time_field,
    wait_until_empty,
)
from tests.support.waiting import PATIENCE_S, eventually

pytestmark = pytest.mark.browser
MOST_UPLOADS = 4  # that a server with eight threads receives at a time
CONVERTING = re.compile(r"^(Reading|Encoding|Checking) .*: \d+ %$")


@contextmanager
def other_uploads(server: Server) -> Iterator[None]:
    """Keep the server busy with other clients' uploads during the block."""
    host, port = server.url.removeprefix("http://").split(":")
    head = (
        f"POST /convert/ HTTP/1.1\r\nHost: {host}\r\nContent-Type: multipart/form-data; "
        "boundary=x\r\nContent-Length: 5000\r\n\r\n--x\r\n"
    )
    with ExitStack() as stack:
        for _ in range(MOST_UPLOADS):
            client = stack.enter_context(socket.create_connection((host, int(port))))
            client.sendall(head.encode())
        assert eventually(lambda: is_busy(server))
        yield


def is_busy(server: Server) -> bool:
    with urllib.request.urlopen(f"{server.url}/health/", timeout=PATIENCE_S) as answer:
        return json.load(answer)["busy"]


@pytest.fixture
def slow_network() -> Callable[[Page, int], None]:
    def throttle(page: Page, upload_bytes_a_second: int) -> None:
        conditions = {"offline": False, "latency": 0, "downloadThroughput": -1}
        page.context.new_cdp_session(page).send(
            "Network.emulateNetworkConditions",
            {**conditions, "uploadThroughput": upload_bytes_a_second},
        )

    return throttle


def test_busy_is_retried_and_a_lost_connection_is_reported(editor: Page, server: Server) -> None:
    time_field(editor).fill("3")
    editor.context.set_offline(True)
    button(editor).click()
    expect(editor.get_by_role("alert")).to_contain_text("The connection was lost.")
    editor.context.set_offline(False)
    expect(time_field(editor)).to_have_value("0:03.000")
    with other_uploads(server):
        editor.get_by_role("button", name="Try again").click()
        expect(progress_line(editor)).to_contain_text("Chromi is busy with another video")
        expect(editor).to_have_title("Waiting · Chromi")
    expect(progress_line(editor)).to_have_text(CONVERTING)
    cancel(editor)


def test_busy_in_answer_to_an_upload_waits_for_retry_after(editor: Page) -> None:
    answers = [
        {"status": 503, "headers": {"Retry-After": "2"}, "body": '{"code": "busy", "error": "x"}'},
        {"status": 422, "body": '{"code": "no_video", "error": "There is no picture in it."}'},
    ]
    editor.route("**/convert/", lambda route: route.fulfill(**answers.pop(0)))
    button(editor).click()
    expect(progress_line(editor)).to_contain_text("trying again in 2 s")
    expect(editor.get_by_role("alert")).to_have_text("There is no picture in it.")
    assert answers == []


def test_a_connection_lost_during_a_conversion_loses_no_choice(
    open_page, server: Server, ramp: Path
) -> None:
    with Wire(server) as wire:
        page = open_page(url=wire.url, alone=True)
        choose(page, ramp)
        time_field(page).fill("1")
        button(page).click()
        expect(progress_line(page)).to_have_text(CONVERTING)
        wire.cut()
        expect(page.get_by_role("alert")).to_contain_text("The connection was lost.")
        expect(time_field(page)).to_have_value("0:01.000")
        wire.mend()
        page.get_by_role("button", name="Try again").click()
        expect(progress_line(page)).to_have_text(CONVERTING)
        cancel(page)
    wait_until_empty(server.media)


def test_a_script_that_failed_to_load_is_requested_again(open_page, ramp: Path) -> None:
    page = open_page()
    page.route("**/conversion.*.js", lambda route: route.abort())
    choose(page, ramp)
    button(page).click()
    expect(page.get_by_role("alert")).to_contain_text("The connection was lost.")
    page.unroute("**/conversion.*.js")
    refusal = '{"code": "no_video", "error": "There is no picture in it."}'
    page.route("**/convert/", lambda route: route.fulfill(status=422, body=refusal))
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("alert")).to_have_text("There is no picture in it.")


def test_cancel_works_while_the_page_waits_for_a_busy_server(editor: Page, server: Server) -> None:
    with other_uploads(server):
        button(editor).click()
        expect(progress_line(editor)).to_contain_text("Chromi is busy")
        cancel(editor)


def test_cancel_works_during_an_upload_that_shows_megabytes(
    open_page, server: Server, heavy: Path, slow_network: Callable[[Page, int], None]
) -> None:
    page = open_page(alone=True)
    choose(page, heavy)
    slow_network(page, 1_000_000)
    button(page).click()
    expect(progress_line(page)).to_have_text(
        re.compile(r"Uploading: \d[\d.]*\sMB of \d[\d.]*\sMB, about \d+\ss left")
    )
    cancel(page)
    wait_until_empty(server.media)


def test_cancel_works_during_a_conversion_and_leaves_nothing(editor: Page, server: Server) -> None:
    button(editor).click()
    expect(progress_line(editor)).to_have_text(CONVERTING)
    cancel(editor)
    wait_until_empty(server.media)


def test_cancel_works_in_every_stage(editor: Page) -> None:
    job = {"status": "started", "progress": 42}
    body = '{"enqueued": true, "job_id": "x"}'
    editor.route("**/convert/", lambda route: route.fulfill(status=202, body=body))
    editor.route("**/jobs/*/", lambda route: route.fulfill(body=json.dumps(job)))
    for job["stage"] in ("decode", "palette", "encode", "verify"):
        button(editor).click()
        expect(progress_line(editor)).to_contain_text("42 %")
        with editor.expect_request(lambda request: request.method == "DELETE") as canceled:
            cancel(editor)
        assert canceled.value.headers["x-csrftoken"]


def test_cancel_works_while_the_result_is_downloaded(editor: Page) -> None:
    editor.route(
        "**/convert/", lambda route: route.fulfill(body='{"converted_url": "/download/x/"}')
    )
    editor.route("**/download/x/", lambda route: None)
    with editor.expect_request("**/download/x/"):
        button(editor).click()
    cancel(editor)


# Short and long lines, as strings.js writes them.
LINES = [
    "Uploading: 0 MB of 22.9 MB",
    "Uploading: 12.5 MB of 100 MB, about 45 s left",
    "Encoding the GIF: 5 %",
]
TOP_OF_CANCEL = """line => {
    const part = (name) => document.querySelector(`#panel-converting [data-part="${name}"]`);
    part("line").textContent = line;
    return part("cancel").getBoundingClientRect().top;
}"""


def test_the_cancel_button_does_not_move(editor: Page) -> None:
    editor.route("**/convert/", lambda route: None)
    button(editor).click()
    for width in (320, 360, 768, 1280):
        editor.set_viewport_size({"width": width, "height": 900})
        assert len({editor.evaluate(TOP_OF_CANCEL, line) for line in LINES}) == 1, width


def cancel(page: Page) -> None:
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("heading", name="Choose your six seconds")).to_be_focused()
    expect(page.get_by_role("status")).to_have_text(
        "Canceled. Your video and your settings are still here."
    )
    expect(button(page)).to_be_enabled()

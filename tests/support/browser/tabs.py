"""Reuse pages between tests: a page that has opened a clip saves the next test 0.6 CPU s."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Browser, Error, Page, expect

from tests.support.browser.steps import choose, start_of, time_field
from tests.support.waiting import PATIENCE_S

STILL = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"}


@dataclass
class Tab:
    """A page in its own browser context; `faults` has the errors in its console."""

    page: Page
    options: dict[str, object]
    url: str = ""
    clip: Path | None = None  # the clip that is open, for the next test that needs it
    faults: list[str] = field(default_factory=list)

    def load(self, url: str, path: str) -> None:
        self.url, self.clip = url, None
        self.page.goto(url + path)

    def leave(self) -> bool:
        """Undo what a test changed and stop everything; return False if this failed."""
        if self.page.is_closed():
            return False
        try:
            self.page.unroute_all(behavior="ignoreErrors")
            self.page.context.set_offline(False)
            self.page.goto(f"{self.url}/health/")  # same site, so Chromium keeps the process
            self._reset()
        except Error:
            return False
        return True

    def return_to_clip(self) -> bool:
        """Return to the state in which the clip was just opened; return False if this failed."""
        page = self.page
        if self.clip is None or page.is_closed():
            return False
        try:
            for name in ("Cancel", "Same video, another moment"):
                if (button := page.get_by_role("button", name=name)).is_visible():
                    button.click()
            page.unroute_all(behavior="ignoreErrors")
            page.context.set_offline(False)
            self._reset()
            for typed in ("not a time", "0"):  # the second input clears the error of the first
                time_field(page).fill(typed, timeout=2000)
                time_field(page).press("Enter")
            expect(page.get_by_role("alert")).to_be_empty()
            return start_of(page) == 0
        except (AssertionError, Error):
            return False

    def _reset(self) -> None:
        self.page.context.clear_permissions()
        self.page.set_viewport_size(self.options["viewport"])
        self.page.emulate_media(color_scheme=self.options.get("color_scheme", "light"))


class Tabs:
    """All tabs of a browser; an idle tab is reused for a context with the same options."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._idle: dict[str, list[Tab]] = {}
        self._editing: list[Tab] = []
        self._busy: list[Tab] = []
        self._alone: list[Tab] = []

    def open(self, path: str, *, url: str, alone: bool, options: dict[str, object]) -> Page:
        """Open a page at the path; `alone` gives it a new context that no other test uses."""
        options = STILL | options
        idle = self._idle.get(_kind(options), [])
        tab = idle.pop() if idle and not alone else self._new(options)
        (self._alone if alone else self._busy).append(tab)
        tab.load(url, path)
        return tab.page

    def open_clip(self, clip: Path, *, url: str, theme: bool) -> Page:
        """Return a page that has opened the clip, with start 0 and no other choices."""
        kept = [tab for tab in self._editing if (tab.url, tab.clip) == (url, clip)]
        if not kept:
            page = self.open("/", url=url, alone=False, options={})
            choose(page, clip, theme=theme)
            self._busy[-1].clip = clip
            return page
        self._editing.remove(kept[0])
        self._busy.append(kept[0])
        kept[0].page.get_by_role("checkbox", name="Also make a Chrome theme").set_checked(theme)
        return kept[0].page

    def leave(self) -> list[str]:
        """End a test; return the console errors of its pages."""
        faults = []
        for tab in [*self._busy, *self._alone]:
            if tab.return_to_clip():
                self._editing.append(tab)
            elif tab in self._busy and tab.leave():
                self._idle.setdefault(_kind(tab.options), []).append(tab)
            else:
                tab.page.context.close()
            faults += tab.faults
            tab.faults.clear()
        self._busy, self._alone = [], []
        return faults

    def _new(self, options: dict[str, object]) -> Tab:
        context = self._browser.new_context(**options)
        context.set_default_timeout(PATIENCE_S * 1000)
        tab = Tab(context.new_page(), options)
        tab.page.on("pageerror", lambda error: tab.faults.append(str(error)))
        tab.page.on("console", lambda message: _note(tab.faults, message))
        return tab


def _kind(options: dict[str, object]) -> str:
    return json.dumps(options, sort_keys=True)


def _note(faults: list[str], message: object) -> None:
    # Chromium logs every response with status 400 or more; the tests check these themselves.
    if message.type == "error" and "Failed to load resource" not in message.text:
        faults.append(message.text)

"""The playground as a person at a browser meets it: what she can press, and what she then reads."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Page, Request, Route, expect

LOOPBACK: Final = "127.0.0.1"
PATIENCE_MS: Final = 20_000
TOKEN_HEADER: Final = "x-consistency-token"


@dataclass
class Playground:
    """One tab. ``asked_outside`` and ``complaints`` are what should not have happened in it."""

    page: Page
    address: str
    asked_outside: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @classmethod
    @contextmanager
    def opened(cls, browser: Browser, address: str, *, shots: Path) -> Iterator[Self]:
        """The page, ready to be used. A picture of it is left in ``shots`` when a test fails."""
        context = browser.new_context(viewport={"width": 1400, "height": 900})
        context.set_default_timeout(PATIENCE_MS)
        try:
            playground = cls(context.new_page(), address)
            playground.watch()
            playground.load()
            try:
                yield playground
            except BaseException:
                playground.page.screenshot(path=shots / "playground.png")
                raise
        finally:
            context.close()

    def watch(self) -> None:
        """Note whoever is asked outside, and whatever the browser complains of."""
        self.page.route("**/*", self._let_through)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(f"dialog: {dialog.message}"))

    def load(self) -> None:
        """Open the page, or open it anew."""
        self.page.goto(f"{self.address}/graphql")
        expect(self.page.locator(".graphiql-execute-button")).to_be_visible(timeout=PATIENCE_MS)

    def slow_down(self, times: int) -> None:
        """Let the page have so small a part of the processor."""
        session = self.page.context.new_cdp_session(self.page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": times})

    def forget_tabs(self) -> None:
        """What was open is not opened again."""
        self.page.evaluate("localStorage.clear()")

    def pick(self, title: str) -> None:
        """Press the button of an example."""
        self.page.get_by_role("navigation", name="Examples").get_by_role(
            "button", name=title, exact=True
        ).click()

    def run(self) -> tuple[Mapping[str, Any], Request]:
        """Run what stands in the editor; its answer, and the request as it was sent."""
        with self.page.expect_response(lambda response: self._is_asked(response.request)) as told:
            self.page.locator(".graphiql-execute-button").click()
        answer = told.value.json()
        self._read_answer(answer)
        return answer, told.value.request

    def try_example(self, title: str) -> Mapping[str, Any]:
        """Pick an example and run it; its answer."""
        self.pick(title)
        answer, _ = self.run()
        return answer

    def be(self, name: str) -> None:
        """Choose an identity."""
        self.page.locator("#who").select_option(name)

    def press_run(self) -> None:
        """Run what stands in the editor, or stop what runs, and do not wait for it."""
        self.page.locator(".graphiql-execute-button").click()

    def sees(self, told: str) -> None:
        """Wait until the answer on the page has this in it."""
        self.page.wait_for_function(
            "told => document.querySelector('.result-window .CodeMirror')"
            ".CodeMirror.getValue().includes(told)",
            arg=told,
        )

    def write_variables(self, variables: Mapping[str, object]) -> None:
        """Type other variables."""
        self.page.evaluate(
            "text => document.querySelector('.graphiql-editor-tool .CodeMirror')"
            ".CodeMirror.setValue(text)",
            json.dumps(variables),
        )

    @property
    def variables(self) -> Mapping[str, Any]:
        """The variables that stand in the editor."""
        shown: Mapping[str, Any] = json.loads(self._editor(".graphiql-editor-tool"))
        return shown

    @property
    def shown(self) -> str:
        """The answer as it stands on the page."""
        return self._editor(".result-window")

    @property
    def strip(self) -> str:
        """What stands under the answer."""
        return self.page.locator("#consistency").inner_text()

    @property
    def token(self) -> str:
        """The token in the pocket; empty where there is none."""
        return self.page.locator("#token").get_attribute("title") or ""

    def _editor(self, place: str) -> str:
        text: str = self.page.evaluate(
            "place => document.querySelector(`${place} .CodeMirror`).CodeMirror.getValue()", place
        )
        return text

    def _read_answer(self, answer: Mapping[str, Any]) -> None:
        """Wait until the page shows it."""
        self.page.wait_for_function(
            "answer => {"
            " const shown = document.querySelector('.result-window .CodeMirror');"
            " try { return JSON.stringify(JSON.parse(shown.CodeMirror.getValue()))"
            "  === JSON.stringify(answer) }"
            " catch { return false } }",
            arg=answer,
        )

    def _is_asked(self, request: Request) -> bool:
        body = request.post_data or ""
        return request.url == f"{self.address}/graphql" and "IntrospectionQuery" not in body

    def _let_through(self, route: Route) -> None:
        host = urlsplit(route.request.url).hostname
        if host == LOOPBACK or route.request.url.startswith("data:"):
            route.continue_()
        else:
            self.asked_outside.append(route.request.url)
            route.abort()

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.complaints.append(message.text)

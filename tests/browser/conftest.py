"""A real browser without a window, in which every host but this machine's own is out of reach.

Without a browser, or without the pinned files of GraphiQL, the tests are skipped and say so; in CI
they fail.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

from scripts.playground_assets import PLAYGROUND_FOLDER, NotFetched, install
from tests.browser.playground import Playground
from tests.e2e.house import House
from tests.e2e.starting import running_house

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

SWITCHES: Final = (
    "--no-sandbox",  # a container's root has no other way
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The browser that is on the path, or the one that `TEST_BROWSER` names."""
    found = os.environ.get("TEST_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        skip_or_fail("no Chromium on the path; install one, or name it in TEST_BROWSER")
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, args=list(SWITCHES))
        except Error as error:
            skip_or_fail(f"{found} does not start: {error.message.splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house for browsers, with GraphiQL."""
    try:
        install(PLAYGROUND_FOLDER, npm=shutil.which("npm"))
    except NotFetched as error:
        skip_or_fail(f"GraphiQL could not be fetched: {error}")
    with running_house(tmp_path_factory.mktemp("house"), {"BFF_WAIT_CAP_MS": "50"}) as house:
        yield house


@pytest.fixture
def playground(browser: Browser, house: House, tmp_path: Path) -> Iterator[Playground]:
    """The playground in a tab of its own; at the end, nobody outside was asked for anything."""
    with Playground.opened(browser, house.started.address, shots=tmp_path) as playground:
        yield playground
    assert playground.asked_outside == []
    assert playground.complaints == []


def skip_or_fail(problem: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{problem}: CI tries the playground", pytrace=False)
    pytest.skip(f"no browser for the playground: {problem}")

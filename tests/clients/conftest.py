"""What the recipes run in: a Node project with them, and a house whose feeds a test may hold.

Without Node, or without its packages, the tests are skipped and say so; in CI they fail.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NoReturn

import pytest

from scripts.client_packages import install
from scripts.playground_assets import NotFetched
from tests.clients.recipes import write_project
from tests.e2e.house import House
from tests.e2e.starting import running_house

WITHOUT_NODE: Final = "no Node for the recipes"
"""How the reason of each skip begins."""

COMMAND: Final = "make clients"
OLDEST_NODE: Final = 18
"""The first that has `fetch`."""


@pytest.fixture(scope="session")
def node_packages() -> Path:
    """The pinned packages, fetched where they are not there yet."""
    if (problem := why_no_node()) is not None:
        skip_or_fail(problem)
    try:
        return install()
    except NotFetched as error:
        skip_or_fail(str(error))


@pytest.fixture(scope="session")
def node_project(node_packages: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the recipes of docs/clients.md and the session that tries them."""
    folder = tmp_path_factory.mktemp("node-project")
    write_project(folder, node_packages)
    for script in Path(__file__).parent.glob("*.js"):
        shutil.copy(script, folder)
    return folder


@pytest.fixture(scope="module")
def house(node_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A house for these tests alone. Reads wait briefly, as what they wait for will not come."""
    with running_house(tmp_path_factory.mktemp("house"), {"BFF_WAIT_CAP_MS": "50"}) as house:
        yield house


def why_no_node() -> str | None:
    """Why nothing can be run with Node; None where it can."""
    node = shutil.which("node")
    if node is None:
        return "node not found"
    version = subprocess.run((node, "--version"), capture_output=True, text=True, check=True).stdout
    major = int(version.lstrip("v").partition(".")[0])
    return f"node {version.strip()} is too old" if major < OLDEST_NODE else None


def skip_or_fail(problem: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{problem}: CI tries the recipes", pytrace=False)
    pytest.skip(f"{WITHOUT_NODE}: {problem}; {COMMAND} fetches what they need")

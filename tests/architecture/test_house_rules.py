"""House rules that no linter knows, each with the accident it prevents."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LAYERS = ("gateway", "resolvers", "projections")
PACKAGES = (*LAYERS, "upstream_stubs")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
NAMES_THAT_SAY_NOTHING = {"utils", "helpers", "common", "manager", "base", "misc", "data", "info"}
OF_NOBODY = {"127.0.0.1", "0.0.0.0", "192.0.2.1"}
"""This machine, any, and the address that standards keep for documents."""


def tracked_texts() -> dict[str, str]:
    """Every text that would be published, by its path."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [ROOT / line for line in listed.stdout.splitlines()]
    return {str(path.relative_to(ROOT)): path.read_text() for path in paths if path.is_file()}


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("module", MODULES, ids=relative)
def test_a_module_opens_with_what_it_is_for(module: Path) -> None:
    """A reader learns from the first line of every module what the room is for."""
    assert ast.get_docstring(ast.parse(module.read_text())), "the module has no docstring"


@pytest.mark.parametrize("module", MODULES, ids=relative)
def test_a_module_is_named_for_what_it_does(module: Path) -> None:
    """No module is a drawer for things without a place."""
    assert module.stem not in NAMES_THAT_SAY_NOTHING


@pytest.mark.parametrize("module", MODULES, ids=relative)
def test_only_the_settings_read_the_environment(module: Path) -> None:
    """A setting cannot be read behind the back of the settings, unnamed and unchecked."""
    reads = {"environ", "getenv"} & {
        node.attr
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Attribute)
    }

    assert not reads or relative(module) == "gateway/settings.py"


@pytest.mark.parametrize("module", MODULES, ids=relative)
def test_nobody_starts_a_task_without_an_owner(module: Path) -> None:
    """A task nobody waits for hides its failure and outlives its request."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert (node.value.id, node.attr) != ("asyncio", "create_task")
            assert (node.value.id, node.attr) != ("asyncio", "gather")


def test_nothing_is_left_for_later() -> None:
    """Nothing published waits for a later hand."""
    leftovers = re.compile(r"\b(TODO|FIXME|XXX)\b")
    found = [
        path
        for path, text in tracked_texts().items()
        if leftovers.search(text) and path != relative(Path(__file__))
    ]

    assert found == []


def test_no_address_but_this_machine_is_written_down() -> None:
    """No network address of anybody's machine is published."""
    address = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})(?![\d.])")
    found = {
        (path, match)
        for path, text in tracked_texts().items()
        for match in address.findall(text)
        if match not in OF_NOBODY and is_address(match) and not path.endswith(".lock")
    }

    assert found == set()


def is_address(text: str) -> bool:
    """Whether these four numbers can be an address at all."""
    return all(int(part) <= 255 for part in text.split("."))


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_holds_names_versions_and_hashes_only(lock: str) -> None:
    """Everything installed is pinned by hash, and no lock says where it was downloaded."""
    text = (ROOT / lock).read_text()
    pins = re.findall(r"^\S+==\S+.*$", text, re.MULTILINE)

    assert pins
    assert "://" not in text
    for pin in pins:
        assert pin.endswith("\\"), f"{pin} has no hash"

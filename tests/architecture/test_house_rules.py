"""House rules that no linter knows, each with the accident it prevents."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.tree import PACKAGES, ROOT, committed_texts, python_files, text_of

MODULES = python_files(*PACKAGES)
OF_NOBODY = {"127.0.0.1", "0.0.0.0", "192.0.2.1"}
"""This machine, any, and the address that standards keep for documents."""


def published() -> dict[str, str]:
    """Every text that a clone holds, by its path."""
    paths = committed_texts()
    assert paths, "this is no clone, so nothing can be said of what is published"
    return {str(path): text_of(path) for path in paths}


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_a_module_opens_with_what_it_is_for(module: Path) -> None:
    """A reader learns from the first line of every module what the room is for."""
    assert ast.get_docstring(ast.parse(text_of(module))), "the module has no docstring"


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_only_the_settings_read_the_environment(module: Path) -> None:
    """A setting cannot be read behind the back of the settings, unnamed and unchecked."""
    reads = {"environ", "getenv"} & {
        node.attr
        for node in ast.walk(ast.parse(text_of(module)))
        if isinstance(node, ast.Attribute)
    }

    assert not reads or module == Path("gateway/settings.py")


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_nobody_starts_a_task_without_an_owner(module: Path) -> None:
    """A task nobody waits for hides its failure and outlives its request."""
    for node in ast.walk(ast.parse(text_of(module))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            assert (node.value.id, node.attr) != ("asyncio", "create_task")
            assert (node.value.id, node.attr) != ("asyncio", "gather")


def test_nothing_is_left_for_later() -> None:
    """Nothing published waits for a later hand."""
    leftovers = re.compile(r"\b(TODO|FIXME|XXX)\b")
    found = [
        path
        for path, text in published().items()
        if leftovers.search(text) and path != str(Path(__file__).relative_to(ROOT))
    ]

    assert found == []


def test_no_address_but_this_machine_is_written_down() -> None:
    """No network address of anybody's machine is published."""
    address = re.compile(r"(?<![\d.])(\d{1,3}(?:\.\d{1,3}){3})(?![\d.])")
    found = {
        (path, match)
        for path, text in published().items()
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

"""The page of protections is true: each test and control is there, each setting, each layer."""

import ast
import re

import pytest

from gateway.settings import Settings, variable_name
from tests.docs.pages import ROOT, read, table
from tests.faults.fault_table import FAULTS

PAGE = read("docs/resilience.md")
ROWS = table(PAGE, "layer")
TESTS = {
    f"{path.stem}::{node.name}"
    for path in (ROOT / "tests").rglob("test_*.py")
    for node in ast.walk(ast.parse(path.read_text()))
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_protection_is_shown_beside_its_control(row: list[str]) -> None:
    """Both are tests of this tree, and not the same one."""
    *_, shown, control = row
    test, without = shown.strip("` "), control.strip("` ")

    assert {test, without} <= TESTS
    assert test != without


def test_every_setting_named_is_one() -> None:
    """What the page says to turn can be turned."""
    named = set(re.findall(r"`(BFF_\w+)`", PAGE))

    assert named <= {variable_name(name) for name in Settings.model_fields}


def test_every_layer_has_its_row() -> None:
    """Each module that stands around calls is linked."""
    sources = (ROOT / "resolvers" / "upstream").glob("*.py")
    layers = {path.name for path in sources if " def around(" in path.read_text()}

    assert {name for name in layers if f"/{name})" not in PAGE} == {"layer.py"}


def test_every_fault_of_the_matrix_has_its_row() -> None:
    """With the code that is told, the time until it is told, and the calls that it costs."""
    assert table(PAGE, "fault") == [
        [fault.name, f"`{fault.code}`", f"{fault.elapsed_s} s", str(fault.attempt_count)]
        for fault in FAULTS
    ]

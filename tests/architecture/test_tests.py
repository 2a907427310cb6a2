"""The suite as a manual: what holds for every test."""

import ast

from tests.architecture.tree import definitions, python_files


def test_every_test_states_its_law() -> None:
    """The docstring of a test is the law that it proves."""
    silent = [
        f"{path}:{definition.lineno}: {definition.name}"
        for path in python_files("tests")
        for definition in definitions(path)
        if definition.name.startswith("test_") and not ast.get_docstring(definition)
    ]

    assert silent == []

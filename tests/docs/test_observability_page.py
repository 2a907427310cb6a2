"""The page of log lines and spans is the code: each name, both ways."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.log_events import LOG_EVENTS
from gateway.settings import Settings, variable_name
from gateway.tracing import names
from tests.architecture.tree import python_files, text_of
from tests.docs.pages import read, table

PAGE = read("docs/observability.md")
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}


def logged() -> dict[str, set[str]]:
    """Every event that our code logs, with the fields that it is seen to have."""
    found: dict[str, set[str]] = {}
    for path in python_files("gateway", "resolvers", "projections"):
        for name, fields in (*logged_by_calls(path), *logged_by_hand(path)):
            found.setdefault(name, set()).update(fields)
    return found


def logged_by_calls(path: Path) -> Iterator[tuple[str, set[str]]]:
    """``self._log.info("name", field=…)``."""
    for node in ast.walk(ast.parse(text_of(path))):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="_log"), attr=level),
                args=[ast.Constant(value=str(name)), *_],
                keywords=keywords,
            ) if level in LEVELS:
                yield name, {word.arg for word in keywords if word.arg is not None}


def logged_by_hand(path: Path) -> Iterator[tuple[str, set[str]]]:
    """``{"event":"name",…``, as lines that are made without structlog begin."""
    for line in re.findall(r'\{\{"event":"(\w+)"(.*?)\\n', text_of(path), re.DOTALL):
        fields = set(re.findall(r'"(\w+)":', line[1]))
        yield line[0], fields - {"level", "timestamp"}


def test_what_is_logged_is_listed() -> None:
    """No event is logged that the list does not have, and none is listed that nobody logs."""
    assert set(logged()) == {event.name for event in LOG_EVENTS}


@pytest.mark.parametrize("event", LOG_EVENTS, ids=lambda event: event.name)
def test_an_event_has_the_fields_that_are_listed(event: object) -> None:
    """No field is logged under a name that is not in the list."""
    listed = next(of for of in LOG_EVENTS if of is event)

    assert logged()[listed.name] <= set(listed.fields)


def test_every_event_has_its_line() -> None:
    """The page has the events of the code, in their order, and no others."""
    assert table(PAGE, "event") == [
        [f"`{of.name}`", ", ".join(f"`{field}`" for field in of.fields) or "–", of.about]
        for of in LOG_EVENTS
    ]


def test_every_span_has_its_line() -> None:
    """Names of spans, of their events and of their attributes."""
    for heading, listed in (
        ("span", names.SPANS),
        ("span event", names.EVENTS),
        ("attribute", names.ATTRIBUTES),
    ):
        assert table(PAGE, heading) == [[f"`{name}`", about] for name, about in listed.items()]


def test_settings_that_are_told_are_there() -> None:
    """The page names no setting that there is not."""
    known = {variable_name(name) for name in Settings.model_fields}

    assert set(re.findall(r"`(BFF_\w+)", PAGE)) <= known

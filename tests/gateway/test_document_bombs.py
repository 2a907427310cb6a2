"""No document holds the others up: each is refused, or checked, within 50 ms.

Work is counted in calls; `python -m tests.gateway.bomb_times` tells the milliseconds.
"""

import random

import pytest
from graphql import parse, validate
from hypothesis import given, settings, target
from hypothesis import strategies as st

from gateway.admission.limits import DocumentLimits, first_excess
from gateway.execution.documents import MAX_ERRORS, DocumentRefused, Documents
from gateway.execution.graphql_schema import graphql_schema_of
from gateway.settings import Settings
from resolvers.schema import build_schema
from tests.gateway.document_bombs import BOMBS, HUGE, TOKEN_LIMIT, fitting
from tests.gateway.work import CALLS_OF_50_MS, calls_of

SCHEMA = graphql_schema_of(build_schema())
LIMITS = Settings().document_limits()
NONE = DocumentLimits(10**9, 10**9, 10**9, 10**9, 10**9, 10**9, 10**9, 10**9, 10**9)
HARMLESS = {"root fields", "items", "inline fragments"}
"""Within the limits, these are documents like any other."""


def documents(limits: DocumentLimits = LIMITS) -> Documents:
    return Documents(SCHEMA, token_limit=TOKEN_LIMIT, limits=limits, is_introspection_on=False)


def refusal_of(text: str) -> DocumentRefused | None:
    try:
        documents().read(text, {})
    except DocumentRefused as refused:
        return refused
    return None


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_at_once(name: str) -> None:
    """The largest of its kind that the parser takes is refused, for little work, in few words."""
    bomb = fitting(name, LIMITS)

    refused = refusal_of(bomb.whole)
    calls = calls_of(lambda: refusal_of(bomb.whole))

    assert refused is not None or name in HARMLESS
    assert calls < CALLS_OF_50_MS
    assert refused is None or len(refused.errors) <= MAX_ERRORS + 1


@pytest.mark.parametrize("name", BOMBS)
def test_what_is_let_through_is_checked_at_once(name: str) -> None:
    """The largest of its kind within all limits is validated for little work."""
    bomb = fitting(name, LIMITS)

    assert calls_of(lambda: refusal_of(bomb.spared)) < CALLS_OF_50_MS


@pytest.mark.parametrize("name", HUGE)
def test_a_huge_document_is_refused_at_once(name: str) -> None:
    """However long, deep or strange the text, it is refused for little work."""
    assert refusal_of(HUGE[name]) is not None
    assert calls_of(lambda: refusal_of(HUGE[name])) < CALLS_OF_50_MS


@pytest.mark.parametrize(
    ("name", "times"),
    [("nested repeats", 5), ("fragments side by side", 2), ("many operations", 2)],
)
def test_without_its_limits_a_bomb_is_dear(name: str, times: int) -> None:
    """The control: the same document, measured by nobody, is so many times the work."""
    text = fitting(name, LIMITS).whole

    within = calls_of(lambda: refusal_of(text))
    without = calls_of(lambda: documents(NONE).read(text, {}))

    assert without > times * within


@pytest.mark.parametrize("name", ["wide object"])
def test_a_hundred_errors_would_be_dear(name: str) -> None:
    """The control: to word all errors of a document is three times the work of ten."""
    document = parse(fitting(name, LIMITS).whole)

    ten = calls_of(lambda: validate(SCHEMA, document, max_errors=MAX_ERRORS))
    hundred = calls_of(lambda: validate(SCHEMA, document))

    assert hundred > 3 * ten


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False))
def test_no_document_that_chance_writes_is_dear(chance: random.Random) -> None:
    """Documents that search makes as dear as it can are validated for little work, or refused."""
    text = written(chance)
    if first_excess(parse(text), LIMITS) is not None:
        return

    calls = calls_of(lambda: refusal_of(text))

    target(float(calls))
    assert calls < CALLS_OF_50_MS


def written(chance: random.Random) -> str:
    """Fragments that spread each other, with fields that repeat, within the tokens."""
    count = chance.randint(0, 40)
    names = [f"F{n}" for n in range(count)]
    text = f'{{ order(id: "1") {{ {selections(chance, names)} }} }}'
    for at, name in enumerate(names):
        more = f"{text} fragment {name} on Order {{ {selections(chance, names[at + 1 :])} }}"
        try:
            parse(more, max_tokens=TOKEN_LIMIT)
        except Exception:  # noqa: BLE001 - it is full
            break
        text = more
    return text


def selections(chance: random.Random, names: list[str]) -> str:
    plain = chance.choices(["id", "note", "status", "x: id", "x: note", "total"], k=3)
    nested = ["customer { id name }", "customer { ... { id } }", "items { product { id } }"]
    spreads = [
        f"...{name}" for name in chance.sample(names, min(len(names), chance.randint(0, 30)))
    ]
    return " ".join([*plain, *chance.choices(nested, k=chance.randint(0, 2)), *spreads])

"""Documents that repeat themselves: refused before validation compares each repeat with each."""

import time

import pytest
from graphql import parse

from gateway.admission.limits import DocumentLimits, Limit, first_excess
from gateway.admission.survey import survey_of

LIMITS = DocumentLimits(depth_limit=15, cost_limit=7_500, root_limit=1000, alias_limit=1000)


def repeats_of(query: str) -> tuple[int, int]:
    """Repeats of plain fields, and of those with selections."""
    counted = survey_of(parse(query))
    return counted.plain_repeat_count, counted.nested_repeat_count


@pytest.mark.parametrize(
    ("query", "repeats"),
    [
        ("{ a b c }", (0, 0)),
        ("{ a a a }", (2, 0)),
        ("{ x: a x: b }", (1, 0)),
        ("{ x: a y: a }", (0, 0)),
        ("{ a { b } a { c } }", (0, 1)),
        ("{ a { b b } c { b b } }", (2, 0)),
        ("{ a ... { a } ...F } fragment F on Query { a }", (2, 0)),
        ("{ ...F ...F } fragment F on Query { a { b } }", (0, 1)),
        ("{ a ...Unknown }", (0, 0)),
    ],
)
def test_repeats_are_counted_by_response_key(query: str, repeats: tuple[int, int]) -> None:
    """A repeat shares its response key with an earlier field, through fragments too."""
    assert repeats_of(query) == repeats


def test_a_circle_of_fragments_comes_to_an_end() -> None:
    """What validation will refuse does not hold up the count before it."""
    assert repeats_of("{ ...F } fragment F on Q { b ...G } fragment G on Q { a ...F }") == (0, 0)


def test_fragments_side_by_side_may_each_name_the_same_field() -> None:
    """Thirty components that each ask for an id and a type are an honest document."""
    fragments = [f"fragment F{n} on Order {{ __typename id }}" for n in range(30)]
    spreads = " ".join(f"...F{n}" for n in range(30))

    document = parse(f'{{ order(id: "o") {{ {spreads} }} }} {" ".join(fragments)}')

    told = first_excess(document, LIMITS)

    assert told is None


@pytest.mark.parametrize(
    "query",
    [
        "{ " + "a " * (LIMITS.repeat_limit + 2) + "}",
        "{ " + "a { b } " * (LIMITS.nested_repeat_limit + 2) + "}",
        "{ " + "x: a x: b " * LIMITS.repeat_limit + "}",
    ],
)
def test_too_many_repeats_are_refused(query: str) -> None:
    """What validation would compare pair by pair for most of a second never gets there."""
    found = first_excess(parse(query), LIMITS)

    assert found is not None
    assert found.limit is Limit.REPEATS


def test_repeats_are_counted_at_once_however_fragments_double() -> None:
    """Sixty fragments that each spread the next one twice are counted in sixty steps."""
    chain = [f"fragment F{n} on Q {{ ...F{n + 1} ...F{n + 1} }}" for n in range(60)]
    document = "{ ...F0 } " + " ".join(chain) + " fragment F60 on Q { a }"
    started_at_s = time.perf_counter()

    plain_count, _ = repeats_of(document)

    assert plain_count > 2**60
    assert time.perf_counter() - started_at_s < 1

"""Documents that repeat themselves: refused before validation compares each repeat with each."""

import time

import pytest
from graphql import parse

from gateway.admission.limits import DocumentLimits, first_excess
from gateway.admission.repeats import NESTED_LIMIT, PLAIN_LIMIT, Repeats, count_repeats

LIMITS = DocumentLimits(depth_limit=15, cost_limit=7_500)
TOO_OFTEN = "the document repeats its fields too often: select each field once"


@pytest.mark.parametrize(
    ("query", "repeats"),
    [
        ("{ a b c }", Repeats(0, 0)),
        ("{ a a a }", Repeats(2, 0)),
        ("{ x: a x: b }", Repeats(1, 0)),
        ("{ x: a y: a }", Repeats(0, 0)),
        ("{ a { b } a { c } }", Repeats(0, 1)),
        ("{ a { b b } c { b b } }", Repeats(2, 0)),
        ("{ a ... { a } ...F } fragment F on Query { a }", Repeats(2, 0)),
        ("{ ...F ...F } fragment F on Query { a { b } }", Repeats(0, 1)),
        ("{ a ...Unknown }", Repeats(0, 0)),
    ],
)
def test_repeats_are_counted_by_response_key(query: str, repeats: Repeats) -> None:
    """A repeat shares its response key with an earlier field, through fragments too."""
    assert count_repeats(parse(query)) == repeats


def test_a_circle_of_fragments_comes_to_an_end() -> None:
    """What validation will refuse does not hold up the count before it."""
    count_repeats(parse("{ ...F } fragment F on Q { b ...G } fragment G on Q { a ...F }"))


def test_fragments_side_by_side_may_each_name_the_same_field() -> None:
    """Thirty components that each ask for an id and a type are an honest document."""
    fragments = [f"fragment F{n} on Order {{ __typename id }}" for n in range(30)]
    spreads = " ".join(f"...F{n}" for n in range(30))

    document = parse(f'{{ order(id: "o") {{ {spreads} }} }} {" ".join(fragments)}')

    told = first_excess(document, {}, LIMITS)

    assert told is None


@pytest.mark.parametrize(
    "query",
    [
        "{ " + "a " * (PLAIN_LIMIT + 2) + "}",
        "{ " + "a { b } " * (NESTED_LIMIT + 2) + "}",
        "{ " + "x: a x: b " * PLAIN_LIMIT + "}",
    ],
)
def test_too_many_repeats_are_refused(query: str) -> None:
    """What validation would compare pair by pair for most of a second never gets there."""
    assert first_excess(parse(query), {}, LIMITS) == TOO_OFTEN


def test_repeats_are_counted_at_once_however_fragments_double() -> None:
    """Sixty fragments that each spread the next one twice are counted in sixty steps."""
    chain = [f"fragment F{n} on Q {{ ...F{n + 1} ...F{n + 1} }}" for n in range(60)]
    document = parse("{ ...F0 } " + " ".join(chain) + " fragment F60 on Q { a }")
    started_at_s = time.perf_counter()

    repeats = count_repeats(document)

    assert repeats.plain_count > 2**60
    assert time.perf_counter() - started_at_s < 1

import time

import pytest
from graphql import parse

from gateway.admission.limits import ITEMS_OF_AN_ORDER, DocumentLimits, first_excess
from resolvers.pages import DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE

LIMITS = DocumentLimits(depth_limit=5, cost_limit=1000, root_limit=3)
ROOMY = DocumentLimits(depth_limit=100, cost_limit=10**9, root_limit=10**9)


def excess(query: str, limits: DocumentLimits = LIMITS, **variables: object) -> str | None:
    return first_excess(parse(query), variables, limits)


def nested(levels: int) -> str:
    return "{ a" * levels + " }" * levels


def cost_of(query: str, **variables: object) -> int:
    """The cost a document is taken to have, read from its refusal."""
    limits = DocumentLimits(depth_limit=100, cost_limit=0, root_limit=100)
    told = first_excess(parse(query), variables, limits)
    assert told is not None
    return int(told.split()[4])


def fragment_chain(length: int, body: str) -> str:
    """A document whose every fragment spreads the next one as ``body`` says, the last a field."""
    links = "".join(
        f"fragment f{n} on Query {{ {body.format(next=f'...f{n + 1}')} }}" for n in range(length)
    )
    return f"{{ ...f0 }} {links} fragment f{length} on Query {{ a }}"


def test_depth_is_allowed_up_to_its_limit() -> None:
    """A document of the greatest depth passes, one level more does not."""
    assert excess(nested(5)) is None
    assert excess(nested(6)) == "the query is nested deeper than 5 levels"


def test_fragments_and_inline_fragments_are_no_levels() -> None:
    """Only fields nest: a fragment costs no depth, and hides none."""
    hidden = "{ ... { ...F } } fragment F on Query " + nested(6)

    assert excess("{ ... { ... { ... { ... { ... { a } } } } } }") is None
    assert excess(hidden) == "the query is nested deeper than 5 levels"


@pytest.mark.parametrize(
    "query",
    [
        "{ a b c d }",
        "{ a: x b: x c: x d: x }",
        "{ x x x x }",
        "{ a b ... { c d } }",
        "{ ...F ...F } fragment F on Query { a b }",
        "mutation { a b c d }",
    ],
)
def test_root_fields_are_counted_however_they_are_written(query: str) -> None:
    """Aliases, repeats and fragments do not multiply the reads or writes of one operation."""
    assert excess(query) == "the operation has more than 3 root fields"


def test_root_fields_are_allowed_up_to_their_limit() -> None:
    """The control: three of three."""
    assert excess("{ a b c { d e f g } }") is None


def test_every_operation_of_a_document_is_measured() -> None:
    """A modest operation in front does not hide a greedy one behind it."""
    assert excess("query A { a } query B " + nested(6)) is not None


def test_cost_counts_what_the_answer_may_hold() -> None:
    """Fields of a list count once for each row that may come, page sizes multiplied in."""
    assert cost_of("{ order { id note } }") == 3
    assert cost_of("{ order { items { quantity } } }") == 2 + ITEMS_OF_AN_ORDER
    assert cost_of("{ orders(first: 7) { edges { cursor } } }") == 1 + 7 * 2
    assert cost_of("{ orders { edges { cursor } } }") == 1 + DEFAULT_PAGE_SIZE * 2


def test_lists_in_lists_are_multiplied() -> None:
    """A page of customers' pages costs the product of its sizes."""
    inner = "orders(first: 10) { edges { cursor } }"

    cost = cost_of(f"{{ orders(first: 10) {{ edges {{ node {{ customer {{ {inner} }} }} }} }} }}")

    assert cost == 1 + 10 * (3 + (1 + 10 * 2))


@pytest.mark.parametrize(
    ("first", "size"),
    [
        ("0", 1),
        ("-5", 1),
        ("100", MAX_PAGE_SIZE),
        ("101", MAX_PAGE_SIZE),
        ("9" * 5000, MAX_PAGE_SIZE),
        ("-" + "9" * 5000, MAX_PAGE_SIZE),
        ('"7"', MAX_PAGE_SIZE),
        ("null", MAX_PAGE_SIZE),
        ("7.5", MAX_PAGE_SIZE),
        ("[7]", MAX_PAGE_SIZE),
    ],
    ids=lambda value: str(value)[:8],
)
def test_no_page_size_makes_a_document_cheap(first: str, size: int) -> None:
    """A size that will be refused later is measured as what it could be at most, or at least."""
    assert cost_of(f"{{ orders(first: {first}) {{ edges }} }}") == 1 + size


@pytest.mark.parametrize(
    ("variables", "size"),
    [
        ({"n": 7}, 7),
        ({"n": -7}, 1),
        ({"n": 10**400}, MAX_PAGE_SIZE),
        ({"n": "7"}, MAX_PAGE_SIZE),
        ({"n": None}, MAX_PAGE_SIZE),
        ({"n": 7.5}, MAX_PAGE_SIZE),
        ({}, MAX_PAGE_SIZE),
    ],
    ids=str,
)
def test_a_page_size_may_be_a_variable(variables: dict[str, object], size: int) -> None:
    """A variable is measured by its value; a missing or strange one as the largest page."""
    query = "query ($n: Int) { orders(first: $n) { edges } }"

    assert cost_of(query, **variables) == 1 + size


def test_a_long_chain_of_doubling_fragments_is_measured_at_once() -> None:
    """Sixty fragments that each spread the next one twice are 2⁶⁰ fields and sixty steps."""
    document = parse(fragment_chain(60, "{next} {next}"))
    started_at_s = time.perf_counter()

    told = first_excess(document, {}, LIMITS)

    assert told == "the document repeats its fields too often: select each field once"
    assert time.perf_counter() - started_at_s < 1


def test_doubling_inside_fields_is_measured_at_once() -> None:
    """Doubling on every level of nesting is a cost of 2⁶⁰, found in linear time."""
    document = parse(fragment_chain(60, "a {{ {next} {next} }}"))
    limits = DocumentLimits(depth_limit=100, cost_limit=1000)
    started_at_s = time.perf_counter()

    told = first_excess(document, {}, limits)

    assert told is not None
    assert str(2**60) < told.split()[4]
    assert time.perf_counter() - started_at_s < 1


@pytest.mark.parametrize(
    "query",
    [
        "{ ...A } fragment A on Query { ...A }",
        "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
        "{ ...A } fragment A on Query { a { ...B } } fragment B on Query { b { ...A } }",
        "{ ...Nowhere }",
    ],
)
def test_circles_and_unknown_fragments_are_left_to_validation(query: str) -> None:
    """What goes in a circle or nowhere is measured to an end and counts nothing."""
    assert excess(query) is None


def test_a_schema_or_a_fragment_alone_has_nothing_to_measure() -> None:
    """Only operations ask for something."""
    assert excess("type A { a: Int } fragment F on Query " + nested(50), ROOMY) is None

import time

import pytest
from graphql import parse

from gateway.admission.limits import MAX_TOLD, DocumentLimits, Excess, Limit, first_excess
from gateway.admission.survey import survey_of

LIMITS = DocumentLimits(depth_limit=5, cost_limit=1000, root_limit=3)
ROOMY = DocumentLimits(depth_limit=100, cost_limit=10**9, root_limit=10**9)
MANY = DocumentLimits(
    depth_limit=99,
    cost_limit=10**9,
    root_limit=99,
    alias_limit=2,
    directive_limit=2,
    field_limit=5,
    operation_limit=2,
    repeat_limit=2,
    nested_repeat_limit=1,
)


def excess(query: str, limits: DocumentLimits = LIMITS) -> str | None:
    found = first_excess(parse(query), limits)
    return None if found is None else str(found)


def nested(levels: int) -> str:
    return "{ a" * levels + " }" * levels


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


def test_a_long_chain_of_doubling_fragments_is_measured_at_once() -> None:
    """Sixty fragments that each spread the next one twice are 2⁶⁰ fields and sixty steps."""
    document = parse(fragment_chain(60, "{next} {next}"))
    started_at_s = time.perf_counter()

    told = first_excess(document, LIMITS)

    assert told == Excess(Limit.ROOT_FIELDS, MAX_TOLD, 3)
    assert time.perf_counter() - started_at_s < 1


def test_doubling_inside_fields_is_measured_at_once() -> None:
    """Doubling on every level of nesting is 2⁶⁰ fields, found in linear time."""
    document = parse(fragment_chain(60, "a {{ {next} {next} }}"))
    started_at_s = time.perf_counter()

    counted = survey_of(document)

    assert counted.field_count > 2**60
    assert counted.depth == 61
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


@pytest.mark.parametrize(
    ("query", "limit"),
    [
        ("{ a: x b: x c: x }", Limit.ALIASES),
        ("{ q { a: x } ...F ...F } fragment F on Query { b: x }", Limit.ALIASES),
        ("{ a @x @x b { c @x } }", Limit.DIRECTIVES),
        ("query @x { a ... @x { b } ...F @x } fragment F on Query { c }", Limit.DIRECTIVES),
        ("query ($v: Int @x @x) { a @x }", Limit.DIRECTIVES),
        ("{ ...F } fragment F on Query @x { a @x @x }", Limit.DIRECTIVES),
        ("{ a b c d e f }", Limit.FIELDS),
        ("{ a { ...F } b { ...F } } fragment F on Query { c d }", Limit.FIELDS),
        ("query A { a } query B { b } mutation C { c }", Limit.OPERATIONS),
        ("{ a a a a }", Limit.REPEATS),
        ("{ a { b } a { c } a { d } }", Limit.REPEATS),
    ],
)
def test_each_count_has_its_limit(query: str, limit: Limit) -> None:
    """A document with one too many of anything is told of what; roomier limits let it in."""
    found = first_excess(parse(query), MANY)
    control = first_excess(parse(query), ROOMY)

    assert found is not None
    assert (found.limit, found.value, control) == (limit, found.allowed + 1, None)


def test_no_number_is_told_that_json_does_not_have() -> None:
    """What doubles a hundred times is told as the greatest number there is for clients."""
    found = first_excess(parse(fragment_chain(100, "{next} {next}")), MANY)

    assert found is not None
    assert found.value == MAX_TOLD

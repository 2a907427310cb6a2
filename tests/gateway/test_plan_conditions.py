"""Which fields an operation answers, and which variables decide that."""

import pytest
from graphql import OperationDefinitionNode, Undefined, parse

from gateway.execution.collecting import Field, collect, conditions_of, settled
from gateway.execution.graphql_schema import graphql_schema_of
from resolvers.schema import build_schema

SCHEMA = graphql_schema_of(build_schema())


@pytest.mark.parametrize(
    ("query", "conditions"),
    [
        ("{ a }", ()),
        ("{ a @skip(if: true) }", ()),
        ("{ a @skip(if: $x) b @include(if: $y) c @include(if: $x) }", ("x", "y")),
        ("{ a { b { c @skip(if: $deep) } } }", ("deep",)),
        ("{ ... @include(if: $i) { a ... on T @skip(if: $j) { b } } }", ("i", "j")),
        ("{ ...F @include(if: $s) } fragment F on T { a @skip(if: $t) }", ("s", "t")),
        ("query A { a @skip(if: $x) } query B { b @skip(if: $y) }", ("x", "y")),
        ("{ a(b: $no) @skip(if: $x) }", ("x",)),
        ("{ a @skip(if: null) }", None),
        ('{ a @defer(label: "l") }', None),
    ],
)
def test_conditions_are_the_variables_of_directives(
    query: str, conditions: tuple[str, ...] | None
) -> None:
    """Wherever they stand, once each, in order; none are known where more than they decide."""
    assert conditions_of(parse(query)) == conditions


@pytest.mark.parametrize(
    ("values", "conditions"),
    [
        ((True, Undefined, Undefined), {"x": True, "y": True, "z": False}),
        ((False, False, True), {"x": False, "y": False, "z": True}),
        ((Undefined, True, True), None),
        ((None, True, True), None),
        ((True, None, True), None),
        ((True, 1, True), None),
    ],
    ids=["by default", "given", "missing", "null", "null for a default", "a number"],
)
def test_conditions_are_settled_by_values_and_defaults(
    values: tuple[object, ...], conditions: dict[str, bool] | None
) -> None:
    """What is not given has its default; what belongs to another operation may be anything."""
    operation = parse("query A($x: Boolean!, $y: Boolean = true) { a }").definitions[0]
    assert isinstance(operation, OperationDefinitionNode)

    assert settled(operation, ("x", "y", "z"), values) == conditions


def collected(query: str, **conditions: bool) -> list[str]:
    document = parse(query)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return told(collect(SCHEMA, document, operation, conditions))


def told(fields: tuple[Field, ...], above: str = "") -> list[str]:
    paths = []
    for field in fields:
        path = f"{above}{field.key}:{field.name}" + "+" * (len(field.nodes) - 1)
        paths += [path, *told(field.fields, f"{path} ")]
    return paths


@pytest.mark.parametrize(
    ("query", "conditions", "fields"),
    [
        (
            "query ($c: Boolean!) { order(id: 1) { id note @include(if: $c) } }",
            {"c": False},
            ["order:order", "order:order id:id"],
        ),
        (
            "{ o: order(id: 1) { id } ...F } fragment F on Query { o: order(id: 1) { n: note id}}",
            {},
            ["o:order+", "o:order+ id:id+", "o:order+ n:note"],
        ),
        (
            "query ($c: Boolean!) { ...F @skip(if: $c) ...F } fragment F on Query { __typename }",
            {"c": True},
            ["__typename:__typename"],
        ),
    ],
    ids=["left out", "merged", "spread twice"],
)
def test_fields_are_those_of_the_answer(
    query: str, conditions: dict[str, bool], fields: list[str]
) -> None:
    """Fragments are spread, conditions settled, and fields of one key are one."""
    assert collected(query, **conditions) == fields

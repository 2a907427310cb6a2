"""Arguments of plans: plain values are taken as they are, all else is graphql-core's to judge."""

from typing import Any

import pytest
from graphql import OperationDefinitionNode, parse
from graphql.execution import values

from gateway.execution import arguments
from gateway.execution.arguments import ArgumentReader, Unproven, Variables
from gateway.execution.collecting import collect
from gateway.execution.graphql_schema import graphql_schema_of
from projections.views import OrderStatus
from resolvers.schema import build_schema

SCHEMA = build_schema()
CORE = graphql_schema_of(SCHEMA)


def read(query: str, **given: object) -> dict[str, Any]:
    """The arguments of the first root field."""
    document = parse(query)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    reader = ArgumentReader(SCHEMA, collect(CORE, document, operation, {})[0])
    variables = Variables(CORE, operation)
    coerced = variables.coerced(given, are_looked_into=reader.looks_into_variables)
    return dict(reader.read(coerced))


@pytest.fixture
def coercions(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Every call of graphql-core's own coercion of variables."""
    calls: list[object] = []

    def noted(*given: Any, **options: Any) -> object:
        calls.append(given)
        return values.get_variable_values(*given, **options)

    monkeypatch.setattr(arguments, "get_variable_values", noted)
    return calls


ORDERS = "orders(customerId: $c, first: $n, status: $s, after: $a) { __typename }"
PLAIN = f"query ($c: ID!, $n: Int, $a: String) {{ {ORDERS.replace(', status: $s', '')} }}"
WITH_STATUS = f"query ($c: ID! = 5, $n: Int, $a: String, $s: OrderStatus) {{ {ORDERS} }}"


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"c": "c-1"}, {"customer_id": "c-1", "first": 20}),
        ({"c": "c-1", "n": 5}, {"customer_id": "c-1", "first": 5}),
        ({"c": "c-1", "n": None}, {"customer_id": "c-1", "first": None}),
        ({"c": "c-1", "a": "x", "more": 1}, {"customer_id": "c-1", "first": 20, "after": "x"}),
    ],
    ids=["left out", "given", "null", "more than is asked for"],
)
def test_plain_values_are_taken_as_they_are(
    given: dict[str, object], taken: dict[str, object], coercions: list[object]
) -> None:
    """A value that means itself is not looked at by anybody; what is left out has its default."""
    assert read(PLAIN, **given) == taken
    assert coercions == []


@pytest.mark.parametrize(
    ("query", "given", "name", "value"),
    [
        (PLAIN, {"c": 7}, "customer_id", "7"),
        (PLAIN, {"c": "c-1", "n": 2.0}, "first", 2),
        (WITH_STATUS, {"s": "PLACED"}, "status", OrderStatus.PLACED),
        (PLAIN.replace("$n: Int", "$n: Int = 3"), {"c": "c-1"}, "first", 3),
    ],
    ids=["a number as an id", "a whole float", "an enum", "a default of the document"],
)  # fmt: skip
def test_other_values_are_coerced(
    query: str, given: dict[str, object], name: str, value: object, coercions: list[object]
) -> None:
    """What does not mean itself is what graphql-core makes of it."""
    assert read(query, **given)[name] == value
    assert len(coercions) == 1


@pytest.mark.parametrize(
    "given",
    [{}, {"c": None}, {"c": True}, {"c": "c-1", "n": "2"}, {"c": "c-1", "n": 2**31},
     {"c": "c-1", "n": True}, {"c": "c-1", "a": 5}],
    ids=str,
)  # fmt: skip
def test_what_is_refused_is_left_to_graphql_core(given: dict[str, object]) -> None:
    """No word is said here against a value: the request is answered the other way."""
    with pytest.raises(Unproven):
        read(PLAIN, **given)


def test_a_null_for_what_is_required_is_left_to_graphql_core() -> None:
    """A variable that may be null, because it has a default, may not be where null may not be."""
    with pytest.raises(Unproven):
        read('query ($i: ID = "o-1") { order(id: $i) { id } }', i=None)


def test_variables_within_an_argument_are_looked_into(coercions: list[object]) -> None:
    """An argument that holds a variable is read anew at every request, by graphql-core's rules."""
    query = """query ($t: [ConsistencyToken!]!, $ms: Int = 5) {
        order(id: "o-1", consistency: {atLeast: {tokens: $t, maxWaitMs: $ms}}) { id } }"""

    taken = read(query, t="one")

    assert taken["id"] == "o-1"
    assert taken["consistency"].at_least.tokens == ["one"]
    assert taken["consistency"].at_least.max_wait_ms == 5
    assert len(coercions) == 1


def test_literals_are_read_once() -> None:
    """What the document says is not read again for each request."""
    document = parse("{ orders(customerId: 7, status: SHIPPED) { __typename } }")
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    reader = ArgumentReader(SCHEMA, collect(CORE, document, operation, {})[0])
    nothing = Variables(CORE, operation).coerced({}, are_looked_into=False)

    assert reader.read(nothing) is reader.read(nothing)
    assert reader.read(nothing) == {
        "customer_id": "7",
        "status": OrderStatus.SHIPPED,
        "first": 20,
    }

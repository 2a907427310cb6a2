"""The code of a plan: what is written is what the module says is written."""

import inspect
import re

import pytest
from graphql import OperationDefinitionNode, parse

from gateway.execution import generating
from gateway.execution.collecting import MAX_FIELDS, Unplannable
from gateway.execution.plan import Plan
from resolvers.schema import build_schema

SCHEMA = build_schema()


def plan_of(query: str, **conditions: bool) -> Plan:
    document = parse(query)
    operation = document.definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    return Plan.compile(SCHEMA, document, operation, conditions)


def test_the_example_is_what_is_written() -> None:
    """The module's own example is, to the letter, the code of its query."""
    told = inspect.getdoc(generating) or ""
    shown = re.search(r"^For `(.*?)` it writes\n\n(.*?)\n\n``r``", told, re.DOTALL | re.MULTILINE)
    assert shown is not None

    query, code = shown.groups()

    assert inspect.cleandoc(code) == plan_of(query).source.strip()


def test_nothing_of_a_document_is_code() -> None:
    """Keys are literals, and what else a text holds is not in the code at all."""
    query = '{ o: order(id: "\\"); boom(\\"") { __import__: note class: __typename } }'

    source = plan_of(query).source

    assert "boom" not in source
    assert "'__import__': (v if" in source
    assert "'class': 'Order'" in source


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ("mutation { __typename }", "only queries are planned"),
        ("{ __schema { description } }", "of the root field __schema nothing is known"),
        (
            '{ order(id: "o") { ' + " ".join(f"a{n}: id" for n in range(MAX_FIELDS)) + " } }",
            "an unknown field, or too many",
        ),
        ("{ order(id: null) { id } }", "an argument that graphql-core is to judge"),
    ],
    ids=["a mutation", "introspection", "too many fields", "a bad literal"],
)
def test_what_cannot_be_planned_says_why(query: str, reason: str) -> None:
    """What is beyond plans is refused with its reason, and is graphql-core's."""
    with pytest.raises(Unplannable, match=reason):
        plan_of(query)

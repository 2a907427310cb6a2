"""The example operations: they mean what the schema means, and the page can fill them."""

import json
from pathlib import Path
from typing import Final

import pytest
from graphql import (
    DocumentNode,
    GraphQLSchema,
    OperationDefinitionNode,
    build_schema,
    get_operation_ast,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values
from pydantic import BaseModel, ConfigDict, JsonValue, TypeAdapter

from gateway.playground.site import PAGES_FOLDER

SCHEMA_FILE: Final = Path(__file__).parents[3] / "schema.graphql"

# What session.js and examples.js know how to put into a variable.
FILL_SOURCES: Final = {"placedOrderId", "placedToken", "nextCursor", "freshKey"}


class Example(BaseModel):
    """One entry of examples.json; an unknown property would silently do nothing on the page."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str
    hint: str
    query: list[str]
    variables: dict[str, JsonValue]
    fill: dict[str, str] = {}
    needs: str | None = None
    carry: bool = True

    @property
    def document(self) -> DocumentNode:
        return parse("\n".join(self.query))

    @property
    def operation(self) -> OperationDefinitionNode:
        operation = get_operation_ast(self.document)
        assert operation is not None, f"{self.title} holds more than one operation"
        return operation


EXAMPLES: Final = TypeAdapter(list[Example]).validate_json(
    (PAGES_FOLDER / "examples.json").read_bytes()
)
every_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)


@pytest.fixture(scope="module")
def schema() -> GraphQLSchema:
    if not SCHEMA_FILE.exists():
        pytest.skip("schema.graphql has not been written yet")
    return build_schema(SCHEMA_FILE.read_text("utf-8"))


@every_example
def test_example_is_valid_under_the_schema(example: Example, schema: GraphQLSchema) -> None:
    """Every example runs as it stands: the checked-in schema accepts it."""
    assert validate(schema, example.document) == []


@every_example
def test_variables_of_an_example_have_the_types_it_declares(
    example: Example, schema: GraphQLSchema
) -> None:
    """The variables that come with an example are accepted by the operation they come with."""
    declared = list(example.operation.variable_definitions or ())

    coerced = get_variable_values(schema, declared, example.variables)

    assert not isinstance(coerced, list), coerced


@every_example
def test_example_uses_every_variable_it_ships(example: Example) -> None:
    """No variable is left over that the operation does not declare."""
    declared = {d.variable.name.value for d in example.operation.variable_definitions or ()}

    assert set(example.variables) == declared


@every_example
def test_fill_puts_a_known_thing_into_a_variable_that_exists(example: Example) -> None:
    """What the session fills in has a place to go to and a source that the page knows."""
    for path, source in example.fill.items():
        place: JsonValue = example.variables
        for step in path.split("."):
            assert isinstance(place, dict)
            place = place[step]

        assert source in FILL_SOURCES


def test_operation_names_are_one_of_a_kind() -> None:
    """GraphiQL finds an example's tab again by the name of its operation."""
    names = [example.operation.name.value for example in EXAMPLES if example.operation.name]

    assert len(set(names)) == len(EXAMPLES)


def test_examples_show_the_write_read_with_and_without_the_token() -> None:
    """The point of the gateway is among them: place, read by token, and the control without."""
    filled = [set(example.fill.values()) for example in EXAMPLES]
    switched_off = [example.title for example in EXAMPLES if not example.carry]

    assert any("placeOrder" in json.dumps(example.query) for example in EXAMPLES)
    assert {"placedOrderId", "placedToken"} in filled
    assert switched_off == ["… and without"]

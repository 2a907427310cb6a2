"""A document becomes a tree of the fields that one operation of it answers.

Fragments, merged fields, `@skip` and `@include` are resolved by graphql-core's own collector, so
this tree cannot differ from what its executor would walk. Where a variable decides whether a field
is there at all, each of its values makes a tree of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from graphql import (
    BooleanValueNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    Undefined,
    VariableNode,
    get_named_type,
)
from graphql.execution.collect_fields import (
    FieldDetails,
    FragmentDetails,
    collect_fields,
    collect_subfields,
)
from graphql.execution.values import VariableValues

from gateway.admission.fragments import fragments_of

TYPENAME: Final = "__typename"
MAX_FIELDS: Final = 2_000
"""Fields of one plan; its code takes some 2 kB of memory and 30 µs to make for each."""


class Unplannable(Exception):
    """The operation is left to graphql-core, for this reason."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One key of the answer, and all that the document selects below it."""

    key: str
    parent: GraphQLObjectType
    definition: GraphQLField
    nodes: tuple[FieldNode, ...]
    fields: "tuple[Field, ...]" = ()

    @property
    def name(self) -> str:
        """The name in the schema."""
        return self.nodes[0].name.value


def conditions_of(document: DocumentNode) -> tuple[str, ...] | None:
    """The variables that decide whether something is in the answer, in order of first use.

    None where something else does too: a directive that this schema does not have.
    """
    found: dict[str, None] = {}
    try:
        for definition in document.definitions:
            if isinstance(definition, OperationDefinitionNode | FragmentDefinitionNode):
                found.update(dict.fromkeys(_conditions_in(definition.selection_set)))
    except Unplannable:
        return None
    return tuple(found)


def settled(
    operation: OperationDefinitionNode, conditions: Sequence[str], values: Sequence[object]
) -> dict[str, bool] | None:
    """The conditions with these values, or their defaults; None where one is no boolean.

    `Undefined` is the value of what was not given.
    """
    known: dict[str, bool] = {}
    for name, given in zip(conditions, values, strict=True):
        value = _default(operation, name) if given is Undefined else given
        if not isinstance(value, bool):
            return None
        known[name] = value
    return known


def collect(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    conditions: Mapping[str, bool],
) -> tuple[Field, ...]:
    """The root fields of ``operation``, where the variables ``conditions`` have these values.

    Raises `Unplannable` for what has more than `MAX_FIELDS` fields, or is no plain object.
    """
    root = schema.get_root_type(operation.operation)
    if root is None:
        raise Unplannable("the schema has no such operations")
    return _Collector(schema, document, operation, conditions).collect(root)


class _Collector:
    def __init__(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        conditions: Mapping[str, bool],
    ) -> None:
        self._schema = schema
        self._operation = operation
        self._variables = VariableValues({}, dict(conditions))
        self._fragments = {
            name: FragmentDetails(fragment) for name, fragment in fragments_of(document).items()
        }
        self._count = 0

    def collect(self, root: GraphQLObjectType) -> tuple[Field, ...]:
        collected = collect_fields(
            self._schema, self._fragments, self._variables, root, self._operation
        )
        return self._fields(root, collected.grouped_field_set)

    def _fields(
        self, parent: GraphQLObjectType, grouped: Mapping[str, list[FieldDetails]]
    ) -> tuple[Field, ...]:
        return tuple(self._field(key, parent, details) for key, details in grouped.items())

    def _field(self, key: str, parent: GraphQLObjectType, details: list[FieldDetails]) -> Field:
        self._count += 1
        nodes = tuple(detail.node for detail in details)
        definition = self._schema.get_field(parent, nodes[0].name.value)
        if definition is None or self._count > MAX_FIELDS:
            raise Unplannable("an unknown field, or too many")
        return Field(key, parent, definition, nodes, self._below(definition, details))

    def _below(self, definition: GraphQLField, details: list[FieldDetails]) -> tuple[Field, ...]:
        if details[0].node.selection_set is None:
            return ()
        below = get_named_type(definition.type)
        if not isinstance(below, GraphQLObjectType):
            raise Unplannable("a field that is one of several types")
        collected = collect_subfields(
            self._schema, self._fragments, self._variables, self._operation, below, details
        )
        return self._fields(below, collected.grouped_field_set)


def _default(operation: OperationDefinitionNode, name: str) -> bool | None:
    """What a condition is by default; anything where it belongs to another operation."""
    for definition in operation.variable_definitions or ():
        if definition.variable.name.value == name:
            default = definition.default_value
            return default.value if isinstance(default, BooleanValueNode) else None
    return False


def _conditions_in(selections: SelectionSetNode) -> Iterator[str]:
    for selection in selections.selections:
        yield from _conditions_on(selection)
        match selection:
            case FieldNode(selection_set=SelectionSetNode() as below):
                yield from _conditions_in(below)
            case InlineFragmentNode(selection_set=below):
                yield from _conditions_in(below)
            case FieldNode() | FragmentSpreadNode():
                pass


def _conditions_on(selection: SelectionNode) -> Iterator[str]:
    for directive in selection.directives or ():
        for argument in directive.arguments or ():
            match argument.value:
                case VariableNode(name=name):
                    yield name.value
                case BooleanValueNode():
                    pass
                case _:
                    raise Unplannable("a directive with more than a condition")

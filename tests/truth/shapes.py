"""A document as the check of answers needs it: which field stands behind each response key.

Fields are followed by name alone, because in our schema a name says what a field leads to.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from graphql import (
    ArgumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    Undefined,
    ValueNode,
    parse,
    value_from_ast_untyped,
)

from projections.versions import AggregateType

Json = Any

TYPES = {
    "order": AggregateType.ORDER,
    "node": AggregateType.ORDER,
    "customer": AggregateType.CUSTOMER,
    "product": AggregateType.PRODUCT,
}
"""What a field of this name leads to; the others lead to no component."""
CONNECTION = "orders"
CURSOR = "after"

Fragments = Mapping[str, FragmentDefinitionNode]


@dataclass(slots=True)
class Field:
    """One field of a document, everything that is asked of it at this place taken together."""

    name: str
    arguments: dict[str, ValueNode] = field(default_factory=dict)
    below: dict[str, "Field"] = field(default_factory=dict)

    @property
    def type(self) -> AggregateType | None:
        return TYPES.get(self.name)

    def cursors(self) -> Iterator[ValueNode]:
        """The cursors given to this field and to all below it."""
        if CURSOR in self.arguments:
            yield self.arguments[CURSOR]
        for inner in self.below.values():
            yield from inner.cursors()


@dataclass(frozen=True, slots=True)
class Document:
    """One operation: its root fields by response key, and what its variables are by default."""

    is_mutation: bool
    roots: Mapping[str, Field]
    defaults: Mapping[str, Json]

    def field_at(self, path: str) -> Field | None:
        """The field at a response path without list indexes; None if there is no such."""
        fields, found = self.roots, None
        for key in path.split("."):
            found = fields.get(key)
            if found is None:
                return None
            fields = found.below
        return found


@lru_cache(maxsize=256)
def read_document(query: str, operation_name: str | None) -> Document:
    """The operation that this request runs; the document is one that the gateway has accepted."""
    definitions = parse(query, no_location=True).definitions
    fragments = {
        node.name.value: node for node in definitions if isinstance(node, FragmentDefinitionNode)
    }
    operation = next(
        node
        for node in definitions
        if isinstance(node, OperationDefinitionNode)
        and (operation_name is None or (node.name and node.name.value == operation_name))
    )
    roots: dict[str, Field] = {}
    _collect(operation.selection_set, fragments, roots)
    defaults = {
        node.variable.name.value: value_from_ast_untyped(node.default_value)
        for node in operation.variable_definitions or ()
        if node.default_value is not None
    }
    return Document(operation.operation is OperationType.MUTATION, roots, defaults)


def value_of(node: ValueNode, variables: Mapping[str, Json]) -> Json:
    """The value of an argument; None where its variable was not given."""
    value = value_from_ast_untyped(node, dict(variables))
    return None if value is Undefined else value


def _collect(selection: SelectionSetNode, fragments: Fragments, into: dict[str, Field]) -> None:
    for node in selection.selections:
        match node:
            case FieldNode(name=name, alias=alias):
                found = into.setdefault((alias or name).value, Field(name.value))
                found.arguments.update(_by_name(node.arguments or ()))
                if node.selection_set is not None:
                    _collect(node.selection_set, fragments, found.below)
            case FragmentSpreadNode(name=name):
                _collect(fragments[name.value].selection_set, fragments, into)
            case InlineFragmentNode(selection_set=inner):
                _collect(inner, fragments, into)


def _by_name(arguments: Iterable[ArgumentNode]) -> Iterator[tuple[str, ValueNode]]:
    return ((argument.name.value, argument.value) for argument in arguments)

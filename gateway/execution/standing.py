"""A subscription becomes a standing query: one that is asked again for each order that changed.

    subscription ($id: ID!) { orderChanged(id: $id) { total ...Shown } }

is answered, for each of its orders, as

    query ($orderId: ID!) { orderChanged: order(id: $orderId) { total ...Shown } }

So plans, kept answers, limits and the rules of who may see what are those of queries, and there is
no second way to show an order. Variables of the root field alone are left out: who follows the same
order in the same words asks the same, whatever she has seen before.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from weakref import WeakKeyDictionary

import strawberry
from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableDefinitionNode,
    VariableNode,
    Visitor,
    visit,
)
from graphql.execution.collect_fields import FragmentDetails, collect_fields
from graphql.execution.values import VariableValues, get_argument_values, get_variable_values

from gateway.admission.fragments import fragments_of
from gateway.execution.document import Document
from gateway.execution.documents import DocumentRefused
from gateway.execution.graphql_schema import graphql_schema_of
from resolvers.errors import ResolverError

Variables = Mapping[str, object]

ORDER_ID: Final = "standingOrderId"
"""The variable of a standing query that says which order. No document has it: see `_own_name`."""


@dataclass(frozen=True, slots=True)
class Followed:
    """What a subscription follows: one order, or all orders of a customer; and from where on."""

    order_id: str | None
    customer_id: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class Standing:
    """A standing query, ready to be asked: `variables_of` says of which order.

    ``key`` is that of its field in the answer.
    """

    document: Document
    key: str
    followed: Followed
    order_variable: str
    variables: Variables

    def variables_of(self, order_id: str) -> dict[str, object]:
        """The variables with which it asks for this order."""
        return {**self.variables, self.order_variable: order_id}


class StandingQueries:
    """The standing queries of one schema; a document's are kept for as long as it is."""

    def __init__(self, schema: strawberry.Schema) -> None:
        self._schema = graphql_schema_of(schema)
        self._known: WeakKeyDictionary[Document, dict[object, Document]] = WeakKeyDictionary()

    def of(self, document: Document, operation_name: str | None, variables: Variables) -> Standing:
        """That of a valid subscription. Raises `DocumentRefused` for what its variables are."""
        operation = document.operation(operation_name)
        assert operation is not None, "asked for by its type"  # noqa: S101 - for the type checker
        values = self._coerced(operation, variables)
        nodes = self._root_nodes(document, operation, values)
        own_name = _own_name(operation)
        known = self._known.setdefault(document, {})
        asked_for = operation_name, tuple(map(id, nodes))
        if asked_for not in known:
            known[asked_for] = _standing(document, operation, nodes, own_name)
        standing = known[asked_for]
        [asked] = standing.operations
        names = [one.variable.name.value for one in asked.variable_definitions or ()]
        taken = {name: variables[name] for name in names if name in variables}
        key = (nodes[0].alias or nodes[0].name).value
        return Standing(standing, key, self._followed(nodes[0], values), own_name, taken)

    def _coerced(self, operation: OperationDefinitionNode, given: Variables) -> VariableValues:
        definitions = operation.variable_definitions or ()
        coerced = get_variable_values(self._schema, definitions, dict(given), hide_suggestions=True)
        if isinstance(coerced, VariableValues):
            return coerced
        raise DocumentRefused(list(coerced))

    def _root_nodes(
        self, document: Document, operation: OperationDefinitionNode, values: VariableValues
    ) -> Sequence[FieldNode]:
        """The selections of its root field, of which there is one."""
        root = self._schema.subscription_type
        assert root is not None, "it is valid"  # noqa: S101 - for the type checker
        fragments = {
            name: FragmentDetails(fragment) for name, fragment in document.fragments.items()
        }
        collected = collect_fields(self._schema, fragments, values, root, operation)
        grouped = list(collected.grouped_field_set.values())
        if len(grouped) != 1:  # left out by a directive
            raise DocumentRefused([GraphQLError("A subscription has one field.", operation)])
        return [details.node for details in grouped[0]]

    def _followed(self, node: FieldNode, values: VariableValues) -> Followed:
        root = self._schema.subscription_type
        assert root is not None, "it is valid"  # noqa: S101 - for the type checker
        try:
            given = get_argument_values(root.fields[node.name.value], node, values)
        except GraphQLError as error:
            raise DocumentRefused([error]) from error
        return Followed(_text(given, "id"), _text(given, "customerId"), _text(given, "after"))


def refused(error: ResolverError) -> DocumentRefused:
    """The refusal of a subscription whose arguments are no good."""
    return DocumentRefused([GraphQLError(str(error), original_error=error)])


def _text(given: Mapping[str, object], name: str) -> str | None:
    value = given.get(name)
    return None if value is None else str(value)


def _own_name(operation: OperationDefinitionNode) -> str:
    """A variable that this operation does not have."""
    taken = {one.variable.name.value for one in operation.variable_definitions or ()}
    name = ORDER_ID
    while name in taken:
        name += "_"
    return name


def _standing(
    document: Document,
    operation: OperationDefinitionNode,
    nodes: Sequence[FieldNode],
    own_name: str,
) -> Document:
    """The standing query as a document of its own, with the fragments of the one it is from."""
    variable = VariableNode(name=NameNode(value=own_name))
    asked = [_asked(node, variable) for node in nodes]
    fragments = [one for one in document.node.definitions if _is_fragment(one)]
    used = set(_used_variables(asked, fragments_of(document.node)))
    kept = [one for one in operation.variable_definitions or () if one.variable.name.value in used]
    an_id = NonNullTypeNode(type=NamedTypeNode(name=NameNode(value="ID")))
    query = OperationDefinitionNode(
        operation=OperationType.QUERY,
        name=operation.name,
        variable_definitions=(*kept, VariableDefinitionNode(variable=variable, type=an_id)),
        directives=(),
        selection_set=SelectionSetNode(selections=tuple(asked)),
    )
    bill = document.bill(None if operation.name is None else operation.name.value)
    return Document("", DocumentNode(definitions=(query, *fragments)), (bill,))


def _asked(node: FieldNode, variable: VariableNode) -> FieldNode:
    """The root field under its own key in the answer, asking for one order."""
    return FieldNode(
        alias=node.alias or node.name,
        name=NameNode(value="order"),
        arguments=(ArgumentNode(name=NameNode(value="id"), value=variable),),
        directives=(),
        selection_set=node.selection_set,
        loc=node.loc,
    )


def _is_fragment(definition: object) -> bool:
    return isinstance(definition, FragmentDefinitionNode)


def _used_variables(
    nodes: Sequence[FieldNode], fragments: Mapping[str, FragmentDefinitionNode]
) -> Iterator[str]:
    """The variables used below these nodes, through fragments; each fragment is read once."""
    waiting: list[FieldNode | FragmentDefinitionNode] = list(nodes)
    spread: set[str] = set()
    while waiting:
        used = _Used()
        visit(waiting.pop(), used)
        yield from used.variables
        waiting += [fragments[name] for name in used.fragments - spread]
        spread |= used.fragments


class _Used(Visitor):
    """What is used by name below one node."""

    def __init__(self) -> None:
        super().__init__()
        self.variables: set[str] = set()
        self.fragments: set[str] = set()

    def enter_variable(self, node: VariableNode, *_: object) -> None:
        self.variables.add(node.name.value)

    def enter_fragment_spread(self, node: FragmentSpreadNode, *_: object) -> None:
        self.fragments.add(node.name.value)

"""From the query's text to what it asks for: GraphQL selections become `projections.selection`.

Every field is found once, through fragments, `@skip` and `@include`; a fragment spread twice in one
selection is walked once, so the cost is linear in the document.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    SelectionNode,
    Undefined,
    ValueNode,
    value_from_ast_untyped,
)

from projections.selection import CustomerSelection, OrderSelection, PageSelection
from projections.views import OrderStatus
from resolvers.context import Info
from resolvers.errors import BadInput
from resolvers.pages import DEFAULT_PAGE_SIZE, check_page_size, parse_cursor

Variables = Mapping[str, object]

NOTHING_MORE = OrderSelection()


def read_page(
    first: int | None,
    after: str | None,
    status: OrderStatus | None = None,
    node: OrderSelection = NOTHING_MORE,
) -> PageSelection:
    """The page that connection arguments mean; raises `BadInput` naming the bad one."""
    return PageSelection(
        first=DEFAULT_PAGE_SIZE if first is None else check_page_size(first),
        after=parse_cursor(after) if after else None,
        status=status,
        node=node,
    )


class SelectionReader:
    """Reads what the field behind ``info`` asks of its result."""

    def __init__(self, info: Info) -> None:
        self._fragments: Mapping[str, FragmentDefinitionNode] = info.context.fragments
        self._variables: Variables = info.variable_values
        key = info.path.key
        root = self._fields(info.operation.selection_set.selections)
        self.nodes = [node for node in root if _response_key(node) == key]

    def below(self, nodes: Iterable[FieldNode], name: str) -> list[FieldNode]:
        """The selections of field ``name`` below ``nodes``, under whatever aliases."""
        selections = [
            selection
            for node in nodes
            if node.selection_set is not None
            for selection in node.selection_set.selections
        ]
        return [node for node in self._fields(selections) if node.name.value == name]

    def order(self, nodes: Sequence[FieldNode]) -> OrderSelection:
        """What ``nodes`` ask of an order."""
        customers = self.below(nodes, "customer")
        products = self.below(self.below(nodes, "items"), "product")
        customer = self.customer(customers) if customers else None
        return OrderSelection(customer, has_products=bool(products))

    def customer(self, nodes: Sequence[FieldNode]) -> CustomerSelection:
        """What ``nodes`` ask of a customer. A page with bad arguments is left to its resolver."""
        pages = []
        for node in self.below(nodes, "orders"):
            try:
                pages.append(self._page(node))
            except BadInput:
                continue
        return CustomerSelection(tuple(pages))

    def connection(self, nodes: Sequence[FieldNode]) -> OrderSelection:
        """What ``nodes``, selections of a connection, ask of each order in it."""
        return self.order(self.below(self.below(nodes, "edges"), "node"))

    def _page(self, node: FieldNode) -> PageSelection:
        arguments = {a.name.value: self._value(a.value) for a in node.arguments or ()}
        return read_page(
            cast("int | None", arguments.get("first")),
            cast("str | None", arguments.get("after")),
            node=self.connection([node]),
        )

    def _value(self, node: ValueNode) -> object:
        """The value of an argument; None for a variable that was not given."""
        value = value_from_ast_untyped(node, dict(self._variables))
        return None if value is Undefined else value

    def _fields(self, selections: Iterable[SelectionNode]) -> list[FieldNode]:
        return list(self._walk(selections, set()))

    def _walk(self, selections: Iterable[SelectionNode], spread: set[str]) -> Iterator[FieldNode]:
        for selection in selections:
            if not self._is_included(selection):
                continue
            match selection:
                case FieldNode():
                    yield selection
                case InlineFragmentNode():
                    yield from self._walk(selection.selection_set.selections, spread)
                case FragmentSpreadNode() if selection.name.value not in spread:
                    spread.add(selection.name.value)
                    fragment = self._fragments[selection.name.value]
                    yield from self._walk(fragment.selection_set.selections, spread)

    def _is_included(self, selection: SelectionNode) -> bool:
        for directive in selection.directives or ():
            condition = next((self._value(a.value) for a in directive.arguments or ()), None)
            if directive.name.value == "skip" and condition is True:
                return False
            if directive.name.value == "include" and condition is False:
                return False
        return True


def _response_key(node: FieldNode) -> str:
    return (node.alias or node.name).value

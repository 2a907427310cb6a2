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
from projections.token import EMPTY_TOKEN, ConsistencyToken, merge
from projections.views import OrderStatus
from resolvers.context import Info
from resolvers.errors import BadInput
from resolvers.pages import DEFAULT_PAGE_SIZE, check_page_size, parse_cursor, split_seen
from resolvers.tokens import TokenDesk

Variables = Mapping[str, object]

NOTHING_MORE = OrderSelection()


def read_page(
    tokens: TokenDesk,
    first: int | None,
    after: str | None,
    status: OrderStatus | None = None,
    node: OrderSelection = NOTHING_MORE,
) -> tuple[PageSelection, ConsistencyToken]:
    """The page that connection arguments mean, and what was shown up to it.

    Raises `BadInput` naming the bad one.
    """
    first = DEFAULT_PAGE_SIZE if first is None else check_page_size(first)
    if not after:
        return PageSelection(first, None, status, node), EMPTY_TOKEN
    cursor, sealed = split_seen(after)
    page = PageSelection(first, parse_cursor(cursor), status, node)
    return page, EMPTY_TOKEN if sealed is None else tokens.open_seen(sealed)


class SelectionReader:
    """Reads what the field behind ``info`` asks of its result.

    ``seen`` is what the pages have shown after which it asks for others.
    """

    def __init__(self, info: Info) -> None:
        self.seen = EMPTY_TOKEN
        self._tokens = info.context.tokens
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

    def page(
        self,
        first: int | None,
        after: str | None,
        status: OrderStatus | None = None,
        node: OrderSelection = NOTHING_MORE,
    ) -> PageSelection:
        """As `read_page`, and what its cursor says joins what is seen."""
        page, seen = read_page(self._tokens, first, after, status, node)
        self.seen = merge(self.seen, seen)
        return page

    def _page(self, node: FieldNode) -> PageSelection:
        arguments = {a.name.value: self._value(a.value) for a in node.arguments or ()}
        return self.page(
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

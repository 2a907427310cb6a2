"""What the root fields of a plan ask for: arguments become roots and demands, as `Query` has it.

The shape of what is asked is read from the document once; only pages whose arguments are variables
are looked at anew at every request.
"""

from collections.abc import Iterable, Sequence
from typing import Final, cast

import strawberry
from graphql.execution.values import VariableValues

from gateway.execution.arguments import ArgumentReader, Arguments
from gateway.execution.collecting import TYPENAME, Field, Unplannable
from projections.selection import (
    CustomerRoot,
    CustomerSelection,
    OrderRoot,
    OrderSelection,
    OrdersRoot,
    PageSelection,
    ProductRoot,
    Root,
)
from projections.token import EMPTY_TOKEN, merge
from projections.views import OrderStatus
from resolvers.context import TokenContext
from resolvers.inputs import ConsistencyInput, read_demand
from resolvers.query import check_id
from resolvers.read_request import ReadRequest
from resolvers.selecting import read_page

ROOTS: Final = frozenset({"order", "orders", "customer", "product"})
SEALED: Final = frozenset({"cursor", "startCursor", "endCursor"})
DEMANDING: Final = frozenset({"consistency", "after"})


class Asking:
    """The root fields of one operation as reads."""

    def __init__(self, schema: strawberry.Schema, fields: Sequence[Field]) -> None:
        self._roots = [field for field in fields if field.name != TYPENAME]
        if unknown := [field.name for field in self._roots if field.name not in ROOTS]:
            raise Unplannable(f"of the root field {unknown[0]} nothing is known")
        self.page_fields = [page for root in self._roots for page in _pages_below(root)]
        """Where lists of a customer's orders are; their pages are told in this order."""
        self._readers = {
            field: ArgumentReader(schema, field) for field in (*self._roots, *self.page_fields)
        }

        self._known: dict[Field, OrderSelection] = {}
        self.is_of_rows_alone = all(map(_is_of_rows_alone, fields))
        """Does no field say what it demands, and is none sealed for its caller?"""

        self.has_demands = any("consistency" in _said_by(root) for root in self._roots)
        """Does any root field say how fresh it is to be?"""
        readers = self._readers.values()
        self.looks_into_variables = any(reader.looks_into_variables for reader in readers)
        """See `ArgumentReader`."""

    def ask(
        self, context: TokenContext, variables: VariableValues
    ) -> "tuple[list[ReadRequest], list[PageSelection]]":
        """One read a root field, and the pages in the order of `page_fields`.

        Raises `Unproven` or a `ResolverError` for arguments that are no good.
        """
        requests, pages = [], {}
        for root in self._roots:
            asked = _Asked(context, variables, self._readers, self._known)
            requests.append(asked.request(root))
            pages.update(asked.pages)
        return requests, [pages[field] for field in self.page_fields]


class _Asked:
    """What one root field of one request asks for."""

    def __init__(
        self,
        context: TokenContext,
        variables: VariableValues,
        readers: dict[Field, ArgumentReader],
        known: dict[Field, OrderSelection],
    ) -> None:
        self._context = context
        self._variables = variables
        self._readers = readers
        self._known = known
        self._seen = EMPTY_TOKEN
        self.pages: dict[Field, PageSelection] = {}

    def request(self, field: Field) -> ReadRequest:
        arguments = self._readers[field].read(self._variables)
        root = self._root(field, arguments)
        consistency = cast("ConsistencyInput | None", arguments.get("consistency"))
        demand = read_demand(consistency or None, self._context, self._seen)
        return ReadRequest(root, demand, name=field.key)

    def _root(self, field: Field, arguments: Arguments) -> Root:
        match field.name:
            case "order":
                return OrderRoot(_id(arguments), self._order_root(field))
            case "customer":
                return CustomerRoot(_id(arguments), self._customer([field]))
            case "product":
                return ProductRoot(_id(arguments))
            case _:
                customer_id = check_id("customerId", cast("str", arguments["customer_id"]))
                return OrdersRoot(customer_id, self._page(field, arguments))

    def _order_root(self, field: Field) -> OrderSelection:
        """The same for every request, unless it leads to lists."""
        if field not in self._known:
            selection = self._order([field])
            if self.pages:
                return selection
            self._known[field] = selection
        return self._known[field]

    def _order(self, fields: Sequence[Field]) -> OrderSelection:
        customers = below(fields, "customer")
        products = below(below(fields, "items"), "product")
        customer = self._customer(customers) if customers else None
        return OrderSelection(customer, has_products=bool(products))

    def _customer(self, fields: Sequence[Field]) -> CustomerSelection:
        pages = below(fields, "orders")
        for page in pages:
            self.pages[page] = self._page(page, self._readers[page].read(self._variables))
        return CustomerSelection(tuple(self.pages[page] for page in pages))

    def _page(self, field: Field, arguments: Arguments) -> PageSelection:
        page, seen = read_page(
            self._context.tokens,
            cast("int | None", arguments.get("first")),
            cast("str | None", arguments.get("after")) or None,
            cast("OrderStatus | None", arguments.get("status")) or None,
            self._order(below(below([field], "edges"), "node")),
        )
        self._seen = merge(self._seen, seen)
        self.pages[field] = page
        return page


def below(fields: Iterable[Field], name: str) -> list[Field]:
    """The fields of this name below these, under whatever keys."""
    return [found for field in fields for found in field.fields if found.name == name]


def _pages_below(field: Field) -> list[Field]:
    """The lists of orders at or below ``field``, from the outside in."""
    own = [field] if field.name == "orders" else []
    return own + [page for inner in field.fields for page in _pages_below(inner)]


def _is_of_rows_alone(field: Field) -> bool:
    """Cursors are sealed, and what comes with one demands what it says."""
    said = _said_by(field)
    return (
        field.name not in SEALED
        and not said & DEMANDING
        and all(map(_is_of_rows_alone, field.fields))
    )


def _said_by(field: Field) -> set[str]:
    """The names of the arguments that the document gives it."""
    return {argument.name.value for argument in field.nodes[0].arguments or ()}


def _id(arguments: Arguments) -> str:
    return check_id("id", cast("str", arguments["id"]))

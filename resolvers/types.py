"""The object types of the schema.

Plain fields are copied from a row; a field that leads to another aggregate looks it up among the
answer's components, which are complete before any of this runs.
"""

from datetime import datetime
from decimal import Decimal
from typing import Self

import strawberry
from strawberry import ID, Private

from projections.selection import PageKey
from projections.versions import AggregateKey, AggregateType
from projections.views import (
    CustomerRow,
    OrderItemRow,
    OrderRow,
    OrderStatus,
    ProductRow,
    Row,
)
from resolvers.answer import Absent, Answer, Failed, Found, FoundPage
from resolvers.connections import cursor_of, ends_of, listed_on, sealed_seen
from resolvers.context import Info
from resolvers.costs import ANOTHER_ROW, LINES, PAGE
from resolvers.pages import DEFAULT_PAGE_SIZE
from resolvers.selecting import read_page

UNKNOWN = "Null when unknown, or with an error when nobody could tell."


@strawberry.type(description="Something that can be ordered.")
class Product:
    id: ID
    name: str
    price: Decimal
    currency: str
    stock: int
    version: int

    @classmethod
    def of(cls, row: ProductRow) -> Self:
        return cls(
            id=ID(row.id),
            name=row.name,
            price=row.price,
            currency=row.currency,
            stock=row.stock,
            version=row.version,
        )

    @classmethod
    def shown(cls, info: Info, answer: Answer, key: AggregateKey) -> Self | None:
        """As a field shows it; raises what made it fail."""
        row = _shown_row(info, answer, key)
        return cls.of(row) if isinstance(row, ProductRow) else None


@strawberry.type(description="One line of an order.")
class OrderItem:
    row: Private[OrderItemRow]
    answer: Private[Answer]
    quantity: int
    unit_price: Decimal = strawberry.field(description="The price agreed when it was placed.")

    @strawberry.field
    def line_total(self) -> Decimal:
        return self.row.line_total

    @strawberry.field(description=UNKNOWN, directives=[ANOTHER_ROW])
    def product(self, info: Info) -> Product | None:
        key = AggregateKey(AggregateType.PRODUCT, self.row.product_id)
        return Product.shown(info, self.answer, key)


@strawberry.type(description="Somebody who orders.")
class Customer:
    answer: Private[Answer]
    id: ID
    name: str
    email: str
    version: int

    @classmethod
    def of(cls, row: CustomerRow, answer: Answer) -> Self:
        return cls(
            answer=answer, id=ID(row.id), name=row.name, email=row.email, version=row.version
        )

    @classmethod
    def shown(cls, info: Info, answer: Answer, key: AggregateKey) -> Self | None:
        """As a field shows it; raises what made it fail."""
        row = _shown_row(info, answer, key)
        return cls.of(row, answer) if isinstance(row, CustomerRow) else None

    @strawberry.field(description="Her orders, newest first.", directives=[ANOTHER_ROW, PAGE])
    def orders(
        self,
        info: Info,
        first: int | None = DEFAULT_PAGE_SIZE,
        after: str | None = strawberry.UNSET,
    ) -> "OrderConnection":
        page, _ = read_page(info.context.tokens, first, after)
        return OrderConnection(answer=self.answer, page_key=PageKey.of(self.id, page))


@strawberry.type(description="What a customer ordered.")
class Order:
    row: Private[OrderRow]
    answer: Private[Answer]
    id: ID
    status: OrderStatus
    note: str | None
    currency: str
    total: Decimal
    placed_at: datetime
    version: int

    @classmethod
    def of(cls, row: OrderRow, answer: Answer) -> Self:
        return cls(
            row=row,
            answer=answer,
            id=ID(row.id),
            status=row.status,
            note=row.note,
            currency=row.currency,
            total=row.total,
            placed_at=row.placed_at,
            version=row.version,
        )

    @classmethod
    def shown(cls, info: Info, answer: Answer, key: AggregateKey) -> Self | None:
        """As a field shows it; raises what made it fail."""
        row = _shown_row(info, answer, key)
        return cls.of(row, answer) if isinstance(row, OrderRow) else None

    @strawberry.field(description=UNKNOWN, directives=[ANOTHER_ROW])
    def customer(self, info: Info) -> Customer | None:
        key = AggregateKey(AggregateType.CUSTOMER, self.row.customer_id)
        return Customer.shown(info, self.answer, key)

    @strawberry.field(directives=[LINES])
    def items(self) -> list[OrderItem]:
        return [
            OrderItem(
                row=item,
                answer=self.answer,
                quantity=item.quantity,
                unit_price=item.unit_price,
            )
            for item in self.row.items
        ]


@strawberry.type(description="Where a page begins and ends.")
class PageInfo:
    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


@strawberry.type(description="One order in a list.")
class OrderEdge:
    answer: Private[Answer]
    key: Private[AggregateKey]
    cursor: str

    @strawberry.field(description="Null with an error when nobody could tell.")
    def node(self, info: Info) -> Order | None:
        return Order.shown(info, self.answer, self.key)


@strawberry.type(
    description="One page of orders. Edges and page info are null, with an error, when the list "
    "could not be had: one service that is down must not take the page around it along."
)
class OrderConnection:
    answer: Private[Answer]
    page_key: Private[PageKey]

    @strawberry.field
    def edges(self, info: Info) -> list[OrderEdge] | None:
        page = self._page(info)
        seen = sealed_seen(page, self.answer, info.context.tokens)
        return [
            OrderEdge(
                answer=self.answer,
                key=AggregateKey(AggregateType.ORDER, listed_at.id),
                cursor=cursor_of(listed_at, seen),
            )
            for listed_at in listed_on(page, self.answer)
        ]

    @strawberry.field
    def page_info(self, info: Info) -> PageInfo | None:
        page = self._page(info)
        seen = sealed_seen(page, self.answer, info.context.tokens)
        return PageInfo(**ends_of(self.page_key, page, self.answer, seen)._asdict())

    def _page(self, info: Info) -> FoundPage:
        """The page, noted in the report as shown; raises what made it fail."""
        page = self.answer.pages[self.page_key]
        if isinstance(page, Failed):
            raise page.error
        path = path_of(info, parent=True)
        info.context.report.show(path, page.provenance, self.page_key, None)
        return page


def _shown_row(info: Info, answer: Answer, key: AggregateKey) -> Row | None:
    """The row of a component, noted in the report as shown here; raises what made it fail."""
    match answer.components[key]:
        case Found(row=row, provenance=provenance):
            info.context.report.show(path_of(info), provenance, key, row.at)
            return row
        case Absent(provenance=provenance, at=at):
            info.context.report.show(path_of(info), provenance, key, at)
            return None
        case Failed(error=error):
            raise error


def path_of(info: Info, *, parent: bool = False) -> str:
    """The response path without list indexes: ``order.items.product``."""
    path = info.path.prev if parent else info.path
    names: list[str] = []
    while path is not None:
        if isinstance(path.key, str):
            names.append(path.key)
        path = path.prev
    return ".".join(reversed(names))

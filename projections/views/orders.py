"""The order row, and the order in which a customer's orders are listed."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from operator import attrgetter
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from projections.versions import AggregateKey, AggregateType, Version
from projections.views.aggregate import AggregateRow, Currency, Id, Money, require_amounts
from projections.views.causal_deps import MAX_CAUSAL_DEPS, parse_causal_deps


class OrderStatus(StrEnum):
    """Where an order is in its life. A shipped or delivered order can no longer be cancelled."""

    PLACED = "PLACED"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"


class OrderItemRow(Struct, frozen=True, rename="camel", kw_only=True):
    """One line of an order; the price is the one agreed when it was placed.

    Its order sees to it that the price is one.
    """

    product_id: Id
    quantity: Annotated[int, Meta(ge=1, lt=2**31)]
    unit_price: Money

    @property
    def line_total(self) -> Decimal:
        return self.unit_price * self.quantity


_product_id = attrgetter("product_id")
_unit_price = attrgetter("unit_price")


class ListingPosition(Struct, frozen=True, order=True, gc=False):
    """Where an order stands in its customer's list; the list runs from the greatest down."""

    placed_at: datetime
    id: str


class OrderRow(AggregateRow, frozen=True, rename="camel", kw_only=True):
    """An order as the order service publishes it.

    A service that keeps no ``causal_deps`` leaves them out. An order whose dependencies cannot be
    read is itself unreadable: shown without them, it would break its writer's promise unseen.
    """

    aggregate_type: ClassVar[AggregateType] = AggregateType.ORDER

    customer_id: Id
    status: OrderStatus
    note: str | None = None
    currency: Currency
    total: Money
    placed_at: Annotated[datetime, Meta(tz=True)]
    items: tuple[OrderItemRow, ...]
    causal_deps: Annotated[tuple[str, ...], Meta(max_length=MAX_CAUSAL_DEPS)] = ()

    def __post_init__(self) -> None:
        require_amounts(self.total, *map(_unit_price, self.items))
        if self.causal_deps:
            parse_causal_deps(self.causal_deps)

    @property
    def product_ids(self) -> tuple[str, ...]:
        """Those of its items, in their order."""
        return tuple(map(_product_id, self.items))

    @property
    def depends_on(self) -> Mapping[AggregateKey, Version]:
        """The least versions of its customer and products that its writers had seen."""
        return parse_causal_deps(self.causal_deps)

    @property
    def listed_at(self) -> ListingPosition:
        return ListingPosition(self.placed_at, self.id)

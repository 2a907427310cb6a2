"""The order service, as resolvers speak to it.

The listing's cursor is public: `<placedAt>_<id>` of the last order seen, so a list that began in
the projection can go on at the service and the other way round.

Every write takes `causal_deps`: the customers and products (51 at most) that its writer has seen,
at the versions she has seen. The order carries those of its own from then on.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from types import MappingProxyType

import msgspec

from projections.versions import AggregateKey, Version
from projections.views.aggregate import is_id
from projections.views.orders import ListingPosition, OrderRow, OrderStatus
from resolvers.upstream.call import Upstream
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.resource import Change, Listing, Resource
from resolvers.upstream.transport import CallKind

NOTHING_SEEN: Mapping[AggregateKey, Version] = MappingProxyType({})


class OrderLine(msgspec.Struct, frozen=True, rename="camel"):
    """One line of an order to be placed; the service sets the price."""

    product_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """An order to be placed; the same key twice places it once."""

    customer_id: str
    items: tuple[OrderLine, ...]
    note: str | None = None
    idempotency_key: str


@dataclass(frozen=True, slots=True)
class OrdersPage:
    """A stretch of a customer's orders, newest first, and whether older ones follow."""

    items: tuple[OrderRow, ...]
    has_more: bool


class OrdersClient:
    """Reads and changes orders at the service that owns them.

    Every method raises the UpstreamError that says what happened, and waits until the context's
    deadline at the latest.
    """

    def __init__(self, upstream: Upstream) -> None:
        self._orders = Resource(
            upstream,
            "orders",
            row=msgspec.json.Decoder(OrderRow),
            listing=msgspec.json.Decoder(Listing[OrderRow]),
        )

    def refuses(self, kind: CallKind) -> bool:
        """Would a call of this kind be refused by its circuit now?"""
        return self._orders.refuses(kind)

    async def fetch(
        self, order_id: str, context: CallContext, *, min_version: int | None = None
    ) -> OrderRow | None:
        """Return the order, None if unknown; raise VersionBehind below `min_version`."""
        return await self._orders.fetch(order_id, context, min_version=min_version)

    async def fetch_page(
        self,
        customer_id: str,
        context: CallContext,
        *,
        status: OrderStatus | None = None,
        limit: int,
        after: ListingPosition | None = None,
    ) -> OrdersPage:
        """Return at most `limit` of the customer's orders that come after a position."""
        if not is_id(customer_id):
            return OrdersPage((), has_more=False)
        params = {"customerId": customer_id, "limit": str(limit)}
        if status is not None:
            params["status"] = status.value
        if after is not None:
            params["cursor"] = render_cursor(after)
        listing = await self._orders.fetch_listing(
            params,
            context,
            limit_count=limit,
            belongs=lambda row: row.customer_id == customer_id and status in (None, row.status),
        )
        return OrdersPage(listing.items, has_more=listing.next_cursor is not None)

    async def place(
        self,
        order: PlaceOrder,
        context: CallContext,
        *,
        causal_deps: Mapping[AggregateKey, Version] = NOTHING_SEEN,
    ) -> OrderRow:
        """Return the placed order; idempotent under the order's key."""
        body = msgspec.json.encode(
            {"customerId": order.customer_id, "items": order.items, "note": order.note}
        )
        return await self._orders.create(
            body,
            context,
            idempotency_key=order.idempotency_key,
            causal_deps=causal_deps,
            belongs=lambda row: row.customer_id == order.customer_id,
        )

    async def update_note(
        self,
        order_id: str,
        note: str | None,
        context: CallContext,
        *,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
        causal_deps: Mapping[AggregateKey, Version] = NOTHING_SEEN,
    ) -> OrderRow:
        """Return the order with its new note; None takes the note away."""
        change = Change(
            method="PATCH",
            body=msgspec.json.encode({"note": note}),
            expected_version=expected_version,
            idempotency_key=idempotency_key,
            causal_deps=causal_deps,
        )
        return await self._orders.change(order_id, change, context)

    async def cancel(
        self,
        order_id: str,
        reason: str | None,
        context: CallContext,
        *,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
        causal_deps: Mapping[AggregateKey, Version] = NOTHING_SEEN,
    ) -> OrderRow:
        """Return the cancelled order; Rejected with `too-late-to-cancel` once it is shipped."""
        change = Change(
            method="POST",
            action="/cancel",
            body=msgspec.json.encode({"reason": reason}),
            expected_version=expected_version,
            idempotency_key=idempotency_key,
            causal_deps=causal_deps,
        )
        return await self._orders.change(order_id, change, context)


def render_cursor(position: ListingPosition) -> str:
    """Return the cursor of a position, its time exactly as in the order's own JSON.

    >>> from datetime import datetime
    >>> render_cursor(ListingPosition(datetime(2026, 1, 31, 9, 30, tzinfo=UTC), "o-7"))
    '2026-01-31T09:30:00Z_o-7'
    """
    placed_at = position.placed_at.astimezone(UTC)
    return f"{msgspec.to_builtins(placed_at)}_{position.id}"

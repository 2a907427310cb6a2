"""Rows and events that show only what a test is about; everything else is plausible and fixed."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from projections.events import ParsedEvent, PoisonEvent, StateChange
from projections.positions import Partition, SourcePosition
from projections.store import EventBatch
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import CustomerRow, OrderItemRow, OrderRow, OrderStatus, ProductRow, Row

PLACED_AT = datetime(2025, 3, 1, 9, 30, tzinfo=UTC)
COMMITTED_AT = datetime(2025, 3, 1, 9, 30, 1, tzinfo=UTC)


def order_key(order_id: str = "o-1") -> AggregateKey:
    return AggregateKey(AggregateType.ORDER, order_id)


def customer_key(customer_id: str = "c-1") -> AggregateKey:
    return AggregateKey(AggregateType.CUSTOMER, customer_id)


def product_key(product_id: str = "p-1") -> AggregateKey:
    return AggregateKey(AggregateType.PRODUCT, product_id)


def order_row(
    order_id: str = "o-1",
    version: int = 1,
    *,
    epoch: int = 1,
    customer_id: str = "c-1",
    status: OrderStatus = OrderStatus.PLACED,
    note: str | None = None,
    placed_at: datetime = PLACED_AT,
    product_ids: tuple[str, ...] = ("p-1",),
    causal_deps: tuple[str, ...] = (),
) -> OrderRow:
    """An order of one piece of each product, 2.50 EUR each."""
    unit_price = Decimal("2.50")
    items = tuple(
        OrderItemRow(product_id=product_id, quantity=1, unit_price=unit_price)
        for product_id in product_ids
    )
    return OrderRow(
        id=order_id,
        version=version,
        epoch=epoch,
        customer_id=customer_id,
        status=status,
        note=note,
        currency="EUR",
        total=unit_price * len(items),
        placed_at=placed_at,
        items=items,
        causal_deps=causal_deps,
    )


def customer_row(
    customer_id: str = "c-1", version: int = 1, *, epoch: int = 1, name: str = "Ada Abel"
) -> CustomerRow:
    return CustomerRow(
        id=customer_id, version=version, epoch=epoch, name=name, email="ada@example.com"
    )


def product_row(
    product_id: str = "p-1",
    version: int = 1,
    *,
    epoch: int = 1,
    name: str = "Wool Notebook",
    stock: int = 10,
) -> ProductRow:
    return ProductRow(
        id=product_id,
        version=version,
        epoch=epoch,
        name=name,
        price=Decimal("2.50"),
        currency="EUR",
        stock=stock,
    )


PRECEDING = -1
"""For ``previous``: the number before the row's own; None before the first."""


def change(row: Row, *, previous: int | None = PRECEDING) -> StateChange:
    """The parsed event that brings ``row``."""
    if previous == PRECEDING:
        previous = row.version - 1 or None
    return StateChange(row.key, row.at, previous, row, COMMITTED_AT)


def tombstone(key: AggregateKey, version: int, *, epoch: int = 1) -> StateChange:
    """The parsed event that deletes the aggregate."""
    return StateChange(key, Version(epoch, version), version - 1 or None, None, COMMITTED_AT)


def poison(key: AggregateKey, version: int | None = None, *, epoch: int = 1) -> PoisonEvent:
    """An unreadable state of the aggregate; without ``version``, of an unreadable envelope too."""
    at = None if version is None else Version(epoch, version)
    return PoisonEvent(key, "data: not for us", at)


def position(
    cursor: str = "log-1",
    *,
    proven_at_s: float = 1_000.0,
    is_caught_up: bool = True,
    remaining_count: int | None = None,
) -> SourcePosition:
    return SourcePosition(cursor, proven_at_s, is_caught_up, remaining_count)


def batch(
    *events: ParsedEvent,
    source: str = "orders",
    at: SourcePosition | None = None,
    after: str | None = None,
) -> EventBatch:
    """These events of a source of one partition; ``at`` is the position reached with them."""
    return EventBatch(Partition(source), after, events, at or position())


def cloud_event(row: Row, *, verb: str = "updated", **attributes: object) -> dict[str, object]:
    """The CloudEvent that brings ``row``; ``attributes`` replace or add what is given."""
    noun = row.aggregate_type.value
    previous = {"previousversion": row.version - 1} if row.version > 1 else {}
    return {
        "specversion": "1.0",
        "id": f"{row.id}-{row.epoch}-{row.version}",
        "source": f"/{noun}s",
        "type": f"{noun}.{verb}",
        "subject": row.id,
        "time": "2025-03-01T09:30:01.000Z",
        "datacontenttype": "application/json",
        "aggregateversion": row.version,
        **previous,
        "sourceepoch": row.epoch,
        "schemaversion": 1,
        "tombstone": False,
        "data": msgspec.to_builtins(row),
        **attributes,
    }


def to_bytes(event: object) -> bytes:
    """``event`` as it travels."""
    return json.dumps(event).encode()

"""Demo data: the same seed gives the same customers, products, orders and events on every machine.

The rule: everything here is a function of the seed; no clock, no process's own chance. Only integer
draws are used, because they are the same in every Python. The orders' prices are those of the
products of the same seed, so the three services agree without asking each other.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Final, TypeVar
from uuid import UUID

from upstream_stubs.database import FIRST_EPOCH
from upstream_stubs.demo_words import FIRST_NAMES, LAST_NAMES, MATERIALS, NOTES, THINGS
from upstream_stubs.outbox import Change, Outbox
from upstream_stubs.resources import Customer, Order, OrderItem, OrderStatus, Product, Resource

FIRST_DAY: Final = datetime(2025, 1, 6, 8, tzinfo=UTC)
"""Everything happened after this Monday morning; demo data never looks at the clock."""

CURRENCY: Final = "EUR"

log = logging.getLogger(__name__)
R = TypeVar("R", bound=Resource)


@dataclass(frozen=True, slots=True)
class DemoSize:
    """How many of each there are; orders only name customers and products within these counts."""

    customer_count: int = 200
    product_count: int = 100
    order_count: int = 1000


FULL_DEMO: Final = DemoSize()


def seeded(purpose: str) -> Random:
    """Chances of their own for each purpose, so that one never shifts another's."""
    return Random(purpose)


def draw_pairs(random: Random, left: tuple[str, ...], right: tuple[str, ...]) -> list[list[str]]:
    """Every pair of two words, in a random order."""
    pairs = [[a, b] for a in left for b in right]
    random.shuffle(pairs)
    return pairs


def demo_customers(seed: int, size: DemoSize) -> list[Customer]:
    """``c-1`` and on, each with a name and an address of her own."""
    names = draw_pairs(seeded(f"customers {seed}"), FIRST_NAMES, LAST_NAMES)[: size.customer_count]
    return [
        Customer(
            id=f"c-{number}",
            version=1,
            epoch=FIRST_EPOCH,
            name=" ".join(name),
            email=f"{'.'.join(name).lower()}@example.com",
        )
        for number, name in enumerate(names, start=1)
    ]


def demo_products(seed: int, size: DemoSize) -> list[Product]:
    """``p-1`` and on, at prices from 1.49 to 249.99."""
    random = seeded(f"products {seed}")
    names = draw_pairs(random, MATERIALS, THINGS)[: size.product_count]
    return [
        Product(
            id=f"p-{number}",
            version=1,
            epoch=FIRST_EPOCH,
            name=" ".join(name),
            price=Decimal(random.randrange(2, 250)) + random.choice(PRICE_ENDS),
            currency=CURRENCY,
            stock=random.randrange(0, 500),
        )
        for number, name in enumerate(names, start=1)
    ]


PRICE_ENDS: Final = (Decimal("-0.51"), Decimal("-0.01"), Decimal("0.00"), Decimal("0.50"))


def demo_orders(seed: int, size: DemoSize) -> list[Order]:
    """``o-1`` and on, each placed a while after the one before, all as they were placed."""
    random = seeded(f"orders {seed}")
    products = demo_products(seed, size)
    placed_at = FIRST_DAY
    orders = []
    for number in range(1, size.order_count + 1):
        placed_at += timedelta(milliseconds=random.randrange(60_000, 8 * 3_600_000))
        orders.append(demo_order(random, number, placed_at, products, size))
    return orders


def demo_order(
    random: Random, number: int, placed_at: datetime, products: list[Product], size: DemoSize
) -> Order:
    """One order as it was placed."""
    chosen = random.sample(products, min(random.randrange(1, 6), len(products)))
    items = tuple(
        OrderItem(product_id=product.id, quantity=random.randrange(1, 5), unit_price=product.price)
        for product in chosen
    )
    return Order(
        id=f"o-{number}",
        version=1,
        epoch=FIRST_EPOCH,
        customer_id=f"c-{random.randrange(1, size.customer_count + 1)}",
        status=OrderStatus.PLACED,
        note=random.choice(NOTES) if random.randrange(5) == 0 else None,
        currency=CURRENCY,
        total=sum((item.unit_price * item.quantity for item in items), Decimal(0)),
        placed_at=placed_at,
        items=items,
    )


LIVES: Final[tuple[tuple[OrderStatus, ...], ...]] = (
    (),
    (OrderStatus.CANCELLED,),
    (OrderStatus.SHIPPED,),
    (OrderStatus.SHIPPED,),
    (OrderStatus.SHIPPED, OrderStatus.DELIVERED),
    (OrderStatus.SHIPPED, OrderStatus.DELIVERED),
    (OrderStatus.SHIPPED, OrderStatus.DELIVERED),
    (OrderStatus.SHIPPED, OrderStatus.DELIVERED),
)
"""What may have become of an order after it was placed; half of them arrived."""


def draw_event_id(random: Random) -> UUID:
    """A UUID that is random in form and fixed by the seed."""
    return UUID(int=random.getrandbits(128), version=4)


def order_history(random: Random, order: Order) -> Iterator[Change[Order]]:
    """One order's life: placed, then whatever became of it, a day or so apart."""
    at = order.placed_at
    yield Change(order, "order.placed", at, draw_event_id(random))
    for version, status in enumerate(random.choice(LIVES), start=2):
        at += timedelta(minutes=random.randrange(60, 2 * 24 * 60))
        changed = order.model_copy(update={"status": status, "version": version})
        verb = "cancelled" if status is OrderStatus.CANCELLED else "updated"
        yield Change(changed, f"order.{verb}", at, draw_event_id(random))


def demo_order_history(seed: int, size: DemoSize) -> list[Change[Order]]:
    """Everything that happened to the demo orders, in the order of time."""
    random = seeded(f"order lives {seed}")
    lives = (order_history(random, order) for order in demo_orders(seed, size))
    return sorted((change for life in lives for change in life), key=lambda change: change.at)


def first_states(seed: int, resources: list[R]) -> list[Change[R]]:
    """Each resource's creation, one a second from the first day on."""
    random = seeded(f"first states {seed}")
    return [
        Change(
            resource,
            f"{resource.kind}.created",
            FIRST_DAY + timedelta(seconds=number),
            draw_event_id(random),
        )
        for number, resource in enumerate(resources)
    ]


def record_all(outbox: Outbox[R], changes: list[Change[R]]) -> None:
    """Write these changes, and say how many there were."""
    for change in changes:
        outbox.record(change)
    log.info("demo data: %d events of %ss", len(changes), changes[0].resource.kind)


def seed_customers(outbox: Outbox[Customer], seed: int, size: DemoSize) -> None:
    """Write the demo customers."""
    record_all(outbox, first_states(seed, list(demo_customers(seed, size))))


def seed_products(outbox: Outbox[Product], seed: int, size: DemoSize) -> None:
    """Write the demo products."""
    record_all(outbox, first_states(seed, list(demo_products(seed, size))))


def seed_orders(outbox: Outbox[Order], seed: int, size: DemoSize) -> None:
    """Write the demo orders and their histories."""
    record_all(outbox, demo_order_history(seed, size))

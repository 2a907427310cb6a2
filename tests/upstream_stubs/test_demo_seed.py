"""Demo data: the same for the same seed, everywhere, and true to itself."""

import hashlib
from collections import Counter
from decimal import Decimal
from typing import TypeVar

from upstream_stubs.outbox import Change, render_event
from upstream_stubs.resources import Order, OrderStatus, Resource
from upstream_stubs.seed import (
    FULL_DEMO,
    demo_customers,
    demo_order_history,
    demo_orders,
    demo_products,
    first_states,
)

R = TypeVar("R", bound=Resource)

DIGEST_OF_SEED_1 = "8cc7a783212acebdcb4f6a0964416fbacbaebf942ab8477666c6bbc1a3c77778"
"""Of every event of seed 1. It may only change together with the demo data, never by a machine."""


def told(seed: int) -> str:
    """Every demo event of this seed, one a line."""
    changes: list[str] = []
    changes += [as_text(change) for change in first_states(seed, demo_customers(seed, FULL_DEMO))]
    changes += [as_text(change) for change in first_states(seed, demo_products(seed, FULL_DEMO))]
    changes += [as_text(change) for change in demo_order_history(seed, FULL_DEMO)]
    return "\n".join(changes)


def as_text(change: Change[R]) -> str:
    return render_event(change, change.resource.render())


def latest_orders() -> dict[str, Order]:
    """The demo orders as they are after all that happened to them."""
    return {change.resource.id: change.resource for change in demo_order_history(1, FULL_DEMO)}


def test_same_seed_is_the_same_data_on_every_machine() -> None:
    """Seed 1 is pinned to the letter, event ids and times included; seed 2 is another world."""
    digest = hashlib.sha256(told(1).encode()).hexdigest()

    assert digest == DIGEST_OF_SEED_1
    assert told(2) != told(1)


def test_full_demo_has_the_promised_ids() -> None:
    """1,000 orders, 200 customers and 100 products, numbered from 1."""
    customers, products = demo_customers(1, FULL_DEMO), demo_products(1, FULL_DEMO)

    assert [order.id for order in demo_orders(1, FULL_DEMO)] == [f"o-{n}" for n in range(1, 1001)]
    assert [customer.id for customer in customers] == [f"c-{n}" for n in range(1, 201)]
    assert [product.id for product in products] == [f"p-{n}" for n in range(1, 101)]


def test_names_and_addresses_are_nobody_elses() -> None:
    """No two customers share a name or an address, no two products a name."""
    customers, products = demo_customers(1, FULL_DEMO), demo_products(1, FULL_DEMO)

    assert len({customer.name for customer in customers}) == len(customers)
    assert len({customer.email for customer in customers}) == len(customers)
    assert len({product.name for product in products}) == len(products)


def test_orders_agree_with_customers_and_products() -> None:
    """Every order has a customer there is, one to five different products, and their prices."""
    customer_ids = {customer.id for customer in demo_customers(1, FULL_DEMO)}
    prices = {product.id: product.price for product in demo_products(1, FULL_DEMO)}

    for order in demo_orders(1, FULL_DEMO):
        assert order.customer_id in customer_ids
        assert 1 <= len({item.product_id for item in order.items}) == len(order.items) <= 5
        assert all(item.unit_price == prices[item.product_id] > 0 for item in order.items)
        assert order.total == sum(
            (item.unit_price * item.quantity for item in order.items), Decimal(0)
        )


def test_orders_are_of_every_status_and_every_version_is_told() -> None:
    """Each status is well represented; an order's version counts what happened to it."""
    histories = Counter(change.resource.id for change in demo_order_history(1, FULL_DEMO))

    statuses = Counter(order.status for order in latest_orders().values())

    assert min(statuses[status] for status in OrderStatus) >= 100
    assert all(order.version == histories[id_] for id_, order in latest_orders().items())


def test_history_is_told_in_the_order_of_time() -> None:
    """The log of a shop that never closed: times never go back."""
    times = [change.at for change in demo_order_history(1, FULL_DEMO)]

    assert times == sorted(times)

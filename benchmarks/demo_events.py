"""Events as the services publish them, rendered fast: everything but the version is made once."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Final
from uuid import UUID

from upstream_stubs.outbox import Change, render_event
from upstream_stubs.resources import Customer, Order, Product
from upstream_stubs.seed import FULL_DEMO, demo_customers, demo_orders, demo_products

SEED: Final = 1
COPY_COUNT: Final = 20
"""So often the demo data is taken, under new ids: 20,000 orders, 4,000 customers, 2,000 products.
Of each the events of a run then change a row some times, as in life."""

AT: Final = datetime(2026, 1, 5, 8, tzinfo=UTC)
NO_ID: Final = UUID(int=0)
SOURCES: Final = ("orders", "customers", "products")

SHARES: Final = (
    *(("orders", 7, offset) for offset in range(7)),
    *(("customers", 2, offset) for offset in range(2)),
    ("products", 1, 0),
)
"""Of ten events: whose each is, how many are of that source, and which of these it is."""


@dataclass(frozen=True, slots=True)
class Mould:
    """The event of one aggregate, open where versions stand."""

    source: str
    key: bytes
    head: str
    middle: str
    tail: str

    def render(self, version: int) -> bytes:
        """The event that brings this version."""
        previous = f',"previousversion":{version - 1}' if version > 1 else ""
        return f"{self.head}{version}{previous}{self.middle}{version}{self.tail}".encode()


def mould_of(resource: Order | Customer | Product, copy: int) -> Mould:
    """The mould of this aggregate under an id of its own; an order's customer is of its copy."""
    id_ = f"{resource.id}-{copy}"
    changed = {"id": id_, "version": 1}
    if isinstance(resource, Order):
        changed["customer_id"] = f"{resource.customer_id}-{copy}"
    named = resource.model_copy(update=changed)
    event = render_event(Change(named, f"{named.kind}.updated", AT, NO_ID), named.render())
    head, _, rest = event.partition('"aggregateversion":1')
    middle, _, tail = rest.partition('"version":1')
    return Mould(
        f"{named.kind}s",
        id_.encode(),
        f'{head}"aggregateversion":',
        f'{middle}"version":',
        tail,
    )


def events(first: int) -> Iterator[tuple[str, bytes, bytes]]:
    """Source, key and value of one event after another, for ever, from number ``first`` (0) on.

    Of ten, seven are of orders, two of customers, one of products, each in turn over all of their
    aggregates: so every event is the next version of its own, and the same number the same event.
    """
    moulds = _moulds()
    for number in count(first):
        ten, place = divmod(number, 10)
        source, share, offset = SHARES[place]
        turn, which = divmod(ten * share + offset, len(moulds[source]))
        mould = moulds[source][which]
        yield source, mould.key, mould.render(turn + 1)


def _moulds() -> dict[str, list[Mould]]:
    copies = range(COPY_COUNT)
    orders, customers = demo_orders(SEED, FULL_DEMO), demo_customers(SEED, FULL_DEMO)
    products = demo_products(SEED, FULL_DEMO)
    return {
        "orders": [mould_of(order, copy) for copy in copies for order in orders],
        "customers": [mould_of(customer, copy) for copy in copies for customer in customers],
        "products": [mould_of(product, copy) for copy in copies for product in products],
    }

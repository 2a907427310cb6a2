"""What load consists of: changes of the demo data at its owners, and reads at a gateway.

Every change is one (a value that was never there before), so each commits one version.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Final

import orjson

from benchmarks.http_lane import Wish

MakeWish = Callable[[float], tuple[str, Wish]]
"""The next request, due at this instant (s), and the name of the lane that it belongs to."""

GATEWAY: Final = "gateway"
CUSTOMER_COUNT: Final = 200
PRODUCT_COUNT: Final = 100
ORDER_COUNT: Final = 1000

ORDER: Final = """
query Order($id: ID!) {
  order(id: $id) {
    id version status note total
    customer { id version name }
    items { quantity unitPrice lineTotal product { id version name } }
  }
}"""
ORDERS: Final = """
query Orders($customerId: ID!) {
  orders(customerId: $customerId, first: 10) { edges { node { id version status } } }
}"""


def mutations() -> MakeWish:
    """Changes of orders, customers and products in turn, over all of the demo data."""
    numbers = count(1)
    changes: Mapping[str, Callable[[int], tuple[str, dict[str, object]]]] = {
        "orders": lambda n: (f"o-{n % ORDER_COUNT + 1}", {"note": f"note {n}"}),
        "customers": lambda n: (f"c-{n % CUSTOMER_COUNT + 1}", {"name": f"Customer {n}"}),
        "products": lambda n: (f"p-{n % PRODUCT_COUNT + 1}", {"stock": n}),
    }
    services = _in_turn(changes)

    def make(due_s: float) -> tuple[str, Wish]:
        service = next(services)
        id_, change = changes[service](next(numbers))
        return service, Wish(due_s, "PATCH", f"/{service}/{id_}", orjson.dumps(change))

    return make


def reads() -> MakeWish:
    """An order with all its parts, and every fourth time a customer's list."""
    numbers = count(1)

    def make(due_s: float) -> tuple[str, Wish]:
        number = next(numbers)
        if number % 4:
            asked = {"query": ORDER, "variables": {"id": f"o-{number % ORDER_COUNT + 1}"}}
        else:
            customer_id = f"c-{number % CUSTOMER_COUNT + 1}"
            asked = {"query": ORDERS, "variables": {"customerId": customer_id}}
        return GATEWAY, Wish(due_s, "POST", "/graphql", orjson.dumps(asked))

    return make


def _in_turn(names: Mapping[str, object]) -> Iterator[str]:
    while True:
        yield from names

"""The data that everybody is asked for, made from numbers: the same in every process.

An order of the details page has five lines of five products; as many orders are far apart in their
customers and products that two at a time are seldom of the same. Beside them there are customers
with a hundred orders each, for the page of a list. *Filler* are further orders, as many as wished,
that are made when they are asked for and take no memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

Json = dict[str, Any]

LINE_COUNT: Final = 5
LIST_LENGTH: Final = 100
LIST_PRODUCT_COUNT: Final = 100
"""So many products are on a page of a list: as many as one call to a service may ask for."""

FIRST_FILLER: Final = 1_000_001
STRIDE: Final = 7_919
"""A prime: numbers that follow each other lead far apart."""

FIRST_AT: Final = datetime(2025, 1, 6, 9, tzinfo=UTC)
STATUSES: Final = ("PLACED", "SHIPPED", "DELIVERED", "CANCELLED")


@dataclass(frozen=True, slots=True)
class World:
    """How much there is of what."""

    order_count: int = 20_000
    customer_count: int = 5_000
    product_count: int = 10_000
    list_count: int = 50
    filler_count: int = 0

    def products(self) -> Iterator[Json]:
        """`p-1` and on."""
        return map(product, range(1, self.product_count + 1))

    def customers(self) -> Iterator[Json]:
        """`c-1` and on, then those with long lists: `l-1` and on."""
        yield from (customer(f"c-{n}") for n in range(1, self.customer_count + 1))
        yield from (customer(f"l-{n}") for n in range(1, self.list_count + 1))

    def orders(self) -> Iterator[Json]:
        """`o-1` and on, then those of the lists; without filler."""
        yield from map(self.order, range(1, self.order_count + 1))
        for n in range(self.list_count * LIST_LENGTH):
            yield self.listed_order(n)

    def filler(self, n: int) -> Json:
        """The filler order of this number, from 0."""
        return self.order(FIRST_FILLER + n)

    def order(self, n: int) -> Json:
        """The order of this number: five products, far apart."""
        ids = [
            f"p-{(n * STRIDE + line * (STRIDE + 2)) % self.product_count + 1}"
            for line in range(LINE_COUNT)
        ]
        return order(n, f"c-{n % self.customer_count + 1}", ids)

    def listed_order(self, n: int) -> Json:
        """One of a long list."""
        number = self.order_count + n + 1
        ids = [
            f"p-{(n * LINE_COUNT + line) % LIST_PRODUCT_COUNT + 1}" for line in range(LINE_COUNT)
        ]
        return order(number, f"l-{n // LIST_LENGTH + 1}", ids)


def product(n: int) -> Json:
    return {
        "id": f"p-{n}",
        "version": 1,
        "epoch": 1,
        "name": f"Product number {n}",
        "price": amount(_cents(n)),
        "currency": "EUR",
        "stock": n % 1_000,
    }


def customer(id_: str) -> Json:
    return {
        "id": id_,
        "version": 1,
        "epoch": 1,
        "name": f"Customer number {id_}",
        "email": f"{id_}@example.com",
    }


def order(n: int, customer_id: str, product_ids: list[str]) -> Json:
    """The order of this number, one piece more of each product than of the one before."""
    prices = [_cents(int(id_[2:])) for id_ in product_ids]
    lines = list(zip(product_ids, range(1, len(prices) + 1), prices, strict=True))
    return {
        "id": f"o-{n}",
        "version": 1,
        "epoch": 1,
        "customerId": customer_id,
        "status": STATUSES[n % len(STATUSES)],
        "note": None,
        "currency": "EUR",
        "total": amount(sum(quantity * price for _, quantity, price in lines)),
        "placedAt": instant(n),
        "items": [
            {"productId": id_, "quantity": quantity, "unitPrice": amount(price)}
            for id_, quantity, price in lines
        ],
        "causalDeps": [],
    }


def instant(n: int) -> str:
    """When the order of this number was placed; each a minute after the one before."""
    at = FIRST_AT + timedelta(minutes=n)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def amount(cents: int) -> str:
    """Money as services tell it.

    >>> amount(1250), amount(5)
    ('12.50', '0.05')
    """
    return f"{cents // 100}.{cents % 100:02}"


def _cents(product_number: int) -> int:
    return 100 + product_number * 37 % 20_000

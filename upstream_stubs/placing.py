"""Placing an order: what the client may ask, and the order that comes of it.

Pure: prices and the current time are given, nothing is read or written here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from upstream_stubs.problems import ProblemError, Refusal, invalid
from upstream_stubs.request_parsing import NO_NUL, Body
from upstream_stubs.resources import Id, Order, OrderItem, OrderStatus

MAX_ITEM_COUNT: Final = 50
MAX_QUANTITY: Final = 1000

CROCKFORD: Final = "0123456789abcdefghjkmnpqrstvwxyz"
TIME_DIGIT_COUNT: Final = 10
CHANCE_DIGIT_COUNT: Final = 6

Note = Annotated[str, StringConstraints(max_length=1000), NO_NUL]


class WishedItem(Body):
    """So many of a product."""

    product_id: Id
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY)]


class PlaceOrder(Body):
    """What a client sends to place an order; prices are ours to say."""

    customer_id: Id
    items: Annotated[tuple[WishedItem, ...], Field(min_length=1, max_length=MAX_ITEM_COUNT)]
    note: Note | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """What one piece costs."""

    amount: Decimal
    currency: str


def refuse_duplicates(items: tuple[WishedItem, ...]) -> None:
    """Raise when a product stands in two lines: the client meant one, and we cannot say which."""
    seen: set[str] = set()
    for index, item in enumerate(items):
        if item.product_id in seen:
            raise invalid(f"items.{index}.productId", f"{item.product_id} is in an earlier line")
        seen.add(item.product_id)


def price_items(
    items: tuple[WishedItem, ...], prices: Mapping[str, Price]
) -> tuple[tuple[OrderItem, ...], str]:
    """The lines at these prices, and their currency. Raises for a product without a price."""
    for index, item in enumerate(items):
        if item.product_id not in prices:
            field = f"items.{index}.productId"
            detail = f"there is no product {item.product_id}"
            raise ProblemError(Refusal.UNKNOWN_PRODUCT, detail, field=field)
    currency, *others = {prices[item.product_id].currency for item in items}
    if others:
        detail = "these products are sold in different currencies"
        raise ProblemError(Refusal.MIXED_CURRENCIES, detail, field="items")
    lines = (
        OrderItem(
            product_id=item.product_id,
            quantity=item.quantity,
            unit_price=prices[item.product_id].amount,
        )
        for item in items
    )
    return tuple(lines), currency


def new_order_id(at: datetime, draw: Callable[[int], int]) -> str:
    """``o-`` and 16 digits of Crockford's base 32: ten of the millisecond, six of chance.

    Ids of later milliseconds are greater as text. ``draw`` gives a number below its argument.
    """
    time_digits = spell(int(at.timestamp() * 1000), TIME_DIGIT_COUNT)
    return f"o-{time_digits}{spell(draw(32**CHANCE_DIGIT_COUNT), CHANCE_DIGIT_COUNT)}"


def spell(number: int, digit_count: int) -> str:
    """A number in so many digits of base 32."""
    places = range(digit_count - 1, -1, -1)
    return "".join(CROCKFORD[number >> 5 * place & 31] for place in places)


def new_order(
    wish: PlaceOrder, prices: Mapping[str, Price], *, id_: str, epoch: int, at: datetime
) -> Order:
    """The order, as placed at this time and at these prices. Raises ProblemError."""
    refuse_duplicates(wish.items)
    items, currency = price_items(wish.items, prices)
    return Order(
        id=id_,
        version=1,
        epoch=epoch,
        customer_id=wish.customer_id,
        status=OrderStatus.PLACED,
        note=wish.note,
        currency=currency,
        total=sum((item.unit_price * item.quantity for item in items), Decimal(0)),
        placed_at=at,
        items=items,
    )

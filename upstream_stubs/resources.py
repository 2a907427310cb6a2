"""The public shapes: one resource an aggregate type, the same JSON over REST and in events.

The rule: what is written here is a public API. JSON is camelCase, money is a decimal string with
two places, times are RFC 3339 UTC with milliseconds and ``Z`` (fixed width, so text order is time
order).
"""

import re
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
)
from pydantic.alias_generators import to_camel

ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._~-]{0,63}$"
"""Ids travel in paths and comma-joined batches: unreserved URL characters, 64 at most."""

MONEY_PATTERN = re.compile(r"[0-9]{1,12}(\.[0-9]{1,2})?")


def parse_money(value: object) -> Decimal:
    """The amount in a decimal string; a JSON number is refused, it may have been a float."""
    match value:
        case Decimal():
            return value
        case str() if MONEY_PATTERN.fullmatch(value):
            return Decimal(value)
        case _:
            raise ValueError("must be a decimal string with at most two places, such as '12.50'")


def render_money(amount: Decimal) -> str:
    """Two places always: ``12.50``."""
    return f"{amount:.2f}"


def render_time(at: datetime) -> str:
    """RFC 3339 UTC, milliseconds always: ``2025-03-01T09:30:00.000Z``."""
    return f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


Id = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
Money = Annotated[
    Decimal, BeforeValidator(parse_money), PlainSerializer(render_money, return_type=str)
]
Time = Annotated[datetime, PlainSerializer(render_time, return_type=str)]


class Shape(BaseModel):
    """What every JSON object of the contract has in common; an unknown field is refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, validate_by_name=True
    )


class Resource(Shape):
    """One aggregate's full public state, with the version it was committed at (1 is the first)."""

    kind: ClassVar[str]

    id: Id
    version: int
    epoch: int

    def render(self) -> str:
        """The JSON that readers and events carry."""
        return self.model_dump_json(by_alias=True)


class OrderStatus(StrEnum):
    """Where an order is in its life; a shipped or delivered order can no longer be cancelled."""

    PLACED = "PLACED"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"


class OrderItem(Shape):
    """One line of an order, at the price agreed when it was placed."""

    product_id: Id
    quantity: int
    unit_price: Money


class Order(Resource):
    """An order; its total is the sum of its lines and never changes.

    ``causal_deps``: what its writers had seen of its customer and products, sorted as text.
    """

    kind: ClassVar[str] = "order"

    customer_id: Id
    status: OrderStatus
    note: str | None
    currency: str
    total: Money
    placed_at: Time
    items: tuple[OrderItem, ...]
    causal_deps: tuple[str, ...] = ()


class Customer(Resource):
    """A customer."""

    kind: ClassVar[str] = "customer"

    name: str
    email: str


class Product(Resource):
    """A product, at today's price."""

    kind: ClassVar[str] = "product"

    name: str
    price: Money
    currency: str
    stock: int

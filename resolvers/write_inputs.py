"""The inputs of the mutations, and what can be said against them without asking a service.

Limits that belong to an owner (longest note, largest quantity) are the owner's to enforce; here is
only what can never be right.
"""

import re
from collections.abc import Iterator
from decimal import Decimal

import strawberry
from strawberry import ID, UNSET

from projections.views.aggregate import ID_RULE, is_id
from resolvers.user_errors import UserError, UserErrorCode, user_error

_idempotency_key = re.compile(r"[!-~]{1,200}\Z")

MAX_MAGNITUDE = 20
"""Powers of ten in a price: written out, as services want it, `1E+999999999` is a gigabyte."""

BAD_ID = f"An id has {ID_RULE}."
BAD_QUANTITY = "A quantity is at least 1."
BAD_KEY = "An idempotency key has 1 to 200 visible ASCII characters."
BAD_VERSION = "A version is at least 1."
BAD_PRICE = "A price is an amount greater than 0."
NO_ITEMS = "An order has at least one item."
NOT_NULL = "This field can be left out, but not be null."
NO_CHANGE = "Name at least one field to change."


@strawberry.input
class OrderItemInput:
    product_id: ID
    quantity: int


@strawberry.input
class PlaceOrderInput:
    customer_id: ID
    items: list[OrderItemInput]
    note: str | None = UNSET
    idempotency_key: str | None = strawberry.field(
        default=UNSET, description="Send the same key again to repeat safely: it is placed once."
    )


@strawberry.input
class UpdateOrderInput:
    id: ID
    note: str | None = strawberry.field(default=UNSET, description="Null takes the note away.")
    expected_version: int | None = UNSET


@strawberry.input
class CancelOrderInput:
    id: ID
    reason: str | None = UNSET
    expected_version: int | None = UNSET


@strawberry.input
class UpdateCustomerInput:
    id: ID
    name: str | None = UNSET
    email: str | None = UNSET
    expected_version: int | None = UNSET


@strawberry.input
class UpdateProductInput:
    id: ID
    name: str | None = UNSET
    price: Decimal | None = UNSET
    stock: int | None = UNSET
    expected_version: int | None = UNSET


ChangeInput = UpdateOrderInput | CancelOrderInput | UpdateCustomerInput | UpdateProductInput


def problems_of_order(placed: PlaceOrderInput) -> Iterator[UserError]:
    """What is wrong with an order before any service has seen it."""
    if not is_id(placed.customer_id):
        yield _invalid("customerId", message=BAD_ID)
    if not placed.items:
        yield _invalid("items", message=NO_ITEMS)
    for index, item in enumerate(placed.items):
        if not is_id(item.product_id):
            yield _invalid("items", str(index), "productId", message=BAD_ID)
        if item.quantity < 1:
            yield _invalid("items", str(index), "quantity", message=BAD_QUANTITY)
    key = placed.idempotency_key
    if isinstance(key, str) and not _idempotency_key.match(key):
        yield _invalid("idempotencyKey", message=BAD_KEY)


def problems_of_change(change: ChangeInput) -> Iterator[UserError]:
    """What is wrong with a change before any service has seen it."""
    if not is_id(change.id):
        yield _invalid("id", message=BAD_ID)
    if isinstance(change.expected_version, int) and change.expected_version < 1:
        yield _invalid("expectedVersion", message=BAD_VERSION)
    match change:
        case UpdateCustomerInput(name=name, email=email):
            yield from _problems_of_fields({"name": name, "email": email})
        case UpdateProductInput(name=name, price=price, stock=stock):
            yield from _problems_of_fields({"name": name, "price": price, "stock": stock})
            if isinstance(price, Decimal) and not _is_amount(price):
                yield _invalid("price", message=BAD_PRICE)
        case UpdateOrderInput(note=note):
            if note is UNSET:
                yield _invalid("note", message=NO_CHANGE)
        case CancelOrderInput():
            pass


def _is_amount(price: Decimal) -> bool:
    return price.is_finite() and price > 0 and abs(price.adjusted()) < MAX_MAGNITUDE


def _problems_of_fields(fields: dict[str, str | Decimal | int | None]) -> Iterator[UserError]:
    given = {name: value for name, value in fields.items() if value is not UNSET}
    if not given:
        yield _invalid(message=NO_CHANGE)
    for name, value in given.items():
        if value is None:
            yield _invalid(name, message=NOT_NULL)


def _invalid(*field: str, message: str) -> UserError:
    return user_error(UserErrorCode.INVALID_INPUT, *field, message=message)

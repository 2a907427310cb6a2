"""A small shop: one order of two products, its customer, its products; and what becomes of them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TypeVar

import msgspec

from projections.views import CustomerRow, OrderRow, OrderStatus, ProductRow, Row
from tests.builders.rows import PLACED_AT, customer_row, order_row, product_row

RowT = TypeVar("RowT", bound=Row)


def an_order(
    order_id: str = "o-1",
    *,
    customer_id: str = "c-1",
    products: Sequence[str] = ("p-1", "p-2"),
    status: OrderStatus = OrderStatus.PLACED,
    minute: int = 0,
    version: int = 1,
) -> OrderRow:
    """An order of one piece each, placed ``minute`` minutes after the shop's first."""
    return order_row(
        order_id,
        version,
        customer_id=customer_id,
        status=status,
        placed_at=PLACED_AT + timedelta(minutes=minute),
        product_ids=tuple(products),
    )


def a_customer(customer_id: str = "c-1", *, name: str = "Ada", version: int = 1) -> CustomerRow:
    return customer_row(customer_id, version, name=name)


def a_product(product_id: str = "p-1", *, name: str = "Lamp", version: int = 1) -> ProductRow:
    return product_row(product_id, version, name=name)


def changed(row: RowT, **changes: object) -> RowT:
    """The row after one more commit."""
    return msgspec.structs.replace(row, version=row.version + 1, **changes)


ORDER = an_order()
CUSTOMER = a_customer()
LAMP = a_product("p-1", name="Lamp")
MUG = a_product("p-2", name="Mug")
SHOP: tuple[Row, ...] = (ORDER, CUSTOMER, LAMP, MUG)

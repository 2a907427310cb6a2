"""The part of the schema that is measured, as Strawberry's documentation writes it."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Protocol, Self

import strawberry
from strawberry import ID, Private
from strawberry.fastapi import BaseContext
from strawberry.types import Info

Json = dict[str, Any]


class Source(Protocol):
    """Where the states of resources come from, as the services publish them."""

    async def order(self, order_id: str) -> Json | None: ...

    async def orders(self, customer_id: str, first: int) -> Sequence[Json]: ...

    async def customer(self, customer_id: str) -> Json | None: ...

    async def product(self, product_id: str) -> Json | None: ...


class Context(BaseContext):
    """One a request."""

    def __init__(self, source: Source) -> None:
        super().__init__()
        self.source = source


@strawberry.enum
class OrderStatus(Enum):
    PLACED = "PLACED"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    CANCELLED = "CANCELLED"


@strawberry.type
class Product:
    id: ID
    name: str
    price: Decimal
    currency: str
    stock: int
    version: int

    @classmethod
    def of(cls, state: Json) -> Self:
        return cls(
            id=ID(state["id"]),
            name=state["name"],
            price=Decimal(state["price"]),
            currency=state["currency"],
            stock=state["stock"],
            version=state["version"],
        )


@strawberry.type
class Customer:
    id: ID
    name: str
    email: str
    version: int

    @classmethod
    def of(cls, state: Json) -> Self:
        return cls(
            id=ID(state["id"]),
            name=state["name"],
            email=state["email"],
            version=state["version"],
        )


@strawberry.type
class OrderItem:
    product_id: Private[str]
    quantity: int
    unit_price: Decimal

    @classmethod
    def of(cls, state: Json) -> Self:
        return cls(
            product_id=state["productId"],
            quantity=state["quantity"],
            unit_price=Decimal(state["unitPrice"]),
        )

    @strawberry.field
    def line_total(self) -> Decimal:
        return self.unit_price * self.quantity

    @strawberry.field
    async def product(self, info: Info[Context, None]) -> Product | None:
        state = await info.context.source.product(self.product_id)
        return None if state is None else Product.of(state)


@strawberry.type
class Order:
    customer_id: Private[str]
    id: ID
    status: OrderStatus
    note: str | None
    currency: str
    total: Decimal
    placed_at: datetime
    version: int
    items: list[OrderItem]

    @classmethod
    def of(cls, state: Json) -> Self:
        return cls(
            customer_id=state["customerId"],
            id=ID(state["id"]),
            status=OrderStatus(state["status"]),
            note=state["note"],
            currency=state["currency"],
            total=Decimal(state["total"]),
            placed_at=datetime.fromisoformat(state["placedAt"]),
            version=state["version"],
            items=[OrderItem.of(item) for item in state["items"]],
        )

    @strawberry.field
    async def customer(self, info: Info[Context, None]) -> Customer | None:
        state = await info.context.source.customer(self.customer_id)
        return None if state is None else Customer.of(state)


@strawberry.type
class OrderEdge:
    node: Order


@strawberry.type
class OrderConnection:
    edges: list[OrderEdge]


@strawberry.type
class Query:
    @strawberry.field
    async def order(self, info: Info[Context, None], id: ID) -> Order | None:
        state = await info.context.source.order(id)
        return None if state is None else Order.of(state)

    @strawberry.field
    async def orders(
        self, info: Info[Context, None], customer_id: ID, first: int = 20
    ) -> OrderConnection:
        states = await info.context.source.orders(customer_id, first)
        return OrderConnection(edges=[OrderEdge(node=Order.of(state)) for state in states])


schema = strawberry.Schema(query=Query)

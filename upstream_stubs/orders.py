"""The order service: its routes."""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response

from upstream_stubs import listing
from upstream_stubs.database import Database
from upstream_stubs.order_desk import CancelOrder, OrderDesk, OrderPatch
from upstream_stubs.placing import PlaceOrder
from upstream_stubs.records import Records
from upstream_stubs.request_parsing import (
    DemandedVersion,
    ExpectedVersion,
    IdempotencyKey,
    PathId,
    RequiredIdempotencyKey,
    WriterSaw,
    body_of,
)
from upstream_stubs.resources import ID_PATTERN, Order, OrderStatus

DEFAULT_ORDER_COUNT: Final = 20
MAX_ORDER_COUNT: Final = 100

PlaceBody = Annotated[PlaceOrder, Depends(body_of(PlaceOrder))]
PatchBody = Annotated[OrderPatch, Depends(body_of(OrderPatch))]
CancelBody = Annotated[CancelOrder, Depends(body_of(CancelOrder))]
CustomerId = Annotated[str | None, Query(alias="customerId", pattern=ID_PATTERN)]
OrderCount = Annotated[int, Query(ge=1, le=MAX_ORDER_COUNT)]


def reading_router(orders: Records[Order], database: Database) -> APIRouter:
    """The routes that read orders."""
    router = APIRouter()

    @router.get("/orders/{id}")
    async def read(id_: PathId, demanded: DemandedVersion) -> Response:
        return orders.read(id_, demanded)

    @router.get("/orders")
    async def read_page(
        customer_id: CustomerId = None,
        status: OrderStatus | None = None,
        limit: OrderCount = DEFAULT_ORDER_COUNT,
        cursor: str | None = None,
    ) -> Response:
        after = None if cursor is None else listing.parse_cursor(cursor)
        selection = listing.Selection(customer_id, status, after)
        page = listing.read_page(database, selection, limit)
        return Response(page, media_type="application/json")

    return router


def changing_router(desk: OrderDesk) -> APIRouter:
    """The routes that place and change orders."""
    router = APIRouter()

    @router.post("/orders")
    async def place(key: RequiredIdempotencyKey, wish: PlaceBody, saw: WriterSaw) -> Response:
        return desk.place(wish, key, saw)

    @router.patch("/orders/{id}")
    async def note(
        id_: PathId,
        patch: PatchBody,
        expected: ExpectedVersion,
        key: IdempotencyKey,
        saw: WriterSaw,
    ) -> Response:
        return desk.note(id_, patch, saw, expected=expected, key=key)

    @router.post("/orders/{id}/cancel")
    async def cancel(
        id_: PathId,
        wish: CancelBody,
        expected: ExpectedVersion,
        key: IdempotencyKey,
        saw: WriterSaw,
    ) -> Response:
        return desk.cancel(id_, wish, saw, expected=expected, key=key)

    return router


def order_router(orders: Records[Order], desk: OrderDesk, database: Database) -> APIRouter:
    """The routes under ``/orders``."""
    router = APIRouter()
    router.include_router(reading_router(orders, database))
    router.include_router(changing_router(desk))
    return router

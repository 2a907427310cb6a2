"""The product service: the catalogue with today's prices and stock."""

from decimal import Decimal
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from upstream_stubs.idempotency import Attempt
from upstream_stubs.records import Records
from upstream_stubs.request_parsing import (
    BatchIds,
    Body,
    DemandedVersion,
    ExpectedVersion,
    IdempotencyKey,
    Name,
    PathId,
    body_of,
)
from upstream_stubs.resources import Money, Product

MAX_STOCK_COUNT: Final = 1_000_000_000


class ProductPatch(Body):
    """Whichever of these the client sends is set; the rest stays."""

    name: Name = ""
    price: Annotated[Money, Field(gt=0)] = Decimal(0)
    stock: Annotated[int, Field(ge=0, le=MAX_STOCK_COUNT)] = 0


PatchBody = Annotated[ProductPatch, Depends(body_of(ProductPatch))]


def product_router(products: Records[Product]) -> APIRouter:
    """The routes under ``/products``."""
    router = APIRouter()

    @router.get("/products/{id}")
    async def read(id_: PathId, demanded: DemandedVersion) -> Response:
        return products.read(id_, demanded)

    @router.get("/products")
    async def read_batch(ids: BatchIds) -> Response:
        return products.read_batch(ids)

    @router.patch("/products/{id}")
    async def patch(
        id_: PathId, patch: PatchBody, expected: ExpectedVersion, key: IdempotencyKey
    ) -> Response:
        return products.change(
            id_,
            Attempt(key, ("PATCH product", id_, str(expected), patch.render())),
            expected=expected,
            event_type="product.updated",
            change=lambda product: product.model_copy(update=patch.changes()),
        )

    return router

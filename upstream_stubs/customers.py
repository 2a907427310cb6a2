"""The customer service: names and addresses, and nobody else's business."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import StringConstraints

from upstream_stubs.idempotency import Attempt
from upstream_stubs.records import Records
from upstream_stubs.request_parsing import (
    NO_NUL,
    BatchIds,
    Body,
    DemandedVersion,
    ExpectedVersion,
    IdempotencyKey,
    Name,
    PathId,
    body_of,
)
from upstream_stubs.resources import Customer

Email = Annotated[
    str, StringConstraints(max_length=254, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$"), NO_NUL
]


class CustomerPatch(Body):
    """Whichever of these the client sends is set; the rest stays."""

    name: Name = ""
    email: Email = ""


PatchBody = Annotated[CustomerPatch, Depends(body_of(CustomerPatch))]


def customer_router(customers: Records[Customer]) -> APIRouter:
    """The routes under ``/customers``."""
    router = APIRouter()

    @router.get("/customers/{id}")
    async def read(id_: PathId, demanded: DemandedVersion) -> Response:
        return customers.read(id_, demanded)

    @router.get("/customers")
    async def read_batch(ids: BatchIds) -> Response:
        return customers.read_batch(ids)

    @router.patch("/customers/{id}")
    async def patch(
        id_: PathId, patch: PatchBody, expected: ExpectedVersion, key: IdempotencyKey
    ) -> Response:
        return customers.change(
            id_,
            Attempt(key, ("PATCH customer", id_, str(expected), patch.render())),
            expected=expected,
            event_type="customer.updated",
            change=lambda customer: customer.model_copy(update=patch.changes()),
        )

    return router

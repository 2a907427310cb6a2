"""The product service, as resolvers speak to it."""

from dataclasses import dataclass
from decimal import Decimal

import msgspec

from projections.views.products import ProductRow
from resolvers.upstream.call import Upstream
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.resource import Change, Listing, Resource, render_patch


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductChange:
    """What to change about a product; None leaves as it is."""

    name: str | None = None
    price: Decimal | None = None
    stock: int | None = None


class ProductsClient(Resource[ProductRow]):
    """Reads products, alone or in batches, and changes them at the service that owns them.

    Every method raises the UpstreamError that says what happened, and waits until the context's
    deadline at the latest.
    """

    def __init__(self, upstream: Upstream) -> None:
        super().__init__(
            upstream,
            "products",
            row=msgspec.json.Decoder(ProductRow),
            listing=msgspec.json.Decoder(Listing[ProductRow]),
        )

    async def update(
        self,
        product_id: str,
        change: ProductChange,
        context: CallContext,
        *,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> ProductRow:
        """Return the product as changed; Rejected with `version-conflict` if it has moved on."""
        guarded = Change(
            method="PATCH",
            body=render_patch(
                name=change.name,
                # Written out: the plain rendering of Decimal("1E+2") is no amount on the wire.
                price=None if change.price is None else f"{change.price:f}",
                stock=change.stock,
            ),
            expected_version=expected_version,
            idempotency_key=idempotency_key,
        )
        return await self.change(product_id, guarded, context)

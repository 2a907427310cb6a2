"""The customer service, as resolvers speak to it."""

from dataclasses import dataclass

import msgspec

from projections.views.customers import CustomerRow
from resolvers.upstream.call import Upstream
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.resource import Change, Listing, Resource, render_patch


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomerChange:
    """What to change about a customer; None leaves as it is."""

    name: str | None = None
    email: str | None = None


class CustomersClient(Resource[CustomerRow]):
    """Reads customers, alone or in batches, and changes them at the service that owns them.

    Every method raises the UpstreamError that says what happened, and waits until the context's
    deadline at the latest.
    """

    def __init__(self, upstream: Upstream) -> None:
        super().__init__(
            upstream,
            "customers",
            row=msgspec.json.Decoder(CustomerRow),
            listing=msgspec.json.Decoder(Listing[CustomerRow]),
        )

    async def update(
        self,
        customer_id: str,
        change: CustomerChange,
        context: CallContext,
        *,
        expected_version: int | None = None,
        idempotency_key: str | None = None,
    ) -> CustomerRow:
        """Return the customer as changed; Rejected with `version-conflict` if she has moved on."""
        guarded = Change(
            method="PATCH",
            body=render_patch(name=change.name, email=change.email),
            expected_version=expected_version,
            idempotency_key=idempotency_key,
        )
        return await self.change(customer_id, guarded, context)

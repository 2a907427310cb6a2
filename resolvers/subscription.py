"""The root of what is followed: its fields as clients see them.

The rule: a subscription is the query of one order, asked again at each change. So nothing is
resolved here; `gateway.subscriptions` makes that query of it (`execution.standing`), and whatever
holds for the query (who may see what, how new it is, what it costs) holds for each of its answers.
"""

from collections.abc import AsyncGenerator

import strawberry
from strawberry import ID, UNSET

from resolvers.context import Info
from resolvers.costs import READ
from resolvers.scalars import ConsistencyToken
from resolvers.types import Order

AFTER = (
    "With `after`, the token of an event or of any other answer, only what is newer than it says "
    "you have seen; on any gateway."
)


@strawberry.type
class Subscription:
    @strawberry.subscription(
        description="One order: how it is now, then each later version, never an older one; null "
        "while there is none, or when it is gone. Who reads slowly is shown the latest version, "
        "and those between are passed over. The event's token is in "
        f"`extensions.consistency.token`. {AFTER}",
        directives=[READ],
    )
    async def order_changed(
        self, info: Info, id: ID, after: ConsistencyToken | None = UNSET
    ) -> AsyncGenerator[Order | None]:
        raise NotImplementedError(ELSEWHERE)
        yield

    @strawberry.subscription(
        description="The orders of a customer, each as `orderChanged` has it: first the newest "
        "hundred as they are now, oldest first, then one event for each order that is placed or "
        "changes. An order that is gone is not told. With `after`, first all of her orders but "
        "those of which the token names this version: nothing that has changed meanwhile is "
        "missed, and what has not may be shown again.",
        directives=[READ],
    )
    async def customer_orders_changed(
        self, info: Info, customer_id: ID, after: ConsistencyToken | None = UNSET
    ) -> AsyncGenerator[Order | None]:
        raise NotImplementedError(ELSEWHERE)
        yield


ELSEWHERE = "subscriptions are run by gateway.subscriptions"

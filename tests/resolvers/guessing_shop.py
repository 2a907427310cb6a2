"""A shop whose services take their time, and what its gateway has guessed of it."""

from typing import cast

import httpx
import msgspec

from projections.views import OrderRow, Row
from resolvers.speculation import GuessCounts, Guesses
from tests.contracts.twins import UpstreamTwins
from tests.faults.misbehaviour import Behaviour, misbehave, slow_down
from tests.gateway_in_process import (
    GatewayInProcess,
    twins_of,
)
from tests.resolvers.rows import ORDER, SHOP, a_customer, a_product, changed

DETAILS = "{ id customer { name } items { product { name } } }"
PAGE = '{ order(id: "o-1") ' + DETAILS + " }"
LIVE_PAGE = '{ order(id: "o-1", consistency: {live: true}) ' + DETAILS + " }"
LIVE_LIST = (
    '{ orders(customerId: "c-1", consistency: {live: true}) { edges { node ' + DETAILS + " } } }"
)
DELAYS_S = {"orders": 0.2, "customers": 0.22, "products": 0.25}
ONE_TRIP_S = 0.25
"""The slowest service."""
TWO_HOPS_S = 0.45
"""The order, then the slowest of the others."""

BEA = a_customer("c-2", name="Bea")
VASE = a_product("p-3", name="Vase")
ALONE = {"live_fresh_ms": 0}
"""No answer is kept, so that each page is read anew."""


def slow_shop(*more: Row) -> UpstreamTwins:
    twins = twins_of(*SHOP, *more)
    for service, delay_s in DELAYS_S.items():
        slow_down(twins, service, delay_s)
    return twins


def handed_over(order: OrderRow = ORDER) -> OrderRow:
    """The order as its owner has it now: of another customer, with another product."""
    [lamp, mug] = order.items
    items = (lamp, msgspec.structs.replace(mug, product_id="p-3"))
    return changed(order, customer_id="c-2", items=items)


def spoil_ada(twins: UpstreamTwins, behaviour: Behaviour) -> None:
    """Asked for Ada, the customer service does this; asked for others it is well."""
    healthy = cast("Behaviour", twins.customers.side_effect)

    async def answer(request: httpx.Request) -> httpx.Response:
        is_for_ada = "c-1" in request.url.params["ids"]
        return await (behaviour if is_for_ada else healthy)(request)

    misbehave(twins, "customers", answer)


def guesses_of(bff: GatewayInProcess) -> Guesses:
    guesses = bff.gateway.clients.guesses
    assert guesses is not None
    return guesses


def counts(bff: GatewayInProcess) -> GuessCounts:
    return guesses_of(bff).counts

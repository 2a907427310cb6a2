"""Orders read live with whom they lead to: in one round trip where that can be guessed.

Each figure stands beside its control: the same with guessing off, which is two hops.
"""

import httpx
import pytest

from projections.versions import AggregateType
from resolvers.speculation import GuessCounts
from tests.faults.misbehaviour import answering, hanging, misbehave, slow_down
from tests.gateway_in_process import (
    GatewayInProcess,
    open_composing_gateway,
    open_gateway,
    own,
    pass_time,
    twins_of,
)
from tests.resolvers.rows import CUSTOMER, LAMP, MUG, ORDER, SHOP, a_customer, a_product, an_order
from tests.resolvers.rows import changed
from tests.contracts.twins import UpstreamTwins

pytestmark = pytest.mark.steered_time

DETAILS = "{ id customer { name } items { product { name } } }"
WHOLE_PAGE = '{ order(id: "o-1") ' + DETAILS + " }"
LIVE_PAGE = '{ order(id: "o-1", consistency: {live: true}) ' + DETAILS + " }"
DELAYS_S = {"orders": 0.2, "customers": 0.22, "products": 0.25}
SLOWEST_S = max(DELAYS_S.values())


def slow_shop(*more: object) -> UpstreamTwins:
    twins = twins_of(*SHOP, *more)
    for service, delay_s in DELAYS_S.items():
        slow_down(twins, service, delay_s)
    return twins


def counts(bff: GatewayInProcess) -> GuessCounts:
    guesses = bff.gateway.clients.guesses
    assert guesses is not None
    return guesses.counts


class TestOneRoundTrip:
    async def test_known_ids_cost_one_round_trip(self) -> None:
        """Who has been heard of once is asked for beside the order: 1.00 × the slowest service."""
        async with open_composing_gateway(slow_shop(), live_fresh_ms=0) as bff:
            first = await bff.ask(WHOLE_PAGE)
            bff.forget_hits()
            again = await bff.ask(WHOLE_PAGE)

            assert again.data == first.data
            assert first.elapsed_s == pytest.approx(0.45)
            assert again.elapsed_s <= 1.15 * SLOWEST_S
            assert len(bff.calls) == 3

    async def test_without_guesses_it_is_two_hops(self) -> None:
        """The control: with guessing off the second page takes as long as the first."""
        async with open_composing_gateway(
            slow_shop(), live_fresh_ms=0, guess_ahead=False
        ) as bff:
            await bff.ask(WHOLE_PAGE)
            again = await bff.ask(WHOLE_PAGE)

            assert again.elapsed_s == pytest.approx(0.45)

"""A list tells of every order in it, also of one that nobody could be asked about."""

import httpx
import pytest

from tests.faults.misbehaviour import answering, misbehave
from tests.gateway_in_process import open_gateway, pass_time, twins_of
from tests.resolvers.rows import CUSTOMER, an_order

pytestmark = pytest.mark.steered_time

LIST = '{ orders(customerId: "c-1") { edges { cursor node { id } } } }'
FIRST, SECOND = (an_order(f"o-{n}", minute=n) for n in (1, 2))
UNAVAILABLE = answering(httpx.Response(503))


async def test_a_list_in_doubt_whose_owner_is_down_is_an_error() -> None:
    """An order of hers may have joined or left it, and nobody can tell: no list, and why."""
    twins = twins_of(CUSTOMER, FIRST, SECOND)
    async with open_gateway(twins) as bff:
        await bff.projection.park(SECOND.key)
        misbehave(twins, "orders", UNAVAILABLE)

        answer = await bff.ask(LIST)

        assert answer.partial_data["orders"] == {"edges": None}
        assert answer.codes == {"orders.edges": "UPSTREAM_UNAVAILABLE"}


async def test_page_info_alone_tells_where_it_came_from() -> None:
    """Who asks only whether the list goes on is shown the list all the same, and told so."""
    query = """query ($consistency: Consistency) {
      orders(customerId: "c-1", consistency: $consistency) { pageInfo { hasNextPage } } }"""
    stale = {"bounded": {"maxStalenessMs": 100, "onTimeout": "STALE"}}
    async with open_gateway(twins_of(CUSTOMER, FIRST)) as bff:
        await pass_time(30)

        answer = await bff.ask(query, {"consistency": stale})

        assert answer.origin("orders") == ("PROJECTION", "STALE_ALLOWED")
        assert answer.consistency["satisfied"] is False

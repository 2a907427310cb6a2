"""Pages of a list join without a gap or a repetition, wherever each of them was read."""

from datetime import timedelta

import msgspec
import pytest

from projections.views import OrderRow
from tests.gateway_in_process import GatewayInProcess, open_gateway, twins_of
from tests.graphql_answers import Answer
from tests.resolvers.rows import an_order

pytestmark = pytest.mark.steered_time

PAGE = """query ($first: Int = 2, $after: String, $consistency: Consistency) {
  orders(customerId: "c-1", first: $first, after: $after, consistency: $consistency) {
    edges { cursor node { id } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""

PROJECTED: dict[str, object] = {"eventual": True}
LIVE: dict[str, object] = {"live": True}

SAME_MOMENT = [an_order(f"o-{n}", minute=5) for n in range(3)]
"""Placed in one instant: only the id tells them apart."""
MICROSECOND_LATER: OrderRow = msgspec.structs.replace(
    an_order("o-m"), placed_at=an_order(minute=5).placed_at + timedelta(microseconds=1)
)
ORDERS = [an_order(f"o-{n}{n}", minute=n) for n in range(3)] + SAME_MOMENT + [MICROSECOND_LATER]
NEWEST_FIRST = ["o-m", "o-2", "o-1", "o-0", "o-22", "o-11", "o-00"]


async def page(bff: GatewayInProcess, mode: dict[str, object], after: str | None = None) -> Answer:
    return await bff.ask(PAGE, {"consistency": mode, "after": after})


def ids_of(answer: Answer) -> list[str]:
    return [edge["node"]["id"] for edge in answer.data["orders"]["edges"]]


@pytest.mark.parametrize(
    "turns",
    [(PROJECTED, PROJECTED), (LIVE, LIVE), (PROJECTED, LIVE), (LIVE, PROJECTED)],
    ids=["projected", "live", "projected then live", "live then projected"],
)
async def test_a_list_can_go_on_wherever_it_began(turns: tuple[dict[str, object], ...]) -> None:
    """A cursor from the projection means the same to the owner, and the other way round."""
    async with open_gateway(twins_of(*ORDERS)) as bff:
        seen: list[str] = []
        after = None
        for turn in range(4):
            answer = await page(bff, turns[turn % 2], after)
            seen += ids_of(answer)
            after = answer.data["orders"]["pageInfo"]["endCursor"]

        assert seen == NEWEST_FIRST
        assert answer.data["orders"]["pageInfo"]["hasNextPage"] is False


@pytest.mark.parametrize("mode", [PROJECTED, LIVE], ids=["projected", "live"])
async def test_page_info_tells_where_a_page_begins_and_ends(mode: dict[str, object]) -> None:
    """The cursors are those of the first and last edge; both directions are told."""
    async with open_gateway(twins_of(*ORDERS)) as bff:
        first = (await page(bff, mode)).data["orders"]
        second = (await page(bff, mode, first["pageInfo"]["endCursor"])).data["orders"]

        assert first["pageInfo"]["hasPreviousPage"] is False
        assert second["pageInfo"] == {
            "hasNextPage": True,
            "hasPreviousPage": True,
            "startCursor": second["edges"][0]["cursor"],
            "endCursor": second["edges"][1]["cursor"],
        }


@pytest.mark.parametrize("mode", [PROJECTED, LIVE], ids=["projected", "live"])
async def test_an_empty_list_has_no_cursors(mode: dict[str, object]) -> None:
    """A customer without orders has a page without edges."""
    async with open_gateway(twins_of()) as bff:
        answer = await page(bff, mode)

        assert answer.data["orders"] == {
            "edges": [],
            "pageInfo": {
                "hasNextPage": False,
                "hasPreviousPage": False,
                "startCursor": None,
                "endCursor": None,
            },
        }


@pytest.mark.parametrize("first", [0, -1, 101])
async def test_a_page_of_an_impossible_size_is_refused_by_name(first: int) -> None:
    """Nobody is asked, and the error names the argument."""
    async with open_gateway(twins_of()) as bff:
        answer = await bff.ask(PAGE, {"first": first, "consistency": LIVE})

        assert answer.error["extensions"] == {"code": "BAD_USER_INPUT", "field": "first"}
        assert bff.calls == []


@pytest.mark.parametrize("after", ["x", "bm90IGEgY3Vyc29y", "ÿ", "MjAyNi0wMS0zMVQwOTowNTowMF9vLTE"])
async def test_what_is_no_cursor_is_refused_by_name(after: str) -> None:
    """Nobody is asked; a cursor whose time has no zone is none either."""
    async with open_gateway(twins_of()) as bff:
        answer = await bff.ask(PAGE, {"after": after, "consistency": LIVE})

        assert answer.error["extensions"] == {"code": "BAD_USER_INPUT", "field": "after"}
        assert bff.calls == []

"""The REST contract of `GET /orders`: newest first, filtered, page by page."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.contracts.rest_implementations import (
    IMPLEMENTATIONS,
    Implementation,
    place,
    some_order,
)
from tests.upstream_stubs.in_process import Services


@pytest.fixture(params=list(IMPLEMENTATIONS.values()), ids=list(IMPLEMENTATIONS))
async def services(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Services]:
    implementation: Implementation = request.param
    async with implementation(tmp_path) as services:
        yield services


async def test_list_is_newest_first(services: Services) -> None:
    """Orders are listed by (placedAt, id), both descending."""
    response = await services.orders.get("/orders", params={"limit": "100"})

    places = [(order["placedAt"], order["id"]) for order in response.json()["items"]]
    assert places == sorted(places, reverse=True)
    assert response.json()["nextCursor"] is None


async def test_list_holds_only_what_was_asked_for(services: Services) -> None:
    """The filters for customer and status are both obeyed."""
    shipped = await some_order(services, "SHIPPED")
    wanted = {"customerId": str(shipped["customerId"]), "status": "SHIPPED"}

    response = await services.orders.get("/orders", params=wanted)

    orders = response.json()["items"]
    assert shipped["id"] in {order["id"] for order in orders}
    assert {(order["customerId"], order["status"]) for order in orders} == {
        (wanted["customerId"], "SHIPPED")
    }


async def test_pages_follow_each_other_without_a_gap_or_a_repeat(services: Services) -> None:
    """All pages together are the list, also when an order is placed meanwhile."""
    whole = (await services.orders.get("/orders", params={"limit": "100"})).json()["items"]
    cursor: str | None = ""
    seen: list[str] = []

    while cursor is not None:
        parameters = {"limit": "7", **({"cursor": cursor} if cursor else {})}
        page = (await services.orders.get("/orders", params=parameters)).json()
        seen += [order["id"] for order in page["items"]]
        cursor = page["nextCursor"]
        await place(services, f"meanwhile-{len(seen)}")

    assert seen == [order["id"] for order in whole]


async def test_cursor_can_be_made_from_any_row(services: Services) -> None:
    """``<placedAt>_<id>`` goes on after that order, however the time is spelt."""
    first, second = (await services.orders.get("/orders", params={"limit": "2"})).json()["items"]
    in_microseconds = first["placedAt"].replace("Z", "000Z")

    for placed_at in (first["placedAt"], in_microseconds):
        page = await services.orders.get(
            "/orders", params={"limit": "1", "cursor": f"{placed_at}_{first['id']}"}
        )
        assert page.json()["items"] == [second]


async def test_unknown_customer_has_no_orders(services: Services) -> None:
    """A list for nobody is empty, not an error."""
    response = await services.orders.get("/orders", params={"customerId": "c-none"})

    assert response.json() == {"items": [], "nextCursor": None}


async def test_new_order_heads_the_list(services: Services) -> None:
    """A placed order is first in its customer's list."""
    order = await place(services, "key-1", customer_id="c-2")

    listed = await services.orders.get("/orders", params={"customerId": "c-2", "limit": "1"})

    assert listed.json()["items"] == [order]

"""The contract of `GET /events`: CloudEvents in commit order, cursors, and the long poll."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from tests.contracts.rest_implementations import (
    IMPLEMENTATIONS,
    Implementation,
    Json,
    place,
    problem_of,
)
from tests.upstream_stubs.in_process import Services


@pytest.fixture(params=list(IMPLEMENTATIONS.values()), ids=list(IMPLEMENTATIONS))
async def services(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Services]:
    implementation: Implementation = request.param
    async with implementation(tmp_path) as services:
        yield services


async def read(client: httpx.AsyncClient, **parameters: str | float) -> Json:
    response = await client.get("/events", params=parameters)
    assert response.status_code == 200, response.text
    page: Json = response.json()
    return page


async def read_all(client: httpx.AsyncClient) -> tuple[list[Json], str]:
    """Every event of the log, and the cursor behind the last."""
    page = (await client.get("/events", params={"limit": "1000"})).json()
    assert page["remaining"] == 0
    return page["events"], page["cursor"]


async def test_event_is_a_cloud_event_with_the_state_that_a_read_answers(
    services: Services,
) -> None:
    """An event has the attributes of the contract; its data is the resource as REST shows it."""
    _, cursor = await read_all(services.orders)
    order = await place(services, "key-1")
    path = f"/orders/{order['id']}"
    noted = (await services.orders.patch(path, json={"note": "Ring"})).json()

    placed_event, noted_event = (await read(services.orders, after=cursor))["events"]

    event_id, time = noted_event.pop("id"), noted_event.pop("time")
    assert UUID(event_id) != UUID(placed_event["id"])
    assert datetime.fromisoformat(time).utcoffset() == UTC.utcoffset(None)
    assert noted_event == {
        "specversion": "1.0",
        "source": "/orders",
        "type": "order.updated",
        "subject": order["id"],
        "datacontenttype": "application/json",
        "aggregateversion": 2,
        "previousversion": 1,
        "sourceepoch": order["epoch"],
        "schemaversion": 1,
        "tombstone": False,
        "data": noted,
    }
    assert placed_event["data"] == order
    assert placed_event.get("previousversion") is None


async def test_each_change_is_told_by_its_name(services: Services) -> None:
    """Placing, noting and cancelling an order, and changing a customer or product, are events."""
    clients = (services.orders, services.customers, services.products)
    cursors = [(await read_all(client))[1] for client in clients]
    order = await place(services, "key-1")
    await services.orders.patch(f"/orders/{order['id']}", json={"note": "Ring"})
    await services.orders.post(f"/orders/{order['id']}/cancel", json={})
    await services.customers.patch("/customers/c-1", json={"name": "Ada"})
    await services.products.patch("/products/p-1", json={"stock": 3})

    told = [
        [event["type"] for event in (await read(client, after=cursor))["events"]]
        for client, cursor in zip(clients, cursors, strict=True)
    ]

    assert told == [
        ["order.placed", "order.updated", "order.cancelled"],
        ["customer.updated"],
        ["product.updated"],
    ]


async def test_what_changes_nothing_is_not_told(services: Services) -> None:
    """Repeats, refusals and changes without a change leave the log as it was."""
    order = await place(services, "key-1", note="Ring")
    _, cursor = await read_all(services.orders)

    await place(services, "key-1", note="Ring")
    await services.orders.patch(f"/orders/{order['id']}", json={"note": "Ring"})
    await services.orders.patch(
        f"/orders/{order['id']}", json={"note": "x"}, headers={"If-Match": '"9"'}
    )

    page = await read(services.orders, after=cursor)

    assert (page["events"], page["cursor"], page["remaining"]) == ([], cursor, 0)


async def test_log_holds_every_version_of_every_resource(services: Services) -> None:
    """From the start of the log, each aggregate's versions are 1, 2, 3 … up to what REST shows."""
    for client, kind in (
        (services.orders, "orders"),
        (services.customers, "customers"),
        (services.products, "products"),
    ):
        versions: dict[object, int] = {}
        events, _ = await read_all(client)

        for event in events:
            expected = versions.get(event["subject"], 0) + 1
            assert event["aggregateversion"] == expected
            versions[event["subject"]] = expected

        last = events[-1]
        shown = (await client.get(f"/{kind}/{last['subject']}")).json()
        assert shown["version"] == versions[last["subject"]]


async def test_pages_of_the_log_join_without_a_gap_or_a_repeat(services: Services) -> None:
    """Reading on from each cursor gives the whole log, and counts down what remains."""
    events, _ = await read_all(services.customers)
    page = await read(services.customers, limit=3)
    joined = list(page["events"])

    while page["remaining"]:
        page = await read(services.customers, limit=3, after=page["cursor"])
        joined += page["events"]
        assert page["remaining"] == len(events) - len(joined)

    assert joined == events


async def test_place_grows_by_one_an_event_in_one_log(services: Services) -> None:
    """Whatever the pages, a place counts the events before it, and names its log."""
    events, _ = await read_all(services.customers)
    first = await read(services.customers, limit=3)
    second = await read(services.customers, limit=2, after=first["cursor"])
    rest = await read(services.customers, limit=1000, after=second["cursor"])
    again = await read(services.customers, limit=1000, after=rest["cursor"])

    pages = (first, second, rest, again)
    assert [page["place"] for page in pages] == [3, 5, len(events), len(events)]
    assert {page["log"] for page in pages} == {first["log"]}
    assert first["log"]


async def test_logs_are_told_apart(services: Services) -> None:
    """A place in the log of one service is none in that of another."""
    pages = [await read(client) for client in (services.orders, services.customers)]

    assert len({page["log"] for page in pages}) == 2


async def test_answer_proves_what_was_committed_before_it(services: Services) -> None:
    """Everything committed before `provenAt` was told; so it lies between commit and answer."""
    _, cursor = await read_all(services.customers)
    asked_at = datetime.now(UTC)
    await services.customers.patch("/customers/c-1", json={"name": "Ada"})
    [event] = (await read(services.customers, after=cursor))["events"]

    page = await read(services.customers, after=cursor)

    proven_at = datetime.fromisoformat(page["provenAt"])
    assert datetime.fromisoformat(event["time"]) <= proven_at <= datetime.now(UTC)
    assert proven_at >= asked_at - timedelta(milliseconds=1)
    assert page["provenAt"].endswith("Z")


@pytest.mark.parametrize(
    "spoil", ["0123456789ab-1", "nonsense", "{log}-99999", "{log}--1", "{cursor}x"]
)
async def test_cursor_of_another_log_is_gone(services: Services, spoil: str) -> None:
    """A cursor that this log never gave is answered 410: the reader must start again."""
    _, cursor = await read_all(services.orders)
    foreign = spoil.format(log=cursor.rpartition("-")[0], cursor=cursor)

    response = await services.orders.get("/events", params={"after": foreign})

    assert (response.status_code, problem_of(response)["code"]) == (410, "cursor-unknown")


@pytest.mark.steered_time
async def test_long_poll_answers_empty_when_nothing_came(services: Services) -> None:
    """Without a commit a poll is held for `wait_s`, then answered with the same cursor."""
    clock = asyncio.get_running_loop().time
    _, cursor = await read_all(services.customers)
    asked_at_s = clock()

    page = await read(services.customers, after=cursor, wait_s=20)

    assert (page["events"], page["cursor"], page["remaining"]) == ([], cursor, 0)
    assert clock() - asked_at_s == pytest.approx(20, abs=0.1)


@pytest.mark.steered_time
async def test_long_poll_is_answered_at_once_by_a_commit(services: Services) -> None:
    """A commit ends the wait of every reader at the moment it happens."""
    clock = asyncio.get_running_loop().time
    _, cursor = await read_all(services.customers)
    asked_at_s = clock()

    async with asyncio.TaskGroup() as group:
        polls = [
            group.create_task(read(services.customers, after=cursor, wait_s=20)) for _ in range(3)
        ]
        await asyncio.sleep(5)
        await services.customers.patch("/customers/c-1", json={"name": "Ada"})

    for poll in polls:
        assert [event["subject"] for event in poll.result()["events"]] == ["c-1"]
    assert clock() - asked_at_s == pytest.approx(5, abs=0.1)

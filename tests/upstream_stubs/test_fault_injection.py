"""What a client sees of a service that misbehaves on demand, and that nothing else is touched."""

import asyncio

import httpx
import pytest
from starlette.types import Message

from tests.contracts.rest_implementations import place, problem_of
from tests.upstream_stubs.in_process import Shop

READ = "/customers/c-1"


async def set_faults(client: httpx.AsyncClient, *rules: dict[str, object]) -> None:
    response = await client.put("/admin/faults", json={"rules": list(rules)})
    assert response.status_code == 200, response.text


async def test_rules_are_shown_as_they_were_set_until_deleted(shop: Shop) -> None:
    """GET shows what PUT set; DELETE ends all faults."""
    customers = shop.services.customers
    rule = {"path": "/customers", "errorRate": 1.0, "status": 503, "retryAfterS": 2}

    await customers.put("/admin/faults", json={"seed": 7, "rules": [rule]})
    shown = (await customers.get("/admin/faults")).json()
    struck = await customers.get(READ)
    deleted = await customers.delete("/admin/faults")
    spared = await customers.get(READ)

    assert shown == {"seed": 7, "rules": [rule]}
    assert (struck.status_code, problem_of(struck)["code"]) == (503, "fault-injected")
    assert struck.headers["Retry-After"] == "2"
    assert (deleted.status_code, spared.status_code) == (204, 200)


async def test_requests_are_counted_by_rule_whether_struck_or_not(shop: Shop) -> None:
    """A count begins with its rules; requests that no rule covers are in none."""
    customers = shop.services.customers
    await set_faults(
        customers,
        {"path": "/customers", "methods": ["GET"], "rate": 0, "hang": True},
        {"path": "/customers/c-1", "errorRate": 1},
    )

    await customers.get(READ)
    await customers.patch(READ, json={"name": "Ada L"})
    await customers.get("/customers/c-2")
    counted = (await customers.get("/admin/faults/counts")).json()
    await set_faults(customers, {"path": "/", "refuse": True})
    afterwards = (await customers.get("/admin/faults/counts")).json()

    assert counted == {"requestCounts": [2, 2]}
    assert afterwards == {"requestCounts": [0]}


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"rules": [{"path": "/", "errorRate": 2}]}, "rules.0.errorRate"),
        ({"rules": [{"path": "/", "hnag": True}]}, "rules.0.hnag"),
        ({"rules": [{"path": "/"}]}, "rules.0"),
        ({}, "rules"),
    ],
)
async def test_bad_rule_is_refused_by_name(
    shop: Shop, rules: dict[str, object], field: str
) -> None:
    """A rule that cannot be is answered 422 with its field, and the rules before stay in force."""
    customers = shop.services.customers
    await set_faults(customers, {"path": "/customers", "errorRate": 1.0})

    response = await customers.put("/admin/faults", json=rules)

    assert (response.status_code, problem_of(response)["field"]) == (422, field)
    assert (await customers.get(READ)).status_code == 500


async def test_admin_and_health_are_never_struck(shop: Shop) -> None:
    """A service whose every path is refused can still be asked how it is, and mended."""
    customers = shop.services.customers
    await set_faults(customers, {"path": "/", "refuse": True})

    statuses = [
        (await customers.get(path)).status_code for path in ("/livez", "/readyz", "/admin/faults")
    ]

    assert statuses == [200, 200, 200]


async def test_refused_request_has_no_answer_and_no_effect(shop: Shop) -> None:
    """A refused mutation was dropped before the service saw it."""
    customers = shop.services.customers
    before = (await customers.get(READ)).json()
    await set_faults(customers, {"path": "/customers", "refuse": True})

    with pytest.raises(httpx.ReadError):
        await customers.patch(READ, json={"name": "Ada L"})

    await customers.delete("/admin/faults")
    assert (await customers.get(READ)).json() == before


async def test_dropped_answer_had_its_effect_once(shop: Shop) -> None:
    """A mutation whose answer was dropped is done; its repeat under the same key only answers."""
    orders = shop.services.orders
    await set_faults(orders, {"path": "/orders", "methods": ["POST"], "dropAnswer": True})

    with pytest.raises(httpx.ReadError):
        await place(shop.services, "key-1")
    listed = (await orders.get("/orders", params={"limit": "1"})).json()["items"]
    await orders.delete("/admin/faults")
    repeat = await place(shop.services, "key-1")

    assert listed == [repeat]


async def test_malformed_answer_is_no_json(shop: Shop) -> None:
    """A malformed answer claims to be JSON with status 200, and is not."""
    customers = shop.services.customers
    await set_faults(customers, {"path": "/customers", "malformed": True})

    response = await customers.get(READ)

    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    with pytest.raises(ValueError, match=r"delimiter|Unterminated"):
        response.json()


async def test_answer_of_the_wrong_schema_is_json_of_another_shape(shop: Shop) -> None:
    """It is readable, with status 200, and has nothing of what was asked for."""
    customers = shop.services.customers
    await set_faults(customers, {"path": "/customers", "wrongSchema": True})

    response = await customers.get(READ)

    assert response.status_code == 200
    assert not {"id", "name", "items"} & response.json().keys()


async def test_cut_body_begins_well_and_had_its_effect(shop: Shop) -> None:
    """The service has done its work, its answer breaks off, and the change is there."""
    customers = shop.services.customers
    await set_faults(customers, {"path": "/customers", "cutBody": True})

    with pytest.raises(httpx.ReadError):
        await customers.patch(READ, json={"name": "Ada L"})

    await customers.delete("/admin/faults")
    assert (await customers.get(READ)).json()["name"] == "Ada L"


@pytest.mark.steered_time
async def test_latency_delays_the_whole_answer(shop: Shop) -> None:
    """A fixed latency is waited out before the answer; without the rule there is no wait."""
    clock, customers = asyncio.get_running_loop().time, shop.services.customers
    times_s = [clock()]

    await customers.get(READ)
    times_s.append(clock())
    await set_faults(customers, {"path": "/customers", "latencyMs": {"fixed": 700}})
    await customers.get(READ)
    times_s.append(clock())

    assert times_s[1] - times_s[0] == 0
    assert times_s[2] - times_s[1] == pytest.approx(0.7)


@pytest.mark.steered_time
async def test_slow_body_drips_over_its_time_and_arrives_whole(shop: Shop) -> None:
    """The body of a slow answer takes as long as the rule says, and is the body."""
    clock, customers = asyncio.get_running_loop().time, shop.services.customers
    expected = (await customers.get(READ)).content
    await set_faults(customers, {"path": "/customers", "slowBodyMs": 2000})
    asked_at_s = clock()

    dripped = (await customers.get(READ)).content

    assert dripped == expected
    assert clock() - asked_at_s == pytest.approx(2.0)


@pytest.mark.steered_time
async def test_hanging_request_goes_on_when_the_rule_is_removed(shop: Shop) -> None:
    """A request hangs for as long as its rule stands, then is answered as if nothing had been."""
    clock, customers = asyncio.get_running_loop().time, shop.services.customers
    await set_faults(customers, {"path": "/customers", "hang": True})
    asked_at_s = clock()

    async with asyncio.TaskGroup() as group:
        request = group.create_task(customers.patch(READ, json={"name": "Ada L"}))
        await asyncio.sleep(100)
        last_event = (await customers.get("/events")).json()["events"][-1]
        await customers.delete("/admin/faults")

    assert request.result().json()["name"] == "Ada L"
    assert last_event["type"] == "customer.created"
    assert clock() - asked_at_s == pytest.approx(100)


@pytest.mark.steered_time
async def test_client_that_leaves_a_hanging_request_has_no_effect(shop: Shop) -> None:
    """A hanging request whose client has gone is forgotten: no answer, no effect."""
    customers = shop.services.customers
    before = (await customers.get(READ)).json()
    await set_faults(customers, {"path": "/customers", "hang": True})
    sent: list[Message] = []
    received: list[Message] = [
        {"type": "http.request", "body": b'{"name": "Ada L"}', "more_body": False},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return received.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "PATCH", "path": READ, "headers": [], "query_string": b""}
    await shop.customers.app(scope, receive, send)
    await customers.delete("/admin/faults")

    assert sent == []
    assert (await customers.get(READ)).json() == before


@pytest.mark.steered_time
async def test_stopping_lets_go_of_everybody_who_waits(shop: Shop) -> None:
    """A stop drops hanging requests unseen and sends long polls away, so the server can end."""
    clock, customers = asyncio.get_running_loop().time, shop.services.customers
    cursor = (await customers.get("/events", params={"limit": "1000"})).json()["cursor"]
    await set_faults(customers, {"path": "/customers", "hang": True})
    asked_at_s = clock()

    async with asyncio.TaskGroup() as group:
        poll = group.create_task(customers.get("/events", params={"after": cursor, "wait_s": "30"}))
        hanging = group.create_task(is_dropped(customers, READ))
        await asyncio.sleep(1)
        shop.customers.stop()

    assert hanging.result()
    assert problem_of(poll.result())["code"] == "stopping"
    assert clock() - asked_at_s == pytest.approx(1)


async def is_dropped(client: httpx.AsyncClient, path: str) -> bool:
    """Whether a read's connection is dropped without an answer."""
    try:
        await client.get(path)
    except httpx.ReadError:
        return True
    return False


@pytest.mark.steered_time
async def test_held_feed_shows_nothing_new_while_commits_go_on(shop: Shop) -> None:
    """A held feed acts as a stopped relay; once it is released, those who wait get all at once."""
    clock, customers = asyncio.get_running_loop().time, shop.services.customers
    cursor = (await customers.get("/events", params={"limit": "1000"})).json()["cursor"]
    asked_at_s = clock()

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(
            customers.get("/events", params={"after": cursor, "wait_s": "30"})
        )
        await asyncio.sleep(1)
        await set_faults(customers, {"path": "/events", "holdEvents": True})
        await customers.patch(READ, json={"name": "Ada L"})
        held = await customers.get("/events", params={"after": cursor, "wait_s": "9"})
        name = (await customers.get(READ)).json()["name"]
        await customers.delete("/admin/faults")

    released = waiting.result().json()
    assert name == "Ada L"
    page = held.json()
    assert (page["events"], page["cursor"], page["remaining"]) == ([], cursor, 0)
    assert [event["data"]["name"] for event in released["events"]] == ["Ada L"]
    assert clock() - asked_at_s == pytest.approx(10, abs=0.1)


@pytest.mark.steered_time
async def test_poll_that_was_waiting_when_the_feed_was_held_leaks_nothing(shop: Shop) -> None:
    """A poll that began before the hold ends empty, although a commit came while it waited."""
    customers = shop.services.customers
    cursor = (await customers.get("/events", params={"limit": "1000"})).json()["cursor"]

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(
            customers.get("/events", params={"after": cursor, "wait_s": "5"})
        )
        await asyncio.sleep(1)
        await set_faults(customers, {"path": "/", "holdEvents": True})
        await customers.patch(READ, json={"name": "Ada L"})

    page = waiting.result().json()
    assert (page["events"], page["cursor"], page["remaining"]) == ([], cursor, 0)

"""A client that asks for too much is refused, early and for nothing; the others are not."""

import asyncio
import json
from collections.abc import Mapping

import httpx
import pytest

from gateway.graphql_http import GraphQLHttp
from gateway.request import RequestHeaders
from tests.gateway.front_door import (
    A_MUTATION,
    A_QUERY,
    JSON_TYPE,
    Door,
    Exchange,
    code_of,
    only_error,
    open_door,
    part,
)
from tests.gateway.metered import scrape
from tests.gateway.test_answers_at_hand import open_shop

COST = 11
"""Of `A_QUERY`: a read and a field."""

SOME = {"rate_limit": 60, "rate_burst": 1000, "query_cost_limit": 1000, "subject_header": "X-User"}
"""A thousand at once, and one a second."""

ADA = {"X-User": "ada"}
BOB = {"X-User": "bob"}


async def statuses(door: Door, count: int, headers: Mapping[str, str] = ADA) -> list[int]:
    return [(await door.ask(A_QUERY, headers=headers)).status_code for _ in range(count)]


async def spend(door: Door, headers: Mapping[str, str] = ADA) -> httpx.Response:
    """Ask until refused; the refusal."""
    for _ in range(200):
        response = await door.ask(A_QUERY, headers=headers)
        if response.status_code != 200:
            return response
    raise AssertionError("never refused")


@pytest.mark.steered_time
async def test_who_has_spent_her_budget_is_told_when_to_return() -> None:
    """429, with a code, `Retry-After` and what is left; nothing reaches a service any more."""
    async with open_door(**SOME) as door:
        refused = await spend(door)
        hits = len(door.wire.hits)
        again = await door.ask(A_MUTATION, headers=ADA)

    extensions = only_error(refused)["extensions"]
    assert refused.status_code == again.status_code == 429
    assert extensions["code"] == "RATE_LIMITED"
    assert extensions["limit"] == "RATE"
    assert int(refused.headers["retry-after"]) * 1000 >= extensions["retryAfterMs"] > 0
    assert refused.headers["ratelimit-policy"] == '"cost";q=1000;w=1000'
    assert refused.headers["ratelimit"].startswith('"cost";r=')
    assert len(door.wire.hits) == hits


@pytest.mark.steered_time
async def test_one_client_s_budget_is_not_another_s() -> None:
    """While one is refused, others are served; and after the time that she was told, so is she."""
    async with open_door(**SOME) as door:
        refused = await spend(door)
        others = await statuses(door, 3, BOB)
        await asyncio.sleep(only_error(refused)["extensions"]["retryAfterMs"] / 1000)
        later = await statuses(door, 1)

    assert (others, later) == ([200] * 3, [200])


@pytest.mark.steered_time
async def test_without_a_limit_one_client_has_all_there_is() -> None:
    """The control: with `BFF_RATE_LIMIT=0` nobody is refused, whatever she asks."""
    async with open_door(**{**SOME, "rate_limit": 0}) as door:
        assert set(await statuses(door, 200)) == {200}


@pytest.mark.steered_time
async def test_what_is_left_is_told_when_little_is() -> None:
    """No header while a client is far from her limit, both when less than a quarter is left."""
    async with open_door(**SOME) as door:
        first = await door.ask(A_QUERY, headers=ADA)
        await statuses(door, 50)
        near = await door.ask(A_QUERY, headers=ADA)

    assert "ratelimit" not in first.headers
    assert near.headers["ratelimit"].startswith('"cost";r=1')
    assert near.status_code == 200


@pytest.mark.steered_time
async def test_an_operation_pays_what_it_has_cost() -> None:
    """Ten lines are reckoned with, one is there: one is paid."""
    query = '{ order(id: "o-1") { items { quantity } } }'
    async with open_door(**SOME) as door:
        await door.ask(query, headers=ADA)
        known_left, _ = door.gateway.limits.budgets.left("s:ada")
        await door.ask(query, headers=ADA)
        left, _ = door.gateway.limits.budgets.left("s:ada")

    assert known_left - left == 5 + 12


@pytest.mark.steered_time
@pytest.mark.parametrize("query", ["{ nothing }", "{ a" + " a" * 300 + " }", "{"])
async def test_refused_documents_are_paid_for_as_well(query: str) -> None:
    """Who sends nothing but bad documents is refused before they are read."""
    async with open_door(**SOME) as door:
        answers = [await door.ask(query, headers=ADA) for _ in range(200)]

    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429
    assert code_of(answers[-1]) == "RATE_LIMITED"


@pytest.mark.steered_time
async def test_what_is_no_request_is_paid_for_as_well() -> None:
    """A flood of anything that is not even JSON ends like any other."""
    async with open_door(**SOME) as door:
        answers = [await door.post(b"[", ADA) for _ in range(250)]

    assert [answers[0].status_code, answers[-1].status_code] == [400, 429]


async def test_answers_at_hand_are_paid_for_too() -> None:
    """The way without a task refuses where the long way would, with the same words."""
    async with open_shop(**SOME) as (door, _):
        http: GraphQLHttp = door.app.state.graphql
        body = json.dumps({"query": A_QUERY}).encode()
        raw = [(k.lower().encode(), v.encode()) for k, v in {**JSON_TYPE, **ADA}.items()]
        replies = [
            http.at_once.reply(RequestHeaders.of(raw), body, "127.0.0.1") for _ in range(100)
        ]
        long_way = await door.ask(A_QUERY, headers=ADA)

    told = [reply for reply in replies if reply is not None]
    assert [reply.status.value for reply in told].count(200) == 1000 // COST
    assert told[-1].status.value == 429
    assert json.loads(told[-1].body)["errors"][0]["message"] == only_error(long_way)["message"]
    assert b"ratelimit" in dict(told[-1].headers)


@pytest.mark.steered_time
async def test_one_client_cannot_fill_the_door() -> None:
    """Requests that are not answered yet are held against her, so a crowd of hers leaves room."""
    async with open_door(
        rate_limit=600_000,
        client_in_flight_cost=1000,
        query_cost_limit=1000,
        subject_header="X-User",
    ) as door:
        crowd = [asyncio.create_task(door.ask(A_QUERY, headers=ADA)) for _ in range(30)]
        other = asyncio.create_task(door.ask(A_QUERY, headers=BOB))
        answers = [await one for one in crowd]
        told = await other
        again = await door.ask(A_QUERY, headers=ADA)

    refused = [one for one in answers if one.status_code == 429]
    assert len(refused) == 20
    assert {only_error(one)["extensions"]["limit"] for one in refused} == {"IN_FLIGHT"}
    assert told.status_code == again.status_code == 200


async def test_who_leaves_pays_what_was_reckoned_with(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody asks for much and leaves for free; and nothing stays held."""

    async def never(_: object) -> httpx.Response:
        called.set()
        return await asyncio.Event().wait() and httpx.Response(200)

    called = asyncio.Event()
    async with open_door(**SOME, live_fresh_ms=0) as door:
        await door.ask(A_QUERY, headers=ADA)
        before, _ = door.gateway.limits.budgets.left("s:ada")
        monkeypatch.setattr(door.wire, "handle_async_request", never)
        body = json.dumps({"query": A_QUERY}).encode()
        exchange = Exchange([part(body)], headers={**JSON_TYPE, "x-user": "ada"})
        running = asyncio.create_task(exchange.run(door.app))
        await called.wait()
        exchange.leave()
        await running
        after, _ = door.gateway.limits.budgets.left("s:ada")

    assert before - after in {COST + 5, COST + 4}


@pytest.mark.steered_time
async def test_refusals_are_counted_by_limit() -> None:
    """`/metrics` has a number for each limit, of documents and of clients, and the costs."""
    async with open_door(**SOME) as door:
        await spend(door)
        await door.ask("{ a" + " a" * 300 + " }", headers=BOB)
        shown = await scrape(door.client)

    assert shown.nonzero("bff_limits_exceeded_total") == {("RATE",): 1, ("ROOT_FIELDS",): 1}
    assert shown["bff_requests_refused_total", {"code": "RATE_LIMITED"}] == 1
    assert shown["bff_cost_actual_total", {}] == shown["bff_cost_estimated_total", {}] > 600
    assert shown["bff_client_budgets", {}] == 2

"""What becomes of an operation of a live connection is told once, and is nobody else's trouble."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.operation import Operations
from gateway.response import Response
from tests.gateway.front_door import A_MUTATION, A_QUERY
from tests.gateway.identity.bearers import BELIEVING
from tests.gateway.subscriptions.live_house import (
    FOLLOW,
    FOLLOW_ALL,
    Json,
    LiveHouse,
    open_house,
    until,
)
from tests.gateway.watched import Seen

O_1 = {"id": "o-1"}
BAD_TOKEN = {"x-consistency-token": "rubbish"}
LINES = {"request_log": "all", "log_format": "json"}


@asynccontextmanager
async def told_house(**settings: Json) -> AsyncIterator[tuple[LiveHouse, Seen]]:
    """A house whose lines are kept."""
    seen = Seen()
    async with open_house(watching=seen.watching, **{**LINES, **settings}) as house:
        yield house, seen


async def test_a_write_that_is_refused_ends_nobody_else() -> None:
    """A mutation over a socket that is not run is told so; all others go on as before."""
    async with open_house() as house, house.socket() as other:
        await other.follow("1", FOLLOW, O_1)
        await other.next()
        async with house.socket(additional_headers=BAD_TOKEN) as socket:
            await socket.follow("1", A_MUTATION)
            refused = await socket.hear()
        async with house.socket() as socket:
            await socket.follow("1", A_MUTATION)
            done = await socket.next()
        is_open = other.connection.state.name

    assert refused["payload"][0]["extensions"]["code"] == "INVALID_CONSISTENCY_TOKEN"
    assert done["data"]
    assert is_open == "OPEN"


async def test_a_write_that_fails_by_our_mistake_ends_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A mistake of ours in a mutation over a socket is told to its client, and to nobody else."""

    async def broken(*_: object, **__: object) -> Response:
        raise ZeroDivisionError

    async with told_house() as (house, seen), house.socket() as socket:
        with monkeypatch.context() as patched:
            patched.setattr(Operations, "run", broken)
            await socket.follow("1", A_MUTATION)
            told = await socket.hear()
        await socket.hear()
        await socket.follow("2", A_QUERY)
        answered = await socket.next("2")

    assert told["payload"]["errors"][0]["extensions"]["code"] == "INTERNAL_ERROR"
    assert answered["data"]
    assert [line["codes"] for line in seen.lines] == [["INTERNAL_ERROR"], []]


async def test_who_is_left_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation that its client ends, or leaves, before its answer has one line: left."""
    begun: list[object] = []

    async def hanging(*_: object, **__: object) -> Response:
        begun.append(None)
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    async with told_house() as (house, seen):
        monkeypatch.setattr(Operations, "run", hanging)
        counts = house.door.gateway.operations.counts
        async with house.socket() as socket:
            await socket.follow("1", A_QUERY)
            await until(lambda: begun)
            await socket.say(id="1", type="complete")
            await until(lambda: counts.left_count == 1)
            await socket.follow("2", A_QUERY)
            await until(lambda: len(begun) == 2)
        await until(lambda: counts.left_count == 2)

    assert [line["status"] for line in seen.lines] == [0, 0]


async def test_who_has_had_an_answer_is_not_told_to_have_left() -> None:
    """A subscription has one line, of its first answer, however it ends."""
    async with told_house() as (house, seen):
        async with house.socket() as socket:
            await socket.follow("1", FOLLOW, O_1)
            await socket.next()
        async with house.stream(FOLLOW, O_1) as stream:
            await stream.result()
        await until(lambda: not house.door.gateway.live.counts.following_count)
        await asyncio.sleep(0)
        left_count = house.door.gateway.operations.counts.left_count

    assert [line["way"] for line in seen.lines] == ["followed", "followed"]
    assert left_count == 0


REFUSED = {
    "a document that is none": ("{", "GRAPHQL_PARSE_FAILED"),
    "no text": (" ", "BAD_REQUEST"),
    "too dear": (FOLLOW_ALL, "RATE_LIMITED"),
}


@pytest.mark.parametrize(("query", "code"), REFUSED.values(), ids=list(REFUSED))
@pytest.mark.parametrize("transport", ["socket", "stream"])
async def test_each_refusal_is_told_once(query: str, code: str, transport: str) -> None:
    """What is not run has one line with its code, and is counted once."""
    settings: Json = {"trusted_proxies": 0}
    async with told_house(**settings) as (house, seen):
        counts = house.door.gateway.operations.counts
        if code == "RATE_LIMITED":
            budgets = house.door.gateway.limits.budgets
            budgets.pay(budgets.open("a:127.0.0.1")._account, 10**9)  # type: ignore[union-attr]
        if transport == "socket":
            async with house.socket() as socket:
                await socket.follow("1", query, O_1)
                told = json.dumps(await socket.hear())
        else:
            async with house.stream(query, O_1, method="POST") as stream:
                told = (await stream.reader.readuntil(b"]}")).decode()
        errors = {name.value: count for name, count in counts.errors.items() if count}

    assert code in told
    assert errors == {code: 1}
    assert [line["codes"] for line in seen.lines] == [[code]]


async def test_who_may_not_come_in_is_told() -> None:
    """A socket whose bearer token is none is closed, counted and logged, as a request would be."""
    async with told_house(**BELIEVING) as (house, seen):
        async with house.socket(is_introduced=False) as socket:
            await socket.say(type="connection_init", payload={"Authorization": "Bearer x.y.z"})
            code, _ = await socket.closed()
        counts = house.door.gateway.operations.counts
        refused = {name.value: count for name, count in counts.refused.items() if count}

    assert code == 4401
    assert refused == {"UNAUTHENTICATED": 1}
    assert [line["codes"] for line in seen.lines] == [["UNAUTHENTICATED"]]


async def test_an_unknown_document_is_paid_for() -> None:
    """Over a socket, too, who sends a document that nobody knew pays for its being read."""
    comment = "#" + "x" * 5_000 + "\n"
    async with open_house(trusted_proxies=0) as house:
        budgets = house.door.gateway.limits.budgets
        async with house.socket() as socket:
            await socket.follow("1", comment + A_QUERY)
            await socket.next()
            await socket.hear()
            first_cost = 60_000 - budgets.left("a:127.0.0.1")[0]
            await socket.follow("2", comment + A_QUERY)
            await socket.next("2")
            await socket.hear()
            both_cost = 60_000 - budgets.left("a:127.0.0.1")[0]

    assert first_cost > 2_000
    assert both_cost < first_cost + 200

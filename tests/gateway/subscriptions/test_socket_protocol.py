"""graphql-transport-ws, message by message: what is said, and the code a socket is closed with."""

import asyncio
import json

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus
from websockets.typing import Subprotocol

from tests.gateway.front_door import A_MUTATION, A_QUERY
from tests.gateway.subscriptions.live_house import FOLLOW, Json, open_house, until

O_1 = {"id": "o-1"}
SUBSCRIBE = {"id": "1", "type": "subscribe", "payload": {"query": A_QUERY}}
INIT = {"type": "connection_init"}


async def test_a_socket_that_says_nothing_is_closed() -> None:
    """Who does not introduce herself in time is closed with 4408."""
    async with open_house() as house:
        live = house.door.gateway.live.sockets
        live._options = live._options.__class__(init_timeout_s=0.1)
        async with house.socket(is_introduced=False) as socket:
            code, reason = await socket.closed()

    assert (code, reason) == (4408, "Connection initialisation timeout")


BROKEN = {
    "no JSON": ("{", 4400),
    "no object": ("[]", 4400),
    "null": ("null", 4400),
    "no type": ("{}", 4400),
    "an unknown type": ('{"type":"start"}', 4400),
    "no id": ('{"type":"subscribe","payload":{"query":"{ __typename }"}}', 4400),
    "an empty id": ('{"id":"","type":"subscribe","payload":{"query":"{ __typename }"}}', 4400),
    "a long id": (json.dumps({**SUBSCRIBE, "id": "x" * 1_000}), 4400),
    "no payload": ('{"id":"1","type":"subscribe"}', 4400),
    "no query": ('{"id":"1","type":"subscribe","payload":{}}', 4400),
    "a strange payload": ('{"type":"ping","payload":1}', 4400),
    "a strange init": ('{"type":"connection_init","payload":[]}', 4400),
    "bytes": (b'{"type":"ping"}', 4400),
    "a second init": (json.dumps(INIT), 4429),
}


@pytest.mark.parametrize(("message", "code"), BROKEN.values(), ids=list(BROKEN))
async def test_what_is_no_message_closes_the_socket(message: str | bytes, code: int) -> None:
    """Each wrong message has its code, and the gateway goes on serving others."""
    async with open_house() as house:
        async with house.socket() as socket:
            await socket.connection.send(message)
            told, _ = await socket.closed()
        async with house.socket() as other:
            await other.follow("1", FOLLOW, O_1)
            assert await other.next()

    assert told == code


async def test_nothing_is_run_for_who_has_not_introduced_herself() -> None:
    """An operation before the init is 4401."""
    async with open_house() as house, house.socket(is_introduced=False) as socket:
        await socket.say(**SUBSCRIBE)
        code, _ = await socket.closed()

    assert code == 4401


async def test_an_id_is_used_once_at_a_time() -> None:
    """A second operation under the id of a running one is 4409."""
    async with open_house() as house, house.socket() as socket:
        await socket.follow("1", FOLLOW, O_1)
        await socket.next()
        await socket.follow("1", FOLLOW, O_1)
        code, reason = await socket.closed()

    assert (code, reason) == (4409, "Subscriber for 1 already exists")


async def test_an_id_is_free_again_once_it_has_ended() -> None:
    """After `complete`, by either side, the id may be used anew."""
    async with open_house() as house, house.socket() as socket:
        for _ in range(2):
            await socket.follow("1", FOLLOW, O_1)
            await socket.next()
            await socket.say(id="1", type="complete")
        for _ in range(2):
            await socket.follow("1", A_QUERY)
            await socket.next()
            assert await socket.hear() == {"id": "1", "type": "complete"}


@pytest.mark.parametrize("subprotocols", [None, [Subprotocol("graphql-ws")]], ids=["none", "old"])
async def test_other_subprotocols_are_closed(subprotocols: list[Subprotocol] | None) -> None:
    """The legacy subprotocol, or none, is 4406."""
    async with (
        open_house() as house,
        house.socket(is_introduced=False, subprotocols=subprotocols) as socket,
    ):
        code, _ = await socket.closed()

    assert code == 4406


async def test_ping_is_answered_before_the_init_and_after() -> None:
    """A sign of life may be asked for at any time; one that comes unasked is taken."""
    async with open_house() as house, house.socket(is_introduced=False) as socket:
        await socket.say(type="pong")
        await socket.say(type="ping", payload={"any": 1})
        before = await socket.hear()
        await socket.introduce()
        await socket.say(type="ping")
        after = await socket.hear()

    assert before == after == {"type": "pong"}


async def test_queries_and_mutations_are_run_too() -> None:
    """An operation that has one result has it, and is complete."""
    async with open_house() as house, house.socket() as socket:
        await socket.follow("q", A_QUERY)
        query = [await socket.hear(), await socket.hear()]
        await socket.follow("m", A_MUTATION)
        mutation = [await socket.hear(), await socket.hear()]

    assert query[0]["payload"]["data"] == {"order": {"id": "o-1"}}
    assert mutation[0]["payload"]["data"] == {"updateOrder": {"order": {"note": "gift"}}}
    assert query[1] == {"id": "q", "type": "complete"}
    assert mutation[1] == {"id": "m", "type": "complete"}


REFUSED = {
    "no document": ("subscription {", {}, "GRAPHQL_PARSE_FAILED"),
    "an unknown field": ("subscription { orderMoved { id } }", {}, "GRAPHQL_VALIDATION_FAILED"),
    "a missing variable": (FOLLOW, {}, "BAD_USER_INPUT"),
    "no id": (FOLLOW, {"id": "no id!"}, "BAD_USER_INPUT"),
    "a forged token": (FOLLOW, {**O_1, "after": "ct1xxxx"}, "INVALID_CONSISTENCY_TOKEN"),
    "an empty token": (FOLLOW, {**O_1, "after": ""}, "INVALID_CONSISTENCY_TOKEN"),
    "too deep": ("subscription " + "{a" * 40 + "}" * 40, {}, "QUERY_TOO_LARGE"),
    "two fields": (
        'subscription { a: orderChanged(id: "o-1") { id } b: orderChanged(id: "o-1") { id } }',
        {},
        "GRAPHQL_VALIDATION_FAILED",
    ),
    "left out": (
        'subscription { orderChanged(id: "o-1") @skip(if: true) { id } }',
        {},
        "GRAPHQL_VALIDATION_FAILED",
    ),
}


@pytest.mark.parametrize(("query", "variables", "code"), REFUSED.values(), ids=list(REFUSED))
async def test_what_cannot_be_run_is_an_error_of_its_operation(
    query: str, variables: Json, code: str
) -> None:
    """It is coded as over HTTP, and the socket stays open for others."""
    async with open_house() as house, house.socket() as socket:
        await socket.follow("1", query, variables)
        error = await socket.hear()
        await socket.follow("1", A_QUERY)
        assert await socket.next()

    assert (error["id"], error["type"]) == ("1", "error")
    assert error["payload"][0]["extensions"]["code"] == code


async def test_a_socket_has_so_many_operations_at_once() -> None:
    """One more is refused by itself, with a code."""
    async with open_house(live_operations_per_socket=2) as house, house.socket() as socket:
        for name in ("1", "2"):
            await socket.follow(name, FOLLOW, O_1)
            await socket.next(name)
        await socket.follow("3", FOLLOW, O_1)
        error = await socket.hear()

    assert (error["id"], error["type"]) == ("3", "error")
    assert error["payload"][0]["extensions"]["code"] == "TOO_MANY_SUBSCRIPTIONS"


async def test_a_flood_of_messages_closes_the_socket() -> None:
    """Who sends more than she may is closed with 1008."""
    async with open_house(live_message_rate=1.0) as house, house.socket() as socket:
        for _ in range(400):
            await socket.say(type="pong")
        code, _ = await socket.closed()

    assert code == 1008


async def test_too_many_sockets_are_told_to_come_later() -> None:
    """The handshake is refused with 503, a code, and when to come back."""
    async with open_house(live_connections=1) as house, house.socket():
        with pytest.raises(InvalidStatus) as refused:
            await connect(
                f"ws://127.0.0.1:{house.port}/graphql",
                subprotocols=[Subprotocol("graphql-transport-ws")],
            )

    response = refused.value.response
    assert response.status_code == 503
    assert response.headers["retry-after"] == "1"
    assert json.loads(response.body or b"")["errors"][0]["extensions"]["code"] == "OVERLOADED"


async def test_one_subject_has_so_many_sockets() -> None:
    """Where callers are told apart, one cannot take all places; others find theirs."""
    settings: Json = {"live_connections_per_subject": 1, "subject_header": "X-Who"}
    ada: Json = {"additional_headers": {"X-Who": "ada"}}
    bob: Json = {"additional_headers": {"X-Who": "bob"}}
    async with open_house(**settings) as house, house.socket(**ada):
        async with house.socket(is_introduced=False, **ada) as second:
            await second.say(**INIT)
            code, _ = await second.closed()
        async with house.socket(**bob) as other:
            await other.follow("1", FOLLOW, O_1)
            assert await other.next()

    assert code == 1008


async def test_visitors_are_not_one_subject() -> None:
    """Nobody tells visitors apart, so one of them takes no place of another."""
    settings: Json = {"live_connections_per_subject": 1, "anonymous": "visitor"}
    async with open_house(**settings) as house, house.socket(), house.socket() as other:
        await other.follow("1", "{ __typename }")
        answer = await other.next()

    assert answer["data"] == {"__typename": "Query"}


async def test_who_leaves_takes_her_operations_along() -> None:
    """Nobody is followed for a socket that is gone."""
    async with open_house() as house:
        counts = house.door.gateway.live.counts
        async with house.socket() as socket:
            await socket.follow("1", FOLLOW, O_1)
            await socket.next()
            while_there = counts.following_count
        await until(lambda: not counts.connections["websocket"])

    assert while_there == 1
    assert counts.following_count == 0


async def test_a_mutation_is_seen_to_its_end() -> None:
    """Half a write helps nobody: once begun it is done, although its client has left.

    Nor does who leaves make room at the door for more of them.
    """
    async with open_house() as house:
        wire: Json = house.door.wire
        is_sent, is_left, send = asyncio.Event(), asyncio.Event(), wire.handle_async_request

        async def held(request: Json) -> Json:
            is_sent.set()
            await is_left.wait()
            return await send(request)

        wire.handle_async_request = held
        async with house.socket() as socket:
            await socket.follow("m", A_MUTATION)
            await is_sent.wait()
        counts = house.door.gateway.live.counts
        await until(lambda: not counts.connections["websocket"])
        in_flight_count = house.door.gateway.door.crowd.in_flight_count
        is_left.set()
        await until(lambda: "PATCH /orders/o-1" in house.door.calls)
        await until(lambda: not house.door.gateway.door.crowd.in_flight_count)

    assert in_flight_count == 1

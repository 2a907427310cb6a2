"""Several requests in one: each is answered as if it had come alone, and all are bounded as one."""

import asyncio
import json
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.faults.misbehaviour import hanging, misbehave
from tests.gateway.front_door import (
    A_MUTATION,
    A_QUERY,
    Door,
    Exchange,
    a_token,
    code_of,
    open_door,
    part,
)
from tests.gateway.guarded_lines import let_others_run
from tests.graphql_answers import Json

TYPENAME: Final = {"query": "{ __typename }"}
READ: Final = {"query": A_QUERY}
WRITE: Final = {"query": A_MUTATION}
CUSTOMER: Final = {"query": '{ customer(id: "c-1") { id } }'}
PARTS: Final[list[Json]] = [
    TYPENAME,
    READ,
    CUSTOMER,
    {"query": "query ($id: ID!) { product(id: $id) { id } }", "variables": {"id": "p-1"}},
    {"query": "query A { __typename } query B { other: __typename }", "operationName": "B"},
    {"query": "query A { __typename } query B { other: __typename }"},
    {"query": "{"},
    {"query": "{ nothing }"},
    {"query": 7},
    {},
    {"documentId": "x"},
    {"query": "{ __typename }", "variables": []},
    {"query": 'query { order(id: "o-none") { id } }'},
]


async def send(door: Door, parts: Any, headers: dict[str, str] | None = None) -> Json:
    response = await door.post(json.dumps(parts).encode(), headers)
    return response.json()


def without_moment(answer: Json) -> Json:
    """What an answer says, but for its moment."""
    return {key: value for key, value in answer.items() if key != "extensions"}


@given(st.lists(st.sampled_from(PARTS), min_size=1, max_size=6))
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_batch_is_answered_as_its_parts_are(parts: list[Json]) -> None:
    """One by one or all at once: the same answers, in the same order, with status 200."""

    async def both_ways() -> None:
        async with open_door() as door:
            at_once = await door.post(json.dumps(parts).encode())
            alone = [await send(door, of) for of in parts]

        assert at_once.status_code == 200
        assert [without_moment(of) for of in at_once.json()] == [without_moment(of) for of in alone]

    asyncio.run(both_ways())


@pytest.mark.parametrize(
    ("limit", "count", "is_taken"), [(3, 3, True), (3, 4, False), (1, 1, False), (0, 1, False)]
)
async def test_a_batch_holds_no_more_than_it_may(limit: int, count: int, is_taken: bool) -> None:
    """One too many and none is run; by 0 and 1 no list is taken at all."""
    async with open_door(batch_limit=limit) as door:
        response = await door.post(json.dumps([READ] * count).encode())

    if is_taken:
        assert len(response.json()) == count
    else:
        assert (response.status_code, code_of(response)) == (400, "BATCH_REFUSED")
        assert door.calls == []


@pytest.mark.parametrize("batch", [[], [[READ]], [READ, "x"], [None]], ids=str)
async def test_a_batch_holds_requests_and_nothing_else(batch: Json) -> None:
    """No batches of batches: a list of lists would multiply every limit."""
    async with open_door() as door:
        response = await door.post(json.dumps(batch).encode())

    assert (response.status_code, code_of(response)) == (400, "BATCH_REFUSED")
    assert door.calls == []


async def test_a_batch_brings_one_token_that_demands_what_all_its_answers_do() -> None:
    """Who reads with it afterwards reads after the write and after what each read has shown."""
    async with open_door() as door:
        response = await door.post(json.dumps([WRITE, CUSTOMER]).encode())
        token = response.headers["x-consistency-token"]
        own = [of["extensions"]["consistency"]["token"] for of in response.json()]
        subject = door.gateway.operations.codec
        opened = [subject.open_token(text, "anonymous", 0) for text in (token, *own)]

    joined, *parts = [getattr(of, "token", None) for of in opened]
    assert joined is not None
    demanded = {key for of in parts if of is not None for key in of.entries}
    assert demanded <= set(joined.entries)
    assert len(demanded) == 2


async def test_the_parts_of_a_batch_run_beside_each_other() -> None:
    """Each waits for its own owner, none for the others."""
    both_asked = asyncio.Barrier(2)
    async with open_door() as door:
        for service in (door.twins.orders, door.twins.customers):
            answer = service.side_effect

            async def together(request: Any, answer: Any = answer) -> Any:
                async with asyncio.timeout(1):
                    await both_asked.wait()
                return answer(request)

            service.mock(side_effect=together)
        answers = await send(door, [READ, CUSTOMER])

    assert [list(of["data"]) for of in answers] == [["order"], ["customer"]]


async def test_a_write_in_a_batch_is_not_seen_by_its_neighbours() -> None:
    """They are as if sent at that moment by somebody else, with the tokens of the request alone."""
    async with open_door() as door:
        tokens = {"x-consistency-token": a_token()}
        written, read = await send(door, [WRITE, READ], tokens)

    assert written["data"]["updateOrder"]["order"]["note"] == "gift"
    assert read["data"] == {"order": {"id": "o-1"}}


@pytest.mark.steered_time
async def test_each_part_takes_a_place_of_its_own() -> None:
    """A list is no way past the door: what has no place is refused, and its neighbours are not."""
    async with open_door(operation_limit=2, queue_time_ms=10, batch_limit=4) as door:
        misbehave(door.twins, "orders", hanging)
        answers = await send(door, [READ] * 4)

    codes = [of["errors"][0]["extensions"]["code"] for of in answers]
    assert codes.count("OVERLOADED") == 2


@pytest.mark.steered_time
async def test_a_client_that_leaves_ends_all_of_her_batch() -> None:
    """Nothing of it is read any more, and it counts as left."""
    async with open_door() as door:
        misbehave(door.twins, "orders", hanging)
        exchange = Exchange([part(json.dumps([READ, READ]).encode())])
        async with asyncio.TaskGroup() as group:
            running = group.create_task(exchange.run(door.app))
            while not door.calls:
                await let_others_run()
            exchange.leave()
            await running

    assert exchange.sent == []
    assert door.gateway.door.crowd.in_flight_count == 0


async def test_a_batch_goes_by_post_alone() -> None:
    """An address holds one request."""
    async with open_door() as door:
        response = await door.client.request("GET", "/graphql", content=json.dumps([READ]))

    assert response.status_code == 400

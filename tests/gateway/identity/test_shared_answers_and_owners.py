import asyncio
import json
from collections.abc import Mapping

import pytest

from gateway.graphql_http import GraphQLHttp
from gateway.request import RequestHeaders
from tests.gateway.front_door import JSON_TYPE, Door, open_door
from tests.gateway.identity.bearers import BELIEVING
from tests.gateway.identity.two_customers import (
    ANN,
    BOB,
    CANCEL,
    HERS,
    HIS,
    LIVE,
    PLAIN,
    SECRET_NOTE,
    SHOP,
    STAFF,
    UPDATE,
    answered,
    asking,
    rule_off,
)
from tests.gateway_in_process import pass_time
from tests.graphql_answers import Json
from tests.projection_by_hand import ProjectionByHand

pytestmark = pytest.mark.steered_time


def at_once(door: Door, query: str, order_id: str, headers: Mapping[str, str]) -> str | None:
    """What the server would answer without making a task."""
    http: GraphQLHttp = door.app.state.graphql
    body = json.dumps({"query": query, "variables": {"id": order_id}}).encode()
    sent = {**JSON_TYPE, **headers}.items()
    raw = [(name.encode(), value.encode()) for name, value in sent]
    reply = http.at_once.reply(RequestHeaders.of(raw), body)
    return None if reply is None else reply.body.decode()


async def test_kept_bytes_are_for_whom_they_were_made() -> None:
    """He has his answer at hand; she has none, whatever is kept."""
    async with open_door(*SHOP, **{**BELIEVING, "events": "feed"}) as door:
        await ProjectionByHand(door.gateway.store).apply(*SHOP)
        for headers in (BOB, ANN, STAFF):
            await asking(door, PLAIN, HIS, headers)
        his = [at_once(door, PLAIN, HIS, BOB) for _ in range(3)]
        staff = [at_once(door, PLAIN, HIS, STAFF) for _ in range(3)]
        hers = [at_once(door, PLAIN, HIS, ANN) for _ in range(3)]
        own = at_once(door, PLAIN, HERS, ANN)
        with rule_off():
            leak = at_once(door, PLAIN, HIS, ANN)

    assert all(body is not None and SECRET_NOTE in body for body in (*his, *staff, leak))
    assert hers == [None] * 3
    assert own is not None


async def in_one_moment(
    first: Mapping[str, str], second: Mapping[str, str]
) -> tuple[Json, Json, int]:
    """What both are told of his order, and by how many calls; he has asked for it before."""
    async with open_door(*SHOP, **BELIEVING) as door:
        await asking(door, PLAIN, HIS, BOB)
        await pass_time(5)
        door.wire.hits.clear()
        async with asyncio.TaskGroup() as group:
            one = group.create_task(asking(door, PLAIN, HIS, first))
            other = group.create_task(asking(door, PLAIN, HIS, second))
        return one.result().json()["data"], other.result().json()["data"], len(door.calls)


@pytest.mark.parametrize("first", [BOB, STAFF], ids=["Bob", "staff"])
async def test_an_answer_that_is_shared_on_its_way_is_not_told_to_her(
    first: Mapping[str, str],
) -> None:
    """Not even that it was asked for: hers is a call of her own, as for an order of nobody."""
    his, hers, call_count = await in_one_moment(first, ANN)
    with rule_off():
        _, leak, shared_call_count = await in_one_moment(first, ANN)

    assert his["order"]["note"] == SECRET_NOTE
    assert (hers, call_count) == ({"order": None}, 2)
    assert (leak, shared_call_count) == (his, 1)


async def test_who_may_see_an_order_shares_the_call_for_it() -> None:
    """Once it is known to be his."""
    his, staff_s, call_count = await in_one_moment(BOB, STAFF)

    assert his == staff_s
    assert call_count == 1


async def test_a_validator_of_his_answer_is_none_of_hers() -> None:
    """She asks by GET whether what he has still holds."""
    query = '{ order(id: "o-2") { note } }'
    async with open_door(*SHOP, **{**BELIEVING, "events": "feed"}) as door:
        await ProjectionByHand(door.gateway.store).apply(*SHOP)
        his = await door.get({"query": query}, BOB)
        etag = his.headers["etag"]
        again = await door.get({"query": query}, {**BOB, "if-none-match": etag})
        hers = await door.get({"query": query}, {**ANN, "if-none-match": etag})
        staff = await door.get({"query": query}, {**STAFF, "if-none-match": etag})

    assert again.status_code == 304
    assert (hers.status_code, hers.json()["data"]) == (200, {"order": None})
    assert staff.status_code == 200


async def test_a_token_of_his_is_none_of_hers() -> None:
    """Nor is one of the same person in another role."""
    async with open_door(*SHOP, **BELIEVING) as door:
        his = (await asking(door, UPDATE, HIS, BOB)).headers["x-consistency-token"]
        answers = [
            await asking(door, PLAIN, HERS, {**headers, "x-consistency-token": his})
            for headers in (ANN, STAFF, BOB)
        ]

    assert [answer.status_code for answer in answers] == [400, 400, 200]
    assert all(HIS not in answer.text for answer in answers[:2])


async def test_a_write_that_is_not_hers_changes_nothing() -> None:
    """The owner is not even asked to."""
    async with open_door(*SHOP, **BELIEVING) as door:
        answers = [(await asking(door, query, HIS, ANN)).json() for query in (UPDATE, CANCEL)]
        methods = {hit.method for hit in door.wire.hits}
        row = door.twins.order_shelf.rows[HIS]

    errors = [next(iter(answer["data"].values()))["userErrors"] for answer in answers]
    assert [[error["code"] for error in of] for of in errors] == [["NOT_FOUND"]] * 2
    assert methods == {"GET"}
    assert row == SHOP[1]


async def test_what_a_page_leads_to_is_hers() -> None:
    """From her order to herself to her orders; another's cursor leads to her own list."""
    query = (
        '{ orders(customerId: "c-1") { edges { node { id customer { id orders '
        "{ edges { node { id customer { id } } } } } } } } }"
    )
    answer, _ = await answered(query, ANN, "feed")

    assert "c-2" not in json.dumps(answer)
    assert HIS not in json.dumps(answer)


async def test_live_she_is_told_her_own() -> None:
    """Of the same owner in the same call."""
    query = LIVE.replace("query ($id: ID!) {", 'query ($id: ID!) { own: order(id: "o-1") { id }')
    async with open_door(*SHOP, **BELIEVING) as door:
        answer = (await asking(door, query, HIS, ANN)).json()

    assert answer["data"] == {"own": {"id": "o-1"}, "order": None}

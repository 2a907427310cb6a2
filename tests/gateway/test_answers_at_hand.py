"""Answers that are at hand, as the gateway gives them: when, for how long, and to whom not.

That they are true is a law of its own (`tests/laws/test_at_hand_laws.py`).
"""

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from unittest.mock import patch

import pytest

from gateway.answers_at_hand import SUBJECT_LIMIT, AnswersAtHand
from gateway.execution.documents import MAX_KEPT
from gateway.graphql_http import GraphQLHttp
from gateway.operation import Operations
from gateway.replies import Reply
from gateway.request import RequestHeaders
from projections.versions import AggregateType
from tests.faults.misbehaviour import hanging, misbehave
from tests.gateway.front_door import (
    A_MUTATION,
    A_QUERY,
    JSON_TYPE,
    TYPENAME,
    Door,
    a_token,
    open_door,
)
from tests.graphql_answers import Json
from tests.projection_by_hand import ProjectionByHand
from tests.resolvers.upstream.builders import a_customer, a_product, an_order

pytestmark = pytest.mark.steered_time

BY_ID = "query ($id: ID!) { order(id: $id) { id note } }"


@asynccontextmanager
async def open_shop(**settings: object) -> AsyncIterator[tuple[Door, ProjectionByHand]]:
    """A gateway that has projected o-1, c-1 and p-1, and was asked for o-1 once."""
    async with open_door(events="feed", **settings) as door:
        projection = ProjectionByHand(door.gateway.store)
        await projection.apply(an_order(), a_customer(), a_product())
        await door.ask(A_QUERY)
        yield door, projection


def http_of(door: Door) -> GraphQLHttp:
    graphql: GraphQLHttp = door.app.state.graphql
    return graphql


def asked_at_once(
    door: Door,
    query: str = A_QUERY,
    variables: Mapping[str, Json] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Reply | None:
    """What the server would answer without making a task."""
    body = json.dumps({"query": query, "variables": variables}).encode()
    sent = {**JSON_TYPE, **(headers or {})}
    raw = [(name.encode(), value.encode()) for name, value in sent.items()]
    return http_of(door).at_once.reply(RequestHeaders.of(raw), body)


def at_hand_of(door: Door) -> AnswersAtHand:
    answers = door.gateway.operations.at_hand
    assert answers is not None
    return answers


def kept_count(door: Door) -> int:
    return len(at_hand_of(door).ready)


async def test_what_was_asked_before_is_at_hand() -> None:
    """A plan and rows in memory are all it takes; the services hear of nothing."""
    async with open_shop() as (door, _):
        reply = asked_at_once(door)
        calls = door.calls

    assert reply is not None
    assert json.loads(reply.body)["data"] == {"order": {"id": "o-1"}}
    assert calls == []


async def test_what_asks_for_no_row_is_answered_again_and_again() -> None:
    """As probes do that ask for `__typename` and nothing else."""
    async with open_shop() as (door, _):
        answers = [await door.post(TYPENAME) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200] * 3
    assert {answer.content for answer in answers} == {answers[0].content}


@pytest.mark.parametrize(
    "headers",
    [{"cookie": "any=one"}, {"x-deadline-ms": "500"}, {"content-type": "text/plain"}],
    ids=["a cookie", "a deadline", "no JSON"],
)
async def test_what_needs_more_than_a_look_is_not_at_hand(headers: dict[str, str]) -> None:
    """Cookies are to be renewed, deadlines kept, mistakes explained."""
    async with open_shop() as (door, _):
        reply = asked_at_once(door, headers=headers)

    assert reply is None


@pytest.mark.parametrize(
    ("query", "variables"),
    [
        (A_MUTATION, None),
        ("{ order(id: ", None),
        ('{ order(id: "o-1", consistency: {live: true}) { id } }', None),
        (BY_ID, {"id": "o-9"}),
        (BY_ID, {}),
    ],
    ids=["a mutation", "no document", "live", "not projected", "no variable"],
)
async def test_what_is_not_at_hand_goes_the_long_way(
    query: str, variables: dict[str, Json] | None
) -> None:
    """Its answer is no other for having been looked for."""
    async with open_shop() as (door, _):
        await door.ask(query, variables)
        reply = asked_at_once(door, query, variables)

    assert reply is None


async def test_a_token_that_demands_a_version_is_weighed_the_long_way() -> None:
    """Here is only what can be told at a glance."""
    async with open_shop() as (door, _):
        reply = asked_at_once(door, headers={"x-consistency-token": a_token(version=1)})

    assert reply is None


async def test_a_gateway_that_sets_cookies_has_none_at_hand() -> None:
    """Each of its answers may have one to set."""
    async with open_shop(token_cookie=True) as (door, _):
        assert asked_at_once(door) is None


async def test_a_gateway_that_shows_plans_has_none_at_hand() -> None:
    """Who wants to see what was asked of whom is answered the long way."""
    async with open_shop(plan=True) as (door, _):
        assert asked_at_once(door) is None


async def test_a_body_over_the_limit_is_refused_as_ever() -> None:
    """Be its document known, and its answer at hand."""
    async with open_shop(body_limit_bytes=1024) as (door, _):
        body = json.dumps({"query": A_QUERY, "note": "x" * 1024}).encode()
        raw = [(name.encode(), value.encode()) for name, value in JSON_TYPE.items()]
        at_once = http_of(door).at_once.reply(RequestHeaders.of(raw), body)
        answer = await door.post(body)

    assert at_once is None
    assert answer.status_code == 413


@pytest.mark.parametrize(("queue_time_ms", "status"), [(2_000, 200), (100, 503)])
async def test_what_is_at_hand_is_given_past_who_waits_until_people_are_refused(
    queue_time_ms: int, status: int
) -> None:
    """It costs less than to wait with the others; where they are refused, it is refused as well."""
    async with (
        open_shop(operation_limit=1, queue_time_ms=queue_time_ms) as (door, projection),
        asyncio.TaskGroup() as group,
    ):
        misbehave(door.twins, "orders", hanging)
        slow = '{ order(id: "o-1", consistency: {live: true}) { id } }'
        before = asked_at_once(door)
        crowd = [group.create_task(door.ask(slow)) for _ in range(3)]
        await asyncio.sleep(0.0625)
        is_quiet = door.gateway.door.is_quiet
        overtaking = asked_at_once(door)
        for one in crowd:
            one.cancel()
        await asyncio.wait(crowd)
        await projection.prove()
        afterwards = asked_at_once(door)

    assert not is_quiet
    assert overtaking is not None
    assert overtaking.status == status
    assert before is not None
    assert afterwards is not None


async def test_nothing_is_kept_where_there_is_no_room() -> None:
    """With `BFF_READY_ANSWERS_MB=0` each answer is made of its rows, and is the same."""
    async with open_shop(ready_answers_mb=0) as (door, _):
        without = [asked_at_once(door) for _ in range(2)]
        none_count = kept_count(door)
    async with open_shop() as (door, _):
        kept = [asked_at_once(door) for _ in range(2)]
        one_count = kept_count(door)

    assert (none_count, one_count) == (0, 1)
    bodies = [json.loads(reply.body)["data"] for reply in (*without, *kept) if reply]
    assert bodies == [{"order": {"id": "o-1"}}] * 4


async def test_ten_thousand_questions_leave_no_more_than_there_is_room_for() -> None:
    """What is kept grows with the room, and not with the requests."""
    async with open_shop(ready_answers_mb=1) as (door, projection):
        await door.ask(BY_ID, {"id": "o-1"})
        rows = [an_order(f"o-{number}") for number in range(10_000)]
        await projection.apply(*rows)

        def ask(start: int, end: int) -> int:
            asked = (asked_at_once(door, BY_ID, {"id": row.id}) for row in rows[start:end])
            found_count = sum(reply is not None for reply in asked)
            for _ in range(3):  # a tuple is let go of once those in it are: a level a round
                gc.collect()
            return found_count

        early_count = ask(0, 2_000)
        begun_with = len(gc.get_objects())
        late_count = ask(2_000, 10_000)
        ended_with = len(gc.get_objects())
        kept = kept_count(door)

    assert early_count + late_count == 10_000
    assert 100 < kept < 1_000
    assert ended_with - begun_with < 100


async def test_a_thousand_subjects_leave_no_more_than_a_thousand_tokens() -> None:
    """Nor do callers who are seen once."""
    async with open_shop(subject_header="x-session", ready_answers_mb=1) as (door, _):
        for number in range(2_500):
            asked_at_once(door, headers={"x-session": f"caller {number}"})
            asked_at_once(door, headers={"x-session": f"caller {number}"})
        text_count = len(at_hand_of(door)._floors._texts)

    assert 0 < text_count <= 1_000


@pytest.mark.parametrize(
    ("length", "is_found"), [(SUBJECT_LIMIT, True), (SUBJECT_LIMIT + 1, False)]
)
async def test_nothing_is_kept_under_a_name_without_end(length: int, *, is_found: bool) -> None:
    """Who has such a one is answered the long way, which keeps nothing of it."""
    async with open_shop(subject_header="x-session") as (door, _):
        headers = {"x-session": "a" * length}
        reply = asked_at_once(door, headers=headers)
        answer = await door.ask(A_QUERY, headers=headers)

    assert (reply is not None) is is_found
    assert answer.json()["data"] == {"order": {"id": "o-1"}}


async def test_a_mistake_on_the_way_is_found_again_the_long_way() -> None:
    """Whatever goes wrong in looking, the client is answered, or told whose mistake it is."""
    async with open_shop() as (door, _):
        with patch("gateway.answers_at_hand.find_at_hand", side_effect=ZeroDivisionError):
            at_once = asked_at_once(door)
            answer = await door.ask(A_QUERY)

    assert at_once is None
    assert answer.json()["data"] == {"order": {"id": "o-1"}}


async def test_what_is_asked_all_the_time_is_not_forgotten() -> None:
    """A document whose answers are at hand is in use: others go before it."""
    async with open_shop() as (door, _):
        operations: Operations = door.gateway.operations
        for number in range(MAX_KEPT + 10):
            operations.documents.read(f"{{ a{number}: __typename }}", {})
            assert operations.documents.ready_plan(A_QUERY, None, {}) is not None
        reply = asked_at_once(door)

    assert reply is not None


async def test_a_projection_that_has_fallen_behind_has_nothing_at_hand() -> None:
    """Until it is known again how far it is."""
    async with open_shop() as (door, projection):
        await projection.fall_behind(AggregateType.ORDER)
        behind = asked_at_once(door)
        await projection.prove()
        again = asked_at_once(door)

    assert behind is None
    assert again is not None

"""What is counted of operations agrees with what was asked."""

import asyncio

import httpx
import pytest

from gateway.direct_protocol import HELD_LIMIT_BYTES
from gateway.request import RequestHeaders
from tests.faults.misbehaviour import answering, hanging, misbehave
from tests.gateway.front_door import (
    A_MUTATION,
    A_QUERY,
    TYPENAME,
    Exchange,
    a_token,
    open_door,
    part,
)
from tests.gateway.metered import BODY, LIVE, RAW_JSON, projecting_door, scrape
from tests.resolvers.upstream.builders import let_everybody_run

pytestmark = pytest.mark.steered_time

OPERATIONS = "bff_operations_total"
DURATION = "bff_operation_duration_seconds"


async def test_nothing_asked_is_nothing_counted() -> None:
    """A gateway that was never asked shows zeros, and looking changes nothing."""
    async with open_door() as door:
        await scrape(door.client)
        shown = await scrape(door.client)

    assert shown[OPERATIONS, {}] == 0
    assert shown[f"{DURATION}_count", {}] == 0


async def test_an_answer_is_counted_by_its_way() -> None:
    """By its plan; of rows at hand; as kept bytes; by graphql-core, for whom writes are."""
    async with projecting_door() as door:
        await door.ask(LIVE)
        for _ in range(3):
            await door.ask(A_QUERY)
        await door.ask(A_MUTATION)
        shown = await scrape(door.client)

    assert shown.nonzero(OPERATIONS) == {
        ("ok", "planned"): 2,  # the first of its text as well, which makes the plan
        ("ok", "kept"): 1,
        ("ok", "at_hand"): 1,
        ("ok", "referred"): 1,
    }
    assert shown["bff_ready_answer_hits_total", {}] == 1
    assert shown["bff_ready_answer_misses_total", {}] == 1
    assert shown["bff_ready_answers", {}] == 1
    assert shown["bff_ready_answers_bytes", {}] > 1_000


async def test_an_answer_without_a_task_is_counted() -> None:
    """What the server finds by itself, by POST and by GET, is counted and timed like any other."""
    async with projecting_door() as door:
        await door.ask(A_QUERY)
        assert door.app.state.graphql.at_once.reply(RequestHeaders.of(RAW_JSON), BODY) is not None
        query = b"query=%7Border(id:%22o-1%22)%7Bid%7D%7D"
        assert door.app.state.graphql.at_once.find(RequestHeaders({}), query) is None
        assert door.app.state.graphql.at_once.reply(RequestHeaders.of(RAW_JSON), BODY) is not None
        shown = await scrape(door.client)

    assert shown[OPERATIONS, {"way": "at_hand"}] == 1
    assert shown[OPERATIONS, {"way": "kept"}] == 1
    assert shown[f"{DURATION}_count", {"way": "kept"}] == 1


async def test_a_field_that_failed_is_an_outcome_and_a_code() -> None:
    """An answer with an error counts as one, and its code, however many there are."""
    async with open_door(retries=0) as door:
        misbehave(door.twins, "customers", answering(httpx.Response(500)))
        await door.ask(LIVE)
        shown = await scrape(door.client)

    assert shown.nonzero(OPERATIONS) == {("errors", "planned"): 1}
    assert shown.nonzero("bff_errors_total") == {("UPSTREAM_UNAVAILABLE",): 1}


@pytest.mark.parametrize(
    ("body", "headers", "code"),
    [
        (b"{}", {}, "BAD_REQUEST"),
        (b"[]", {}, "BATCH_REFUSED"),
        (b'{"query":"{"}', {}, "GRAPHQL_PARSE_FAILED"),
        (b'{"query":"{ nothing }"}', {}, "GRAPHQL_VALIDATION_FAILED"),
        (b'{"query":"query($id: ID!) { order(id: $id) { id } }"}', {}, "BAD_USER_INPUT"),
        (TYPENAME, {"x-consistency-token": "ct1no"}, "INVALID_CONSISTENCY_TOKEN"),
    ],
)
async def test_what_is_not_run_is_refused_with_its_code(
    body: bytes, headers: dict[str, str], code: str
) -> None:
    """No GraphQL, no document, no variable, no token: one operation refused, and one code."""
    async with open_door() as door:
        await door.post(body, headers)
        shown = await scrape(door.client)

    assert shown.nonzero(OPERATIONS) == {("request_error", "refused"): 1}
    assert shown[f"{DURATION}_count", {"way": "refused"}] == 1
    assert list(shown.nonzero("bff_errors_total").values()) == [1]
    assert shown["bff_requests_refused_total", {}] == 0


async def test_a_mistake_of_ours_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that ends in a mistake is told as `INTERNAL_ERROR`, and counted as that."""
    async with open_door() as door:
        monkeypatch.setattr(type(door.gateway.operations.documents), "read", None)
        response = await door.post()
        shown = await scrape(door.client)

    assert response.status_code == 500
    assert shown.nonzero(OPERATIONS) == {("request_error", "refused"): 1}
    assert shown.nonzero("bff_errors_total") == {("INTERNAL_ERROR",): 1}


async def test_what_is_not_let_in_is_no_operation() -> None:
    """A wrong method and a body too large are refused at the door."""
    async with open_door(body_limit_bytes=1024) as door:
        await door.client.put("/graphql")
        await door.post(b" " * HELD_LIMIT_BYTES)
        shown = await scrape(door.client)

    assert shown.nonzero("bff_requests_refused_total") == {
        ("BAD_REQUEST",): 1,
        ("BODY_TOO_LARGE",): 1,
    }
    assert shown[OPERATIONS, {}] == 0


async def test_shed_requests_are_counted_whoever_refuses_them() -> None:
    """The door's two ways to say no are one count, and show who is inside, and who waits."""
    async with (
        open_door(operation_limit=1, queue_time_ms=100) as door,
        asyncio.TaskGroup() as group,
    ):
        misbehave(door.twins, "orders", hanging)
        crowd = [group.create_task(door.ask(A_QUERY)) for _ in range(2)]
        await asyncio.sleep(0.0625)
        await door.post()
        door.app.state.graphql.at_once.reply(RequestHeaders.of(RAW_JSON), TYPENAME)
        shown = await scrape(door.client)
        for one in crowd:
            one.cancel()

    assert shown.nonzero("bff_requests_refused_total") == {("OVERLOADED",): 2}
    assert shown["bff_errors_total", {"code": "OVERLOADED"}] == 2
    assert shown["bff_operations_in_flight", {}] == 1
    assert shown["bff_operations_waiting", {}] == 1
    assert shown["bff_shedding", {}] == 1


async def test_who_leaves_is_counted_as_that() -> None:
    """A request without an answer is no operation, whether it had begun or not."""
    async with open_door() as door:
        misbehave(door.twins, "orders", hanging)
        half, whole = Exchange([part(BODY[:5], more=True)]), Exchange([part(BODY)])
        async with asyncio.TaskGroup() as group:
            for exchange in (half, whole):
                group.create_task(exchange.run(door.app))
            await let_everybody_run()
            for exchange in (half, whole):
                exchange.leave()
        shown = await scrape(door.client)

    assert shown["bff_requests_left_total", {}] == 2
    assert shown[OPERATIONS, {}] == 0


async def test_plans_are_counted_with_what_became_of_them() -> None:
    """Made, impossible, and made but handed on to graphql-core; and documents that are kept."""
    async with open_door() as door:
        await door.ask(A_QUERY)
        await door.ask(A_QUERY)
        await door.ask(A_MUTATION)
        await door.ask("query($id: ID!) { order(id: $id) { id } }")
        shown = await scrape(door.client)

    assert shown.nonzero("bff_plans_total") == {("made",): 2, ("impossible",): 1}
    assert shown["bff_plans_handed_on_total", {}] == 1
    assert shown["bff_documents_kept", {}] == 3


async def test_a_wait_is_counted_with_its_end() -> None:
    """A version that did not come was waited for; what is older than demanded is unsatisfied."""
    async with projecting_door() as door:
        await door.ask(A_QUERY, headers={"x-consistency-token": a_token(version=2)})
        shown = await scrape(door.client)

    assert shown.nonzero("bff_waits_total") == {("TIMED_OUT",): 1}
    assert shown["bff_waited_seconds_total", {}] == pytest.approx(0.25)
    assert shown["bff_answers_unsatisfied_total", {}] == 1


async def test_tokens_without_effect_are_counted() -> None:
    """One that has expired demands nothing; a cookie that is not ours is dropped."""
    async with open_door() as door:
        await door.ask(A_QUERY, headers={"x-consistency-token": a_token(age_min=60 * 24 * 60)})
        await door.ask(A_QUERY, headers={"cookie": "bff-consistency=ct1no"})
        shown = await scrape(door.client)

    assert shown["bff_tokens_expired_total", {}] == 1
    assert shown["bff_cookies_dropped_total", {}] == 1


async def test_an_answer_that_stands_in_is_counted() -> None:
    """What is shown in place of a failure is one stale answer, however many parts it has."""
    async with projecting_door(orders_staleness_budget_ms=1000, retries=0) as door:
        await asyncio.sleep(1.5)
        misbehave(door.twins, "orders", answering(httpx.Response(500)))
        response = await door.ask(A_QUERY)
        shown = await scrape(door.client)

    assert response.json()["data"] == {"order": {"id": "o-1"}}
    assert shown["bff_answers_stale_total", {}] == 1


async def test_a_duration_is_in_every_bucket_that_it_fits() -> None:
    """Buckets are cumulative, and the last one holds all."""
    async with open_door() as door:
        await door.ask(A_QUERY)
        shown = await scrape(door.client)

    buckets = [
        value
        for (name, labels), value in shown.values.items()
        if name == f"{DURATION}_bucket" and ("way", "planned") in labels
    ]
    assert buckets == sorted(buckets)
    assert buckets[-1] == shown[f"{DURATION}_count", {"way": "planned"}] == 1
    assert shown[f"{DURATION}_sum", {"way": "planned"}] > 0

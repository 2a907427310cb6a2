"""Spans of requests: what there is one for, under whom, how long, and for which requests."""

import asyncio

import httpx
import pytest

from gateway.request import RequestHeaders
from tests.faults.misbehaviour import (
    answering,
    hanging,
    healthy_answer_of,
    misbehave,
    route_of,
    slow_down,
)
from tests.gateway.front_door import A_MUTATION, A_QUERY, Exchange, a_token, part
from tests.gateway.metered import BODY, LIVE, RAW_JSON
from tests.gateway.watched import (
    attributes_of,
    id_of,
    length_s,
    parent_of,
    watched_door,
)
from tests.graphql_answers import Json
from tests.resolvers.upstream.builders import (
    a_customer,
    a_product,
    an_order,
    let_everybody_run,
)

pytestmark = pytest.mark.steered_time

TRACE = "0af7651916cd43dd8448eb211c80319c"
CALLER = "b7ad6b7169203331"
SAMPLED = f"00-{TRACE}-{CALLER}-01"
UNSAMPLED = f"00-{TRACE}-{CALLER}-00"
READ = '{ order(id: "o-1", consistency: {live: true}) { id } }'
ROWS = an_order(), a_customer(), a_product()


async def test_a_composed_read_is_a_tree_of_spans() -> None:
    """The request above its calls, each above its attempt, which lasts as long as it took."""
    async with watched_door() as (door, seen):
        slow_down(door.twins, "orders", 0.1)
        slow_down(door.twins, "customers", 0.2)
        await door.ask("query Page " + LIVE)

    request = seen.only("query")
    calls, attempts = seen.named("call"), seen.named("attempt")
    assert [parent_of(call) for call in calls] == [id_of(request)] * 2
    assert [parent_of(attempt) for attempt in attempts] == [id_of(call) for call in calls]
    assert [length_s(attempt) for attempt in attempts] == pytest.approx([0.1, 0.2], abs=1e-3)
    assert [attributes_of(call)["bff.service"] for call in calls] == ["orders", "customers"]
    told = attributes_of(request)
    assert told["graphql.operation.type"] == "query"
    assert told["graphql.operation.name"] == "Page"
    assert told["http.response.status_code"] == 200
    assert told["bff.attempts"] == 2
    assert parent_of(request) == 0


async def test_each_attempt_tells_the_service_its_own_span() -> None:
    """A call that is made once more has another id, and both are spans of the caller's trace."""
    async with watched_door() as (door, seen):
        well, failures = healthy_answer_of(door.twins, "orders"), [httpx.Response(503)]

        async def stumble(request: httpx.Request) -> httpx.Response:
            return failures.pop() if failures else well(request)

        misbehave(door.twins, "orders", stumble)
        await door.ask('{ order(id: "o-1", consistency: {live: true}) { id } }', headers=traced())

    told = [hit.headers["traceparent"] for hit in door.wire.hits]
    first, second = seen.named("attempt")
    assert told == [f"00-{TRACE}-{id_of(of):016x}-01" for of in (first, second)]
    assert told[0] != told[1]
    assert [attributes_of(of)["bff.attempt"] for of in (first, second)] == [1, 2]
    assert attributes_of(first)["error.type"] == "UpstreamUnavailable"
    call = seen.only("call")
    assert [event.name for event in call.events] == ["retried"]
    assert attributes_of(call)["bff.attempts"] == 2


async def test_a_hedge_is_told_and_so_is_the_attempt_that_it_called_off() -> None:
    """Of two attempts at a late read one answers, and the other ends with the call."""
    async with watched_door(live_fresh_ms=0) as (door, seen):
        late: list[float] = []
        slow_down(door.twins, "orders", lambda _: late.pop() if late else 0.01)
        for _ in range(25):
            await door.ask(READ)
        late.append(0.8)
        await door.ask(READ)

    call = seen.named("call")[-1]
    first, second = seen.named("attempt")[-2:]
    assert [event.name for event in call.events] == ["hedged"]
    assert "bff.hedge" not in attributes_of(first)
    assert attributes_of(second)["bff.hedge"] is True
    assert attributes_of(first)["bff.called_off"] is True
    assert first.end_time == call.end_time
    assert [parent_of(of) for of in (first, second)] == [id_of(call)] * 2
    assert length_s(call) < 0.2


async def test_a_call_that_is_refused_has_no_attempt() -> None:
    """Where the circuit is open the call says so."""
    async with watched_door(retries=0, live_fresh_ms=0, stale_if_error_s=0) as (door, seen):
        misbehave(door.twins, "orders", answering(httpx.Response(500)))
        for _ in range(40):
            await door.ask(READ)

    call = seen.named("call")[-1]
    assert attributes_of(call)["error.type"] == "CircuitOpen"
    assert attributes_of(call)["bff.attempts"] == 0
    assert [event.name for event in call.events] == ["refused"]
    assert attributes_of(seen.named("query")[-1])["error.type"] == "CIRCUIT_OPEN"


async def test_the_probe_of_a_circuit_is_marked() -> None:
    """The first call after the break decides whether the circuit closes, and says so."""
    async with watched_door(retries=0, live_fresh_ms=0, stale_if_error_s=0) as (door, seen):
        well = route_of(door.twins, "orders").side_effect
        misbehave(door.twins, "orders", answering(httpx.Response(500)))
        for _ in range(40):
            await door.ask(READ)
        route_of(door.twins, "orders").mock(side_effect=well)
        await asyncio.sleep(60.0)
        await door.ask(READ)

    assert [event.name for event in seen.named("call")[-1].events] == ["probed"]


async def test_a_wait_for_the_projection_is_a_span() -> None:
    """It lasts from when the version was missing to when it was given up."""
    async with watched_door(*ROWS) as (door, seen):
        await door.ask(A_QUERY, headers={"x-consistency-token": a_token(version=7)})

    waited, request = seen.only("wait for projection"), seen.only("query")
    assert parent_of(waited) == id_of(request)
    assert length_s(waited) * 1000 == pytest.approx(attributes_of(request)["bff.waited_ms"], abs=1)
    assert length_s(waited) > 0.1
    assert seen.named("store read")


async def test_a_write_stands_above_its_call() -> None:
    """The field of a mutation is a span of its own, and the owner's call is under it."""
    async with watched_door() as (door, seen):
        await door.ask(A_MUTATION)

    write, call = seen.only("write"), seen.named("call")[0]
    assert parent_of(write) == id_of(seen.only("mutation"))
    assert parent_of(call) == id_of(write)
    assert attributes_of(write)["bff.field"] == "updateOrder"
    assert attributes_of(seen.named("attempt")[0])["http.request.method"] == "PATCH"


async def test_an_answer_at_hand_is_a_span_too() -> None:
    """Though it takes no task: one span, in its caller's trace if she has one."""
    async with watched_door(*ROWS) as (door, seen):
        await door.ask(A_QUERY)
        headers = [*RAW_JSON, (b"traceparent", SAMPLED.encode())]
        assert door.app.state.graphql.at_once.reply(RequestHeaders.of(headers), BODY) is not None

    span = seen.spans[-1]
    assert attributes_of(span)["bff.way"] == "at_hand"
    assert parent_of(span) == int(CALLER, 16)
    assert span.context is not None
    assert span.context.trace_id == int(TRACE, 16)


async def test_a_client_that_leaves_is_told() -> None:
    """Her request ends with her, and its call with it."""
    async with watched_door() as (door, seen):
        misbehave(door.twins, "orders", hanging)
        exchange = Exchange([part(b'{"query": "' + READ.replace('"', '\\"').encode() + b'"}')])
        async with asyncio.TaskGroup() as group:
            group.create_task(exchange.run(door.app))
            await asyncio.sleep(0.05)
            exchange.leave()
        await let_everybody_run()

    assert attributes_of(seen.spans[0])["bff.left"] is True
    assert seen.lines[-1]["status"] == 0


@pytest.mark.parametrize(
    ("incoming", "ratio", "span_count", "told"),
    [
        (SAMPLED, 0.0, 3, "a child"),
        (UNSAMPLED, 1.0, 0, UNSAMPLED),
        (None, 1.0, 3, "a child"),
        (None, 0.0, 0, "unsampled"),
        ("garbage", 1.0, 3, "a child"),
        (f"00-{'0' * 32}-{CALLER}-01", 0.0, 0, "unsampled"),
    ],
    ids=["sampled", "unsampled", "undecided", "left out", "malformed", "zero"],
)
async def test_whether_a_request_is_recorded_is_its_callers_word(
    incoming: str | None, ratio: float, span_count: int, told: str
) -> None:
    """If she says nothing valid, the ratio decides; services are told the same in any case."""
    async with watched_door(traces_ratio=ratio) as (door, seen):
        await door.ask(READ, headers={} if incoming is None else {"traceparent": incoming})

    assert len(seen.spans) == span_count
    [hit] = door.wire.hits
    sent = hit.headers["traceparent"]
    match told:
        case "a child":
            assert sent.endswith(f"-{id_of(seen.only('attempt')):016x}-01")
        case "unsampled":
            assert sent.endswith("-00")
            assert sent != incoming
        case _:
            assert sent == told


@pytest.mark.parametrize("traces", ["none", "otlp"])
async def test_the_word_of_other_tracers_goes_on(traces: str) -> None:
    """``tracestate`` reaches the services as it came, with the context it belongs to."""
    async with watched_door(traces=traces) as (door, _):
        await door.ask(READ, headers={**traced(), "tracestate": "a=1,b=2"})
        await door.ask(READ, headers={"traceparent": "garbage", "tracestate": "a=1,b=2"})

    first, second = door.wire.hits
    assert first.headers["tracestate"] == "a=1,b=2"
    assert first.headers["traceparent"].startswith(f"00-{TRACE}-")
    assert "tracestate" not in second.headers


async def test_without_traces_a_context_is_passed_on_as_it_came() -> None:
    """The control: no span, and the services' caller is ours."""
    async with watched_door(traces="none") as (door, seen):
        await door.ask(READ, headers=traced())

    assert seen.spans == []
    assert door.wire.hits[0].headers["traceparent"] == SAMPLED
    assert seen.lines[-1]["trace_id"] == TRACE


async def test_a_flood_of_sampled_requests_is_not_recorded_whole() -> None:
    """Whatever callers say: so many a second, and the others are answered like any."""
    async with watched_door() as (door, seen):
        for _ in range(300):
            await door.ask("{ __typename }", headers=traced())

    assert 0 < len(seen.spans) <= 400  # two seconds may have begun


async def test_the_plan_is_shown_beside_spans() -> None:
    """Both are made of one log, and the plan is what it is without them."""

    async def plan(traces: str) -> list[Json]:
        async with watched_door(plan=True, traces=traces) as (door, _):
            slow_down(door.twins, "orders", 0.1)
            answer = await door.ask(LIVE)
        calls: list[Json] = answer.json()["extensions"]["plan"]["calls"]
        return calls

    assert await plan("otlp") == await plan("none")


def traced() -> dict[str, str]:
    return {"traceparent": SAMPLED}

"""The door in a whole gateway: its clients wait in line, begin in their turn, or are told to go."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from structlog.testing import capture_logs

from tests.gateway.front_door import (
    A_MUTATION,
    A_QUERY,
    Door,
    Exchange,
    code_of,
    open_door,
    part,
)
from tests.gateway_in_process import now_s
from tests.resolvers.upstream.builders import let_everybody_run

pytestmark = pytest.mark.steered_time

WORK_S = 0.03
"""What the order service takes."""

LONG_S = 60.0


def posted(query: str) -> Exchange:
    return Exchange([part(json.dumps({"query": query}).encode())])


@dataclass
class Desk:
    """A gateway that does one operation at a time, each of which takes as long as its service."""

    door: Door
    group: asyncio.TaskGroup
    asked: list[str] = field(default_factory=list)
    left_count: int = 0
    work_s: float = WORK_S

    def send(self, query: str = A_QUERY) -> tuple[Exchange, asyncio.Task[None]]:
        exchange = posted(query)
        return exchange, self.group.create_task(exchange.run(self.door.app))

    async def crowd(self) -> dict[str, object]:
        told: dict[str, object] = (await self.door.client.get("/readyz")).json()["admission"]
        return told

    async def work(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.method)
        try:
            await asyncio.sleep(self.work_s)
        except asyncio.CancelledError:
            self.left_count += 1
            raise
        return self.door.twins.answer_orders(request)


@asynccontextmanager
async def open_desk(*, work_s: float = WORK_S, **settings: object) -> AsyncIterator[Desk]:
    patient = {"request_timeout_s": LONG_S, "attempt_timeout_s": LONG_S}
    alone = {"live_fresh_ms": 0, "live_revalidate_ms": 0, "stale_if_error_s": 0}
    given = {"operation_limit": 1, "queue_time_ms": 100, **alone, **patient, **settings}
    async with open_door(**given) as door, asyncio.TaskGroup() as group:
        desk = Desk(door, group, work_s=work_s)
        door.twins.orders.mock(side_effect=desk.work)
        yield desk


async def test_who_comes_while_others_are_served_waits_for_her_turn() -> None:
    """With one place three queries are answered one after the other, and all are answered."""
    async with open_desk() as desk:
        exchanges = [desk.send() for _ in range(3)]
        for _, task in exchanges:
            await task
        ended_at_s = now_s()

    assert [exchange.status for exchange, _ in exchanges] == [200, 200, 200]
    assert ended_at_s == pytest.approx(3 * WORK_S, abs=0.001)


async def test_a_refusal_has_a_code_and_says_when_to_return() -> None:
    """Who could not begin in time gets 503, OVERLOADED and Retry-After, and nothing was done."""
    async with open_desk(work_s=LONG_S) as desk:
        first, _ = desk.send()
        await let_everybody_run()
        waiting, waits = desk.send(A_MUTATION)
        began_at_s = now_s()
        await waits
        refused_at_s = now_s()
        first.leave()

    [error] = waiting.body["errors"]
    headers = dict(waiting.sent[0]["headers"])
    assert waiting.status == 503
    assert error["extensions"]["code"] == "OVERLOADED"
    assert 500 <= error["extensions"]["retryAfterMs"] <= 1500
    assert headers[b"retry-after"] in {b"1", b"2"}
    assert refused_at_s - began_at_s == pytest.approx(0.1)
    assert desk.asked == ["GET"]


async def test_who_comes_when_the_line_is_too_long_is_refused_at_once() -> None:
    """Behind one who has waited for all of the time, nobody is taken in to wait."""
    async with open_desk(work_s=LONG_S) as desk:
        first, _ = desk.send()
        await let_everybody_run()
        desk.send()
        await asyncio.sleep(0.0625)
        came_at_s = now_s()
        newcomers = [desk.send() for _ in range(600)]
        for _, task in newcomers:
            await task
        refused_at_s = now_s()
        first.leave()

    assert refused_at_s == came_at_s

    assert {exchange.status for exchange, _ in newcomers} == {503}


async def test_control_without_admission_nobody_is_refused_and_all_begin_at_once() -> None:
    """With the door off, six hundred operations are inside together."""
    async with open_desk(admission=False) as desk:
        exchanges = [desk.send() for _ in range(600)]
        await asyncio.sleep(WORK_S / 2)
        crowd = await desk.crowd()
        for _, task in exchanges:
            await task

    assert crowd["inFlight"] == 600
    assert {exchange.status for exchange, _ in exchanges} == {200}


async def test_mutations_begin_before_queries() -> None:
    """A write that comes behind reads is the next to begin."""
    async with open_desk() as desk:
        for query in (A_QUERY, A_QUERY, A_QUERY, A_MUTATION):
            desk.send(query)
            await let_everybody_run()

    assert desk.asked == ["GET", "PATCH", "GET", "GET"]


async def test_a_released_line_does_not_begin_all_at_once() -> None:
    """However many wait when the service recovers, no more than the limit are inside."""
    async with open_desk(operation_limit=2) as desk:
        most_inside_count = 0
        exchanges = [desk.send() for _ in range(6)]
        for _ in range(12):
            crowd = await desk.crowd()
            assert isinstance(crowd["inFlight"], int)
            most_inside_count = max(most_inside_count, crowd["inFlight"])
            await asyncio.sleep(WORK_S / 4)

    assert most_inside_count == 2
    assert {exchange.status for exchange, _ in exchanges} == {200}


async def test_the_deadline_counts_from_arrival() -> None:
    """Who has waited has that much less: the answer comes at the deadline, not after it."""
    async with open_desk(request_timeout_s=0.1, attempt_timeout_s=0.08, work_s=0.06) as desk:
        desk.send()
        await let_everybody_run()
        second, answered = desk.send()
        await answered
        answered_at_s = now_s()

    assert answered_at_s == pytest.approx(0.1)
    assert second.body["errors"][0]["extensions"]["code"] == "DEADLINE_EXCEEDED"


@pytest.mark.parametrize("query", [A_QUERY, A_MUTATION], ids=["query", "mutation"])
async def test_a_client_that_leaves_the_line_was_never_here(query: str) -> None:
    """Nothing is sent for her, she gets nothing, and the one behind her is next."""
    async with open_desk() as desk:
        desk.send()
        await let_everybody_run()
        leaver, gone = desk.send(query)
        await let_everybody_run()
        leaver.leave()
        await let_everybody_run()
        crowd, is_gone = await desk.crowd(), gone.done()

    assert is_gone
    assert leaver.sent == []
    assert crowd == {"inFlight": 1, "waiting": 0, "isShedding": False}
    assert desk.asked == ["GET"]


async def test_a_client_that_leaves_inside_makes_room() -> None:
    """A query given up in the middle gives its place to the first in the line."""
    async with open_desk(work_s=0.09) as desk:
        first, _ = desk.send()
        await let_everybody_run()
        second, _ = desk.send()
        await let_everybody_run()
        first.leave()
        await let_everybody_run()

    assert desk.left_count == 1
    assert second.status == 200


async def test_a_request_cancelled_in_the_line_leaves_nothing_behind() -> None:
    """A server that gives up its requests finds the line empty and every place free."""
    async with open_desk() as desk:
        tasks = [desk.send()[1] for _ in range(5)]
        await let_everybody_run()
        for task in tasks:
            task.cancel()
        await let_everybody_run()
        crowd = await desk.crowd()

    assert crowd == {"inFlight": 0, "waiting": 0, "isShedding": False}


async def test_health_is_never_refused_and_tells_of_shedding() -> None:
    """While others are refused, both routes answer; shedding leaves the gateway ready."""
    async with open_desk(work_s=LONG_S) as desk:
        first, _ = desk.send()
        await let_everybody_run()
        _, refused = desk.send()
        await refused
        live = await desk.door.client.get("/livez")
        ready = await desk.door.client.get("/readyz")
        await asyncio.sleep(1.1)
        later = await desk.crowd()
        first.leave()

    assert (live.status_code, ready.status_code) == (200, 200)
    assert ready.json()["admission"] == {"inFlight": 1, "waiting": 0, "isShedding": True}
    assert later["isShedding"] is False


async def test_shedding_is_two_lines_of_the_log() -> None:
    """The log tells when it began and when it was over, with the number of the refused."""
    with capture_logs() as logs:
        async with open_desk(work_s=LONG_S) as desk:
            first, _ = desk.send()
            await let_everybody_run()
            for _ in range(5):
                _, refused = desk.send()
                await refused
                await asyncio.sleep(0.5)
            await asyncio.sleep(1.1)
            first.leave()

    told = [log for log in logs if log["event"].startswith("shedding")]
    assert [log["event"] for log in told] == ["shedding_began", "shedding_ended"]
    assert told[1]["refused_count"] == 5


async def test_a_refusal_parses_nothing_and_opens_no_token() -> None:
    """What would be a 400 inside is a 503 at the door: nobody has looked at it."""
    async with open_desk(work_s=LONG_S) as desk:
        first, _ = desk.send()
        await let_everybody_run()
        nonsense = Exchange(
            [part(b"{")], headers={"x-consistency-token": "forged", "content-type": "text/plain"}
        )
        await nonsense.run(desk.door.app)
        first.leave()

    assert nonsense.status == 503


async def test_a_get_waits_in_the_same_line() -> None:
    """A query by GET is refused like one by POST."""
    async with open_desk(work_s=LONG_S) as desk:
        first, _ = desk.send()
        await let_everybody_run()
        response = await desk.door.get({"query": A_QUERY})
        first.leave()

    assert response.status_code == 503
    assert code_of(response) == "OVERLOADED"

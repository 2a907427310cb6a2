import asyncio
import json

import httpx
import pytest

from resolvers.upstream.circuit import CircuitState
from resolvers.upstream.transport import CallKind
from tests.gateway.front_door import A_MUTATION, A_QUERY, Door, Exchange, open_door, part
from tests.resolvers.upstream.builders import let_everybody_run

pytestmark = pytest.mark.steered_time

LONG_COMMENT = "#" * 20_000 + "\n"


def posted(query: str) -> Exchange:
    return Exchange([part(json.dumps({"query": query}).encode())])


class HeldService:
    """The order service, answering each call only when the test lets it."""

    def __init__(self, door: Door) -> None:
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()
        self.cancelled_count = 0
        self._answer = door.twins.answer_orders
        door.twins.orders.mock(side_effect=self._when_asked)

    async def _when_asked(self, request: httpx.Request) -> httpx.Response:
        self.asked.set()
        try:
            await self.may_answer.wait()
        except asyncio.CancelledError:
            self.cancelled_count += 1
            raise
        return self._answer(request)


async def test_a_query_ends_with_its_client() -> None:
    """When the client of a query leaves, the call to the service is given up with it."""
    async with open_door() as door:
        service = HeldService(door)
        exchange = posted(A_QUERY)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(exchange.run(door.app))
            await service.asked.wait()

            exchange.leave()
            await let_everybody_run()

            assert running.done()

    assert exchange.sent == []
    assert service.cancelled_count == 1


async def test_a_client_that_leaves_is_no_failure_of_the_service() -> None:
    """However many clients leave, the circuit of the service they waited for stays closed."""
    async with open_door() as door:
        service = HeldService(door)
        for _ in range(50):
            exchange = posted(A_QUERY)
            async with asyncio.TaskGroup() as group:
                group.create_task(exchange.run(door.app))
                await service.asked.wait()
                exchange.leave()
            service.asked.clear()

    assert service.cancelled_count == 50
    assert door.gateway.upstreams["orders"].circuit_states[CallKind.READ] is CircuitState.CLOSED


async def test_a_mutation_is_finished_without_its_client() -> None:
    """When the client of a mutation leaves, the write goes on to its end."""
    async with open_door() as door:
        service = HeldService(door)
        exchange = posted(A_MUTATION)
        async with asyncio.TaskGroup() as group:
            running = group.create_task(exchange.run(door.app))
            await service.asked.wait()

            exchange.leave()
            await let_everybody_run()
            assert not running.done()

            service.may_answer.set()

    assert service.cancelled_count == 0
    assert door.twins.order_shelf.rows["o-1"].note == "gift"


async def test_a_mutation_without_its_client_still_ends_at_its_deadline() -> None:
    """A write nobody waits for holds its place no longer than any other request."""
    async with open_door(request_timeout_s=1.0, attempt_timeout_s=10.0) as door:
        service = HeldService(door)
        exchange = posted(A_MUTATION)
        async with asyncio.TaskGroup() as group:
            group.create_task(exchange.run(door.app))
            await service.asked.wait()
            exchange.leave()

    assert service.cancelled_count == 1


@pytest.mark.parametrize("text", [A_MUTATION, LONG_COMMENT + A_MUTATION], ids=["kept", "long"])
async def test_no_mutation_is_ever_abandoned(text: str) -> None:
    """A document too long to be kept is no reason to cut its write."""
    async with open_door() as door:
        service = HeldService(door)
        exchange = posted(text)
        async with asyncio.TaskGroup() as group:
            group.create_task(exchange.run(door.app))
            await service.asked.wait()
            exchange.leave()
            await let_everybody_run()
            service.may_answer.set()

    assert door.twins.order_shelf.rows["o-1"].note == "gift"


async def test_a_client_that_stays_gets_her_answer() -> None:
    """The control: the same query, its client waiting, is answered once."""
    async with open_door() as door:
        service = HeldService(door)
        service.may_answer.set()
        exchange = posted(A_QUERY)
        await exchange.run(door.app)

    assert exchange.body["data"] == {"order": {"id": "o-1"}}
    assert [message["type"] for message in exchange.sent] == [
        "http.response.start",
        "http.response.body",
    ]


async def test_a_request_leaves_no_task_behind() -> None:
    """Answered, refused or abandoned: afterwards nothing of a request still runs."""
    async with open_door() as door:
        before = asyncio.all_tasks()
        service = HeldService(door)
        for text in ("{", A_QUERY):
            exchange = posted(text)
            async with asyncio.TaskGroup() as group:
                group.create_task(exchange.run(door.app))
                await let_everybody_run()
                exchange.leave()
        await let_everybody_run()

        assert service.cancelled_count == 1
        assert asyncio.all_tasks() == before

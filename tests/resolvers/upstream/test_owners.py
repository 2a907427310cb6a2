"""Many rows of one owner: in how many calls, and what becomes of the others when one fails."""

import asyncio

import httpx

from resolvers.upstream.errors import UpstreamUnavailable
from resolvers.upstream.live_demand import Question, RowAnswer
from resolvers.upstream.owners import Owners
from tests.resolvers.upstream.builders import a_context, a_customer, let_everybody_run
from tests.resolvers.upstream.clients import Clients, clients_of

CUSTOMERS = [a_customer(f"c-{number}") for number in range(250)]


async def ask_for_all(clients: Clients) -> dict[Question, RowAnswer]:
    owners = Owners(clients.orders, clients.customers, clients.products)
    return await owners.ask_all([Question(row.key) for row in CUSTOMERS], a_context())


async def test_large_batch_is_split_into_parallel_calls() -> None:
    """250 ids are three calls of at most 100, all on the wire at once."""
    gate = asyncio.Event()
    asked_counts: list[int] = []

    async with clients_of(customers=CUSTOMERS) as clients:

        async def answer_at_gate(request: httpx.Request) -> httpx.Response:
            asked_counts.append(request.url.params["ids"].count(",") + 1)
            await gate.wait()
            return clients.twins.customer_shelf.read_batch(request)

        clients.twins.customers.mock(side_effect=answer_at_gate)
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(ask_for_all(clients))
            await let_everybody_run()
            on_the_wire = list(asked_counts)
            gate.set()

    assert sorted(on_the_wire) == [50, 100, 100]
    assert asking.result() == {Question(row.key): row for row in CUSTOMERS}


async def test_part_that_fails_takes_no_other_along() -> None:
    """Of three calls one fails for good: the rows of the two others are there all the same."""
    async with clients_of(customers=CUSTOMERS) as clients:

        def fail_the_first(request: httpx.Request) -> httpx.Response:
            if "c-0" in request.url.params["ids"].split(","):
                return httpx.Response(503)
            return clients.twins.customer_shelf.read_batch(request)

        clients.twins.customers.mock(side_effect=fail_the_first)
        answers = await ask_for_all(clients)

    failed = [q.key.id for q, a in answers.items() if isinstance(a, UpstreamUnavailable)]
    assert failed == [row.id for row in CUSTOMERS[:100]]
    assert [answers[Question(row.key)] for row in CUSTOMERS[100:]] == CUSTOMERS[100:]

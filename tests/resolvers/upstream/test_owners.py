"""Many rows of one owner: in how many calls, and what becomes of the others when one fails."""

import asyncio
from collections.abc import Sequence
from unittest.mock import patch

import httpx
import pytest

from projections.views import Row
from resolvers.upstream.errors import UpstreamUnavailable
from resolvers.upstream.live_demand import Question, RowAnswer
from resolvers.upstream.owners import Owners
from tests.resolvers.upstream.builders import a_context, a_customer, let_everybody_run
from tests.resolvers.upstream.clients import Clients, clients_of

CUSTOMERS = [a_customer(f"c-{number}") for number in range(250)]


LONGEST_ADDRESS_BYTES = 8 * 1024


async def ask_for(rows: Sequence[Row], clients: Clients) -> dict[Question, RowAnswer]:
    owners = Owners(clients.orders, clients.customers, clients.products)
    return await owners.ask_all([Question(row.key) for row in rows], a_context())


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
            asking = group.create_task(ask_for(CUSTOMERS, clients))
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
        answers = await ask_for(CUSTOMERS, clients)

    failed = [q.key.id for q, a in answers.items() if isinstance(a, UpstreamUnavailable)]
    assert failed == [row.id for row in CUSTOMERS[:100]]
    assert [answers[Question(row.key)] for row in CUSTOMERS[100:]] == CUSTOMERS[100:]


@pytest.mark.parametrize(("limit", "is_served"), [(100, True), (10_000, False)])
async def test_a_batch_that_is_not_split_is_longer_than_servers_take(
    limit: int, is_served: bool
) -> None:
    """250 ids of full length are served in parts of a hundred; the control, in one: 414."""
    with_long_ids = [a_customer(f"{number:064}") for number in range(250)]
    async with clients_of(customers=with_long_ids) as clients:

        def answer_short_addresses(request: httpx.Request) -> httpx.Response:
            if len(request.url.raw_path) > LONGEST_ADDRESS_BYTES:
                return httpx.Response(414)
            return clients.twins.customer_shelf.read_batch(request)

        clients.twins.customers.mock(side_effect=answer_short_addresses)
        with patch("resolvers.upstream.owners.BATCH_LIMIT", limit):
            answers = await ask_for(with_long_ids, clients)

    assert [row in with_long_ids for row in answers.values()] == [is_served] * 250

"""What all typed clients share: batches, and the refusal of rows that nobody asked for."""

import asyncio
from unittest.mock import patch

import httpx
import msgspec
import pytest

from resolvers.upstream.errors import InvalidAnswer, UpstreamError, UpstreamUnavailable
from tests.contracts.twin_rendering import rendered
from tests.resolvers.upstream.builders import a_context, a_customer, let_everybody_run
from tests.resolvers.upstream.clients import clients_of


async def test_batch_answers_the_known_rows_by_id() -> None:
    """Unknown and impossible ids are left out; the rest comes in one call."""
    ada, bob = a_customer("c-1"), a_customer("c-2")

    async with clients_of(customers=[ada, bob]) as clients:
        rows = await clients.customers.fetch_batch(["c-2", "c-404", "a,b", "c-1"], a_context())

    assert rows == {"c-1": ada, "c-2": bob}
    assert clients.twins.customers.call_count == 1


async def test_repeated_ids_are_asked_once() -> None:
    """A batch asks for each different id once, in the order of first mention."""
    async with clients_of(customers=[a_customer("c-1")]) as clients:
        await clients.customers.fetch_batch(["c-2", "c-1", "c-2"], a_context())

    assert clients.twins.customers.calls.last.request.url.params["ids"] == "c-2,c-1"


async def test_empty_batch_asks_nobody() -> None:
    """No ids, no call."""
    async with clients_of() as clients:
        rows = await clients.customers.fetch_batch([], a_context())

    assert rows == {}
    assert not clients.twins.customers.called


async def test_large_batch_is_split_into_parallel_calls() -> None:
    """250 ids are three calls of at most 100, all on the wire at once."""
    customers = [a_customer(f"c-{number}") for number in range(250)]
    gate = asyncio.Event()

    async with clients_of(customers=customers) as clients:

        async def answer_at_gate(request: httpx.Request) -> httpx.Response:
            asked_counts.append(request.url.params["ids"].count(",") + 1)
            await gate.wait()
            return clients.twins.customer_shelf.read_batch(request)

        asked_counts: list[int] = []
        clients.twins.customers.mock(side_effect=answer_at_gate)
        async with asyncio.TaskGroup() as group:
            batch = group.create_task(
                clients.customers.fetch_batch([row.id for row in customers], a_context())
            )
            await let_everybody_run()
            on_the_wire = list(asked_counts)
            gate.set()

    assert sorted(on_the_wire) == [50, 100, 100]
    assert batch.result() == {row.id: row for row in customers}


LONG_IDS = [f"{number:064}" for number in range(250)]
LONGEST_ADDRESS_BYTES = 8 * 1024


@pytest.mark.parametrize(("limit", "is_served"), [(100, True), (10_000, False)])
async def test_a_batch_that_is_not_split_is_longer_than_servers_take(
    limit: int, is_served: bool
) -> None:
    """250 ids of full length are served in parts of a hundred; the control, in one: 414."""
    async with clients_of(customers=[a_customer(id_) for id_ in LONG_IDS]) as clients:

        def answer_short_addresses(request: httpx.Request) -> httpx.Response:
            if len(request.url.raw_path) > LONGEST_ADDRESS_BYTES:
                return httpx.Response(414)
            return clients.twins.customer_shelf.read_batch(request)

        clients.twins.customers.mock(side_effect=answer_short_addresses)
        with patch("resolvers.upstream.resource.BATCH_LIMIT", limit):
            try:
                row_count = len(await clients.customers.fetch_batch(LONG_IDS, a_context()))
            except UpstreamError:
                row_count = 0

    assert row_count == (250 if is_served else 0)


async def test_failure_of_one_part_is_the_failure_of_the_batch() -> None:
    """The error of a part is raised as itself, not wrapped in a group."""
    async with clients_of() as clients:
        clients.twins.customers.mock(return_value=httpx.Response(503))

        with pytest.raises(UpstreamUnavailable):
            await clients.customers.fetch_batch([f"c-{n}" for n in range(250)], a_context())


@pytest.mark.parametrize(
    "answer",
    [
        rendered({"items": [a_customer("c-2")]}),
        rendered({"items": [{"id": "c-1"}]}),
        rendered({"rows": []}),
        httpx.Response(404),
    ],
)
async def test_batch_that_answers_something_else_is_invalid(answer: httpx.Response) -> None:
    """Rows not asked for, half rows, another shape, or no such endpoint are no answer."""
    async with clients_of() as clients:
        clients.twins.customers.mock(return_value=answer)

        with pytest.raises(InvalidAnswer):
            await clients.customers.fetch_batch(["c-1"], a_context())


async def test_field_that_a_service_grows_later_is_no_reason_to_refuse() -> None:
    """Unknown fields are passed over, so services may grow."""
    grown = {**msgspec.to_builtins(a_customer()), "nickname": "ada"}
    async with clients_of() as clients:
        clients.twins.customers.mock(return_value=rendered(grown))

        fetched = await clients.customers.fetch("c-1", a_context())

    assert fetched == a_customer()

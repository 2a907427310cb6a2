"""What all typed clients share: batches, and the refusal of rows that nobody asked for."""

import httpx
import msgspec
import pytest

from resolvers.upstream.errors import InvalidAnswer
from tests.contracts.twin_rendering import rendered
from tests.resolvers.upstream.builders import a_context, a_customer
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

"""The order client tells what a writer has seen, and takes no order that says it illegibly."""

import httpx
import msgspec
import pytest

from projections.versions import AggregateKey, AggregateType, Version
from resolvers.upstream.errors import InvalidAnswer, Rejected
from resolvers.upstream.orders import OrderLine, PlaceOrder
from tests.resolvers.upstream.builders import a_context, a_customer, a_product, an_order
from tests.resolvers.upstream.clients import clients_of

SEEN = {
    AggregateKey(AggregateType.PRODUCT, "p-1"): Version(1, 10),
    AggregateKey(AggregateType.CUSTOMER, "c-1"): Version(2, 3),
}
SPELT = "customer:c-1@2.3, product:p-1@1.10"

WISH = PlaceOrder(
    customer_id="c-1", items=(OrderLine(product_id="p-1", quantity=1),), idempotency_key="key-1"
)


async def test_every_write_tells_what_its_writer_saw() -> None:
    """The header goes with placing, noting and cancelling, beside their other guards."""
    async with clients_of(
        orders=[an_order()], customers=[a_customer()], products=[a_product()]
    ) as clients:
        await clients.orders.place(WISH, a_context(), causal_deps=SEEN)
        await clients.orders.update_note(
            "o-1", "x", a_context(), expected_version=1, causal_deps=SEEN
        )
        await clients.orders.cancel("o-1", None, a_context(), idempotency_key="k", causal_deps=SEEN)

    sent = [call.request.headers for call in clients.twins.orders.calls]
    assert [headers["X-Causal-Deps"] for headers in sent] == [SPELT] * 3
    guards = ("Idempotency-Key", "If-Match", "Idempotency-Key")
    assert [headers[guard] for headers, guard in zip(sent, guards, strict=True)] == [
        *("key-1", '"1"', "k")
    ]


async def test_writer_who_saw_nothing_says_nothing() -> None:
    """Without dependencies there is no header: an empty one would be malformed."""
    async with clients_of(
        orders=[an_order()], customers=[a_customer()], products=[a_product()]
    ) as clients:
        await clients.orders.place(WISH, a_context())
        await clients.orders.update_note("o-1", "x", a_context(), causal_deps={})
        await clients.orders.cancel("o-1", None, a_context())

    sent = [call.request.headers for call in clients.twins.orders.calls]
    assert [headers for headers in sent if "X-Causal-Deps" in headers] == []


async def test_impossible_order_is_refused_whatever_was_seen() -> None:
    """The header changes nothing about where a write may go."""
    async with clients_of() as clients:
        with pytest.raises(Rejected):
            await clients.orders.update_note("../o-1", "x", a_context(), causal_deps=SEEN)

    assert clients.twins.orders.call_count == 0


async def test_order_with_illegible_dependencies_is_no_answer() -> None:
    """Shown without them it would break its writer's promise; a write's outcome is unknown."""
    body = msgspec.json.encode({**msgspec.to_builtins(an_order()), "causalDeps": ["c-1@1.3"]})
    async with clients_of() as clients:
        clients.twins.orders.mock(return_value=httpx.Response(200, content=body))

        with pytest.raises(InvalidAnswer) as of_read:
            await clients.orders.fetch("o-1", a_context())
        with pytest.raises(InvalidAnswer) as of_write:
            await clients.orders.update_note("o-1", "x", a_context(), causal_deps=SEEN)

    assert (of_read.value.is_outcome_unknown, of_write.value.is_outcome_unknown) == (False, True)


async def test_order_of_a_service_that_keeps_no_causes_is_read() -> None:
    """An answer without the member is an order that depends on nothing."""
    state: dict[str, object] = msgspec.to_builtins(an_order())
    del state["causalDeps"]
    async with clients_of() as clients:
        clients.twins.orders.mock(return_value=httpx.Response(200, json=state))

        order = await clients.orders.fetch("o-1", a_context())

    assert order == an_order()

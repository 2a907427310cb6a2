"""What a page gains when a call is made again, what that costs its service, and when it is not.

Back-offs last no time here; how long they last is told in `tests/resolvers/upstream/test_retry.py`.
"""

import asyncio

import httpx
import pytest

from tests.contracts.twins import UpstreamTwins
from tests.faults.misbehaviour import (
    Behaviour,
    answering,
    failing,
    healthy_answer_of,
    misbehave,
)
from tests.gateway_in_process import GatewayInProcess, open_composing_gateway, twins_of
from tests.graphql_answers import Json
from tests.resolvers.rows import SHOP

pytestmark = pytest.mark.steered_time

SERVICES = ("orders", "customers", "products")
PAGE = '{ order(id: "o-1") { status customer { name } items { product { name } } } }'
WHOLE = {
    "order": {
        "status": "PLACED",
        "customer": {"name": "Ada"},
        "items": [{"product": {"name": "Lamp"}}, {"product": {"name": "Mug"}}],
    }
}
PLACE = """mutation { placeOrder(input: {customerId: "c-1", idempotencyKey: "k-1"
  items: [{productId: "p-1", quantity: 1}]}) { order { customer { id } } } }"""
RESET = failing(httpx.ReadError)
HICCUPS: dict[str, Behaviour] = {
    "500": answering(httpx.Response(500)),
    "429 + Retry-After": answering(httpx.Response(429, headers={"Retry-After": "1"})),
    "refuses": failing(httpx.ConnectError),
    "resets": RESET,
}

each_service = pytest.mark.parametrize("service", SERVICES)


def misbehave_at_first(
    twins: UpstreamTwins, service: str, behaviour: Behaviour, call_count: int
) -> None:
    """The first so many calls meet this behaviour; after them the service is well."""
    answer = healthy_answer_of(twins, service)
    left = [behaviour] * call_count

    async def behave(request: httpx.Request) -> httpx.Response:
        return await left.pop()(request) if left else answer(request)

    misbehave(twins, service, behave)


def hit_counts(bff: GatewayInProcess) -> dict[str, int]:
    return {service: len(bff.hits_of(service)) for service in SERVICES}


@each_service
@pytest.mark.parametrize("hiccup", HICCUPS.values(), ids=HICCUPS.keys())
async def test_a_hiccup_is_not_seen_by_the_client(service: str, hiccup: Behaviour) -> None:
    """The page is whole after one call more, and a service that asked for a second was given it."""
    twins = twins_of(*SHOP)
    misbehave_at_first(twins, service, hiccup, call_count=1)
    async with open_composing_gateway(twins) as bff:
        answer = await bff.ask(PAGE)

        assert answer.data == WHOLE
        assert hit_counts(bff) == {**dict.fromkeys(SERVICES, 1), service: 2}
        assert answer.elapsed_s == (1.0 if hiccup is HICCUPS["429 + Retry-After"] else 0.0)


@each_service
async def test_control_without_retries_a_hiccup_costs_the_page_a_part(service: str) -> None:
    """The control: `BFF_RETRIES=0`, the same hiccup, and something is missing."""
    twins = twins_of(*SHOP)
    misbehave_at_first(twins, service, RESET, call_count=1)
    async with open_composing_gateway(twins, retries=0) as bff:
        answer = await bff.ask(PAGE)

        assert set(answer.codes.values()) == {"UPSTREAM_UNAVAILABLE"}
        assert len(bff.hits_of(service)) == 1


async def test_two_services_with_a_hiccup_each_are_each_asked_twice() -> None:
    """One service's repetition takes nothing from another's."""
    twins = twins_of(*SHOP)
    misbehave_at_first(twins, "customers", RESET, call_count=1)
    misbehave_at_first(twins, "products", RESET, call_count=1)
    async with open_composing_gateway(twins) as bff:
        answer = await bff.ask(PAGE)

        assert answer.data == WHOLE
        assert hit_counts(bff) == {"orders": 1, "customers": 2, "products": 2}


async def test_an_outage_costs_its_service_the_floor_of_its_budget() -> None:
    """Fifteen failed pages are fifteen calls and the three that are lent; no circuit opens yet."""
    twins = twins_of(*SHOP)
    misbehave(twins, "orders", RESET)
    async with open_composing_gateway(twins) as bff:
        for number in range(15):
            await bff.ask(f'{{ order(id: "o-9{number}") {{ id }} }}')

        assert len(bff.hits_of("orders")) == 15 + 3


class TestWrites:
    async def test_a_keyed_write_that_was_cut_off_is_sent_again_with_its_key(self) -> None:
        """The answer was lost, the order is there, and the second call brings its answer."""
        twins = twins_of(*SHOP)
        real = healthy_answer_of(twins, "orders")

        async def lose_the_first_answer(request: httpx.Request) -> httpx.Response:
            response = real(request)
            if request.method == "POST" and len(placed) == 0:
                placed.append(response.json()["id"])
                raise httpx.ReadError("cut off", request=request)
            return response

        placed: list[str] = []
        misbehave(twins, "orders", lose_the_first_answer)
        async with open_composing_gateway(twins) as bff:
            answer = await bff.ask(PLACE)

            posts = [hit for hit in bff.hits if hit.method == "POST"]
            assert answer.data["placeOrder"]["order"] == {"customer": {"id": "c-1"}}
            assert [hit.headers["Idempotency-Key"] for hit in posts] == ["k-1", "k-1"]
            assert posts[0].body == posts[1].body
            assert len(twins.order_shelf.rows) == 2

    async def test_control_without_its_key_a_write_sent_again_is_done_twice(self) -> None:
        """The control: the same loss, the same second call, no key on the wire, and two orders."""
        twins = twins_of(*SHOP)
        real = healthy_answer_of(twins, "orders")

        async def lose_the_first_answer(request: httpx.Request) -> httpx.Response:
            if request.method == "POST":
                request.headers.pop("Idempotency-Key")
                placed.append(real(request).json()["id"])
                if len(placed) == 1:
                    raise httpx.ReadError("cut off", request=request)
            return real(request)

        placed: list[str] = []
        misbehave(twins, "orders", lose_the_first_answer)
        async with open_composing_gateway(twins) as bff:
            await bff.ask(PLACE)

            assert len(set(placed)) == 2

    async def test_a_keyed_write_that_is_always_cut_off_is_of_unknown_outcome(self) -> None:
        """Three attempts, no answer: it may have been done, and the client is told so."""
        twins = twins_of(*SHOP)
        misbehave(twins, "orders", RESET)
        async with open_composing_gateway(twins) as bff:
            answer = await bff.ask(PLACE)

            told: Json = answer.error["extensions"]
            assert (told["code"], told["outcome"]) == ("UPSTREAM_UNAVAILABLE", "UNKNOWN")
            assert len(bff.hits_of("orders")) == 3

    async def test_a_write_without_a_key_is_sent_once(self) -> None:
        """A change of an order carries no key: whoever wants it again sends it again."""
        twins = twins_of(*SHOP)
        misbehave(twins, "orders", RESET)
        async with open_composing_gateway(twins) as bff:
            await bff.ask(
                'mutation { updateOrder(input: {id: "o-1", note: "x"}) { order { id } } }'
            )

            assert len(bff.hits_of("orders")) == 1


class TestSecondCalls:
    async def test_a_page_does_not_wait_for_one_late_answer(self) -> None:
        """Of a service that is known, a late read is asked twice; the page is there in time."""
        answer, hit_count = await self.late_page(hedge=True)

        assert answer == pytest.approx(0.05)
        assert hit_count == 2

    async def test_control_without_second_calls_it_waits(self) -> None:
        """The control: `BFF_HEDGE=false`, and the page takes its half second."""
        answer, hit_count = await self.late_page(hedge=False)

        assert answer == pytest.approx(0.5)
        assert hit_count == 1

    async def late_page(self, *, hedge: bool) -> tuple[float, int]:
        """How long a late page took (s), after thirty of 20 or 30 ms, and how many calls it was."""
        twins = twins_of(*SHOP)
        real = healthy_answer_of(twins, "orders")
        delays_s = [0.03] * 2 + [0.02] * 28 + [0.5, 0.02]

        async def behave(request: httpx.Request) -> httpx.Response:
            await asyncio.sleep(delays_s.pop(0))
            return real(request)

        misbehave(twins, "orders", behave)
        async with open_composing_gateway(twins, hedge=hedge, live_fresh_ms=0) as bff:
            for _ in range(30):
                await bff.ask('{ order(id: "o-1") { id } }')
            bff.forget_hits()
            answer = await bff.ask('{ order(id: "o-1") { id } }')
            return answer.elapsed_s, len(bff.hits)

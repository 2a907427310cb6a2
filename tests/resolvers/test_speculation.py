"""Orders read live with whom they lead to: in one round trip where that can be guessed.

Each figure stands beside its control: the same with guessing off, which is two hops.
"""

from typing import cast

import httpx
import msgspec
import pytest

from projections.versions import AggregateKey, AggregateType, Version
from projections.views import OrderRow, Row
from resolvers.speculation import GuessCounts, Guesses
from tests.contracts.twins import UpstreamTwins
from tests.faults.misbehaviour import Behaviour, answering, hanging, misbehave, slow_down
from tests.gateway_in_process import (
    GatewayInProcess,
    open_composing_gateway,
    open_gateway,
    own,
    pass_time,
    twins_of,
)
from tests.resolvers.rows import CUSTOMER, ORDER, SHOP, a_customer, a_product, an_order, changed

pytestmark = pytest.mark.steered_time

DETAILS = "{ id customer { name } items { product { name } } }"
PAGE = '{ order(id: "o-1") ' + DETAILS + " }"
LIVE_PAGE = '{ order(id: "o-1", consistency: {live: true}) ' + DETAILS + " }"
LIVE_LIST = (
    '{ orders(customerId: "c-1", consistency: {live: true}) { edges { node ' + DETAILS + " } } }"
)
DELAYS_S = {"orders": 0.2, "customers": 0.22, "products": 0.25}
ONE_TRIP_S = 0.25
"""The slowest service."""
TWO_HOPS_S = 0.45
"""The order, then the slowest of the others."""

BEA = a_customer("c-2", name="Bea")
VASE = a_product("p-3", name="Vase")
ALONE = {"live_fresh_ms": 0}
"""No answer is kept, so that each page is read anew."""


def slow_shop(*more: Row) -> UpstreamTwins:
    twins = twins_of(*SHOP, *more)
    for service, delay_s in DELAYS_S.items():
        slow_down(twins, service, delay_s)
    return twins


def handed_over(order: OrderRow = ORDER) -> OrderRow:
    """The order as its owner has it now: of another customer, with another product."""
    [lamp, mug] = order.items
    items = (lamp, msgspec.structs.replace(mug, product_id="p-3"))
    return changed(order, customer_id="c-2", items=items)


def spoil_ada(twins: UpstreamTwins, behaviour: Behaviour) -> None:
    """Asked for Ada, the customer service does this; asked for others it is well."""
    healthy = cast("Behaviour", twins.customers.side_effect)

    async def answer(request: httpx.Request) -> httpx.Response:
        is_for_ada = "c-1" in request.url.params["ids"]
        return await (behaviour if is_for_ada else healthy)(request)

    misbehave(twins, "customers", answer)


def guesses_of(bff: GatewayInProcess) -> Guesses:
    guesses = bff.gateway.clients.guesses
    assert guesses is not None
    return guesses


def counts(bff: GatewayInProcess) -> GuessCounts:
    return guesses_of(bff).counts


class TestOneRoundTrip:
    async def test_an_order_heard_of_before_costs_one_round_trip(self) -> None:
        """Its customer and products are asked for beside it: 1.00 × the slowest service."""
        async with open_composing_gateway(slow_shop(), **ALONE) as bff:
            first = await bff.ask(PAGE)
            bff.forget_hits()
            again = await bff.ask(PAGE)

            assert again.data == first.data
            assert (first.elapsed_s, again.elapsed_s) == (TWO_HOPS_S, ONE_TRIP_S)
            assert len(bff.calls) == 3
            assert counts(bff) == GuessCounts(guessed=3, right=3)

    async def test_without_guesses_it_is_two_hops(self) -> None:
        """The control: with guessing off the second page takes as long as the first."""
        async with open_composing_gateway(slow_shop(), guess_ahead=False, **ALONE) as bff:
            await bff.ask(PAGE)
            again = await bff.ask(PAGE)

            assert again.elapsed_s == TWO_HOPS_S

    async def test_what_the_projection_holds_is_a_guess_for_who_wants_owners(self) -> None:
        """An order read `live` for the first time leads where its projected row leads."""
        async with open_gateway(slow_shop()) as bff:
            answer = await bff.ask(LIVE_PAGE)

            assert answer.elapsed_s == ONE_TRIP_S
            assert answer.origin("order.customer") == ("LIVE", "LIVE_REQUESTED")
            assert len(bff.calls) == 3

    async def test_a_projection_that_is_too_old_to_show_will_do(self) -> None:
        """When the staleness budget is spent, its rows are no answer and still a guess."""
        async with open_gateway(slow_shop()) as bff:
            await pass_time(10.0)

            answer = await bff.ask(PAGE)

            assert answer.elapsed_s == ONE_TRIP_S
            assert answer.origin("order") == ("LIVE", "BUDGET_SPENT")

    async def test_the_orders_of_a_list_are_guessed_from_the_projected_list(self) -> None:
        """A list read live comes with its orders; whom they lead to is asked beside it."""
        async with open_gateway(slow_shop()) as bff:
            answer = await bff.ask(LIVE_LIST)

            assert answer.elapsed_s == ONE_TRIP_S
            assert len(bff.calls) == 3

    async def test_two_orders_guess_in_one_call_a_service(self) -> None:
        """Guesses of root fields are batched as their waves would be."""
        other = an_order("o-2", customer_id="c-2", products=("p-3",))
        query = "{ a: order(id: \"o-1\") %s b: order(id: \"o-2\") %s }" % (DETAILS, DETAILS)
        async with open_composing_gateway(slow_shop(other, BEA, VASE), **ALONE) as bff:
            await bff.ask(query)
            bff.forget_hits()
            again = await bff.ask(query)

            assert again.elapsed_s == ONE_TRIP_S
            assert sorted(bff.calls) == [
                "GET /customers?ids=c-1,c-2",
                "GET /orders/o-1",
                "GET /orders/o-2",
                "GET /products?ids=p-1,p-2,p-3",
            ]


class TestWrongGuesses:
    async def test_a_wrong_guess_costs_a_call_and_no_time(self) -> None:
        """Who the order leads to now is shown, as soon as without a guess; the rest is waste."""
        async with open_composing_gateway(slow_shop(BEA, VASE), **ALONE) as bff:
            await bff.ask(PAGE)
            own(bff.twins, handed_over())
            bff.forget_hits()

            answer = await bff.ask(PAGE)

            assert answer.data["order"]["customer"] == {"name": "Bea"}
            assert [item["product"]["name"] for item in answer.data["order"]["items"]] == [
                "Lamp",
                "Vase",
            ]
            assert answer.elapsed_s == TWO_HOPS_S
            assert sorted(bff.calls) == [
                "GET /customers?ids=c-1",
                "GET /customers?ids=c-2",
                "GET /orders/o-1",
                "GET /products?ids=p-1,p-2",
                "GET /products?ids=p-3",
            ]
            assert counts(bff) == GuessCounts(guessed=3, right=1, wrong=2)

    @pytest.mark.parametrize("behaviour", [hanging, answering(httpx.Response(500))])
    async def test_a_wrong_guess_that_goes_wrong_is_told_to_nobody(
        self, behaviour: Behaviour
    ) -> None:
        """The customer of before cannot be had any more: nobody waits for her, nobody hears."""
        twins = slow_shop(BEA)
        async with open_composing_gateway(twins, **ALONE) as bff:
            await bff.ask(PAGE)
            own(twins, changed(ORDER, customer_id="c-2"))
            spoil_ada(twins, behaviour)

            answer = await bff.ask(PAGE)

            assert answer.data["order"]["customer"] == {"name": "Bea"}
            assert answer.elapsed_s == pytest.approx(0.42)

    async def test_what_is_on_the_wire_ends_with_the_operation(self) -> None:
        """A guess that hangs holds no place once the answer is out."""
        twins = slow_shop(BEA)
        async with open_composing_gateway(twins, in_flight_limit=2, **ALONE) as bff:
            own(twins, changed(ORDER, customer_id="c-2"))
            spoil_ada(twins, hanging)
            for _ in range(3):
                guesses_of(bff).links.learn([ORDER])
                answer = await bff.ask(PAGE)

            assert answer.elapsed_s == pytest.approx(0.42)

    async def test_an_order_that_is_gone_wastes_its_guess(self) -> None:
        """There is no order any more, so nothing of the guess is shown."""
        async with open_composing_gateway(slow_shop(), **ALONE) as bff:
            await bff.ask(PAGE)
            del bff.twins.order_shelf.rows["o-1"]

            answer = await bff.ask(PAGE)

            assert answer.data == {"order": None}
            assert answer.elapsed_s == DELAYS_S["orders"]
            assert counts(bff) == GuessCounts(guessed=3, wrong=3)

    async def test_too_much_waste_ends_the_guessing_for_a_while(self) -> None:
        """A hundred wrong reads and no right ones: from then on orders are asked for first."""
        async with open_composing_gateway(slow_shop(), **ALONE) as bff:
            await bff.ask(PAGE)
            del bff.twins.order_shelf.rows["o-1"]
            for _ in range(40):
                await bff.ask(PAGE)

            told = counts(bff)
            assert (told.wrong, told.refused) == (99, 21)

    async def test_while_orders_are_down_nothing_is_guessed(self) -> None:
        """Nobody can verify a guess then, so customers and products are left in peace."""
        async with open_composing_gateway(twins_of(*SHOP), **ALONE) as bff:
            await bff.ask(PAGE)
            misbehave(bff.twins, "orders", answering(httpx.Response(500)))
            for _ in range(20):
                await bff.ask(PAGE)
            bff.forget_hits()

            await bff.ask(PAGE)

            assert bff.calls == []


class TestDemands:
    async def test_a_guess_is_asked_for_as_the_wave_would_ask(self) -> None:
        """A token's demand of the customer holds for the guessed read: it is not asked again."""
        async with open_composing_gateway(slow_shop(), **ALONE) as bff:
            token = (await bff.ask(PAGE)).token
            bff.forget_hits()

            answer = await bff.ask(PAGE, token=token)

            assert answer.elapsed_s == ONE_TRIP_S
            assert len(bff.calls) == 3

    async def test_a_guess_that_is_too_old_is_pressed_like_any_answer(self) -> None:
        """A customer newer than her owner's answer is demanded: asked once more, and told."""
        async with open_composing_gateway(slow_shop(), **ALONE) as bff:
            await bff.ask(PAGE)
            bff.forget_hits()
            ahead = bff.seal_versions({CUSTOMER.key: Version(1, 9)})

            answer = await bff.ask(PAGE, token=ahead)

            assert answer.consistency["satisfied"] is False
            assert [str(hit) for hit in bff.hits_of("customers")][-1] == "GET /customers/c-1"
            assert [hit.headers.get("Min-Version") for hit in bff.hits_of("customers")][-1] == "9"

    async def test_causes_are_met_by_the_guess_that_is_under_way(self) -> None:
        """What the order needs of its customer is known only with the order; the guess has it."""
        caused = changed(ORDER, causal_deps=("customer:c-1@1.1",))
        query = PAGE.replace('id: "o-1"', 'id: "o-1", consistency: {causal: {}}')
        async with open_composing_gateway(slow_shop(caused)) as bff:
            await bff.ask(query)
            await pass_time(1.0)
            bff.forget_hits()

            answer = await bff.ask(query)

            assert answer.elapsed_s == ONE_TRIP_S
            assert len(bff.calls) == 3

    async def test_what_the_projection_will_tell_is_not_guessed(self) -> None:
        """The order alone is behind its token: its customer is at hand, so nobody is asked."""
        async with open_gateway(slow_shop()) as bff:
            noted = changed(ORDER, note="Ring")
            own(bff.twins, noted)

            answer = await bff.ask(PAGE, token=bff.seal(noted))

            assert answer.origin("order") == ("LIVE", "TOKEN_NOT_REACHED")
            assert bff.calls == ["GET /orders/o-1"]

    async def test_guessed_rows_heal_the_projection(self) -> None:
        """A row asked for ahead is written back like any other live answer."""
        async with open_gateway(slow_shop()) as bff:
            renamed = changed(CUSTOMER, name="Ada L.")
            own(bff.twins, renamed)
            await bff.ask(LIVE_PAGE)

            held = await bff.store.versions([CUSTOMER.key])

            assert held == {CUSTOMER.key: renamed.at}

    async def test_a_customer_who_is_gone_is_told_as_without_a_guess(self) -> None:
        """Her absence, asked for ahead, leaves the same trace in the token as asked for late."""
        tokens = []
        for is_on in (True, False):
            async with open_gateway(slow_shop(), guess_ahead=is_on) as bff:
                await pass_time(10.0)
                del bff.twins.customer_shelf.rows["c-1"]
                answer = await bff.ask(PAGE)
                tokens.append(bff.opened(answer.token).entries)

        key = AggregateKey(AggregateType.CUSTOMER, "c-1")
        assert tokens[0][key] == tokens[1][key] == CUSTOMER.at.successor

    async def test_a_write_between_is_seen(self) -> None:
        """What was known of an order before it was written about is a guess and nothing else."""
        async with open_composing_gateway(slow_shop()) as bff:
            await bff.ask(PAGE)
            written = await bff.ask(
                'mutation { updateOrder(input: {id: "o-1", note: "Ring"})'
                " { order { note customer { name } } } }"
            )

            assert written.data["updateOrder"]["order"] == {
                "note": "Ring",
                "customer": {"name": "Ada"},
            }

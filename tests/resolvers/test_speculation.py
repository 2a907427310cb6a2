"""Orders read live with whom they lead to: in one round trip where that can be guessed.

Each figure stands beside its control: the same with guessing off, which is two hops.
"""

from unittest.mock import patch

import httpx
import pytest

from resolvers.guess_budget import GuessBudget
from resolvers.speculation import GuessCounts
from tests.faults.misbehaviour import Behaviour, answering, hanging, misbehave
from tests.gateway_in_process import (
    open_composing_gateway,
    open_gateway,
    own,
    pass_time,
    twins_of,
)
from tests.resolvers.guessing_shop import (
    ALONE,
    BEA,
    DELAYS_S,
    DETAILS,
    LIVE_LIST,
    LIVE_PAGE,
    ONE_TRIP_S,
    PAGE,
    TWO_HOPS_S,
    VASE,
    counts,
    guesses_of,
    handed_over,
    slow_shop,
    spoil_ada,
)
from tests.resolvers.rows import ORDER, SHOP, an_order, changed

pytestmark = pytest.mark.steered_time


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
        query = f'{{ a: order(id: "o-1") {DETAILS} b: order(id: "o-2") {DETAILS} }}'
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

    async def test_control_what_is_guessed_from_shows_the_customer_of_before(self) -> None:
        """The control: the projected order, shown as it stands, still leads to Ada."""
        async with open_gateway(slow_shop(BEA, VASE)) as bff:
            own(bff.twins, handed_over())

            unverified = await bff.ask(PAGE)
            verified = await bff.ask(LIVE_PAGE)

            assert unverified.data["order"]["customer"] == {"name": "Ada"}
            assert verified.data["order"]["customer"] == {"name": "Bea"}
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

    async def test_control_without_a_cap_every_page_wastes_its_guess(self) -> None:
        """The control: the order is gone, and each page asks for its customer all the same."""
        async with open_composing_gateway(slow_shop(), **ALONE) as bff:
            await bff.ask(PAGE)
            del bff.twins.order_shelf.rows["o-1"]
            bff.forget_hits()
            with patch.object(GuessBudget, "take", return_value=True):
                for _ in range(40):
                    await bff.ask(PAGE)

            assert len(bff.hits_of("customers")) == 40

    async def test_while_orders_are_down_nothing_is_guessed(self) -> None:
        """Nobody can verify a guess then, so customers and products are left in peace."""
        alone = {**ALONE, "stale_if_error_s": 0}  # else the order before stands in, and leads on
        async with open_composing_gateway(twins_of(*SHOP), **alone) as bff:
            await bff.ask(PAGE)
            misbehave(bff.twins, "orders", answering(httpx.Response(500)))
            for _ in range(20):
                await bff.ask(PAGE)
            bff.forget_hits()

            await bff.ask(PAGE)

            assert bff.calls == []

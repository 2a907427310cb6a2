"""Guesses under tokens and modes: what is asked ahead is demanded as it would be asked for late."""

import pytest

from projections.versions import AggregateType, Version
from tests.gateway_in_process import (
    open_composing_gateway,
    open_gateway,
    own,
    pass_time,
)
from tests.resolvers.guessing_shop import (
    ALONE,
    LIVE_PAGE,
    ONE_TRIP_S,
    PAGE,
    slow_shop,
)
from tests.resolvers.rows import CUSTOMER, ORDER, changed

pytestmark = pytest.mark.steered_time


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
            await pass_time(3.0)
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
                tokens.append(bff.opened(answer.token))

        assert AggregateType.CUSTOMER in tokens[0].marks
        assert tokens[0].marks.keys() == tokens[1].marks.keys()

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

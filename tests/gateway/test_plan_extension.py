"""`extensions.plan`: what happened, told as it happened; only where it was asked for."""

import asyncio
import json

import pytest

from gateway.plan_extension import LINE_LIMIT, render_plan
from resolvers.upstream.call_log import CallLog, CallNote, CallStep
from tests.faults.misbehaviour import slow_down
from tests.gateway_in_process import open_composing_gateway, open_gateway, own, pass_time, twins_of
from tests.graphql_answers import Answer, Json
from tests.resolvers.rows import CUSTOMER, ORDER, SHOP, changed

PAGE = '{ order(id: "o-1") { note customer { name } } }'


def lines_of(answer: Answer) -> list[tuple[str, str, str, float, float | None]]:
    calls = answer.body["extensions"]["plan"]["calls"]
    return [(c["service"], c["what"], c["outcome"], c["startMs"], c["endMs"]) for c in calls]


@pytest.mark.steered_time
class TestOfOperations:
    async def test_a_gateway_tells_no_plan_unless_it_is_told_to(self) -> None:
        """Clients in production are not told how the house is built."""
        async with open_composing_gateway(twins_of(*SHOP)) as bff:
            answer = await bff.ask(PAGE)

            assert "plan" not in answer.body["extensions"]

    async def test_each_call_is_a_bar_between_its_start_and_its_end(self) -> None:
        """The order takes the first half, its customer the second."""
        twins = twins_of(*SHOP)
        slow_down(twins, "orders", 0.1)
        slow_down(twins, "customers", 0.1)
        async with open_composing_gateway(twins, plan=True) as bff:
            answer = await bff.ask(PAGE)

            assert lines_of(answer) == [
                ("orders", "read /orders/o-1", "ANSWERED", 0.0, 100.0),
                ("customers", "readMany /customers?ids=c-1", "ANSWERED", 100.0, 200.0),
            ]
            bars = [call["bar"] for call in answer.body["extensions"]["plan"]["calls"]]
            assert bars == ["█" * 12 + "·" * 12, "·" * 12 + "█" * 12]
            assert answer.body["extensions"]["plan"]["tookMs"] == 200.0

    async def test_answers_that_cost_no_call_say_why(self) -> None:
        """A kept row, and a row that somebody else has asked for already."""
        twins = twins_of(*SHOP)
        slow_down(twins, "customers", 0.1)
        async with open_composing_gateway(twins, plan=True, guess_ahead=False) as bff:
            await bff.ask('{ order(id: "o-1") { note } }')
            kept = await bff.ask(PAGE)

            assert lines_of(kept) == [
                ("orders", "read o-1", "KEPT", 0.0, 0.0),
                ("customers", "readMany /customers?ids=c-1", "ANSWERED", 0.0, 100.0),
            ]

    async def test_a_call_that_somebody_else_has_begun_is_joined(self) -> None:
        """The second reader waits from when she asked until the first one's call is answered."""
        twins = twins_of(*SHOP)
        slow_down(twins, "orders", 0.1)
        async with open_composing_gateway(twins, plan=True) as bff, asyncio.TaskGroup() as group:
            group.create_task(bff.ask('{ order(id: "o-1") { note } }'))
            await pass_time(0.04)

            joined = await bff.ask('{ order(id: "o-1") { note } }')

            assert lines_of(joined) == [("orders", "read o-1", "JOINED", 0.0, 60.0)]

    async def test_guesses_and_their_waste_are_told(self) -> None:
        """What was asked ahead, and what of it nobody needed."""
        async with open_composing_gateway(twins_of(*SHOP), plan=True, live_fresh_ms=0) as bff:
            await bff.ask(PAGE)
            own(bff.twins, changed(ORDER, customer_id="c-2"))

            answer = await bff.ask(PAGE)

            guesses = [
                c for c in answer.body["extensions"]["plan"]["calls"] if c["outcome"] == "GUESSED"
            ]
            assert [(c["what"], c.get("detail")) for c in guesses] == [
                ("read c-1", None),
                ("read c-1", "wrong"),
            ]

    async def test_waiting_for_the_projection_is_a_bar_too(self) -> None:
        """The event of the demanded version comes after a tenth of a second."""
        async with open_gateway(twins_of(*SHOP), plan=True) as bff:
            renamed = changed(CUSTOMER, name="Ada L.")
            await pass_time(0.1)

            answer = await bff.ask(PAGE, token=bff.seal(renamed))

            assert lines_of(answer)[0] == (
                "projection",
                "wait for customer:c-1@1.2",
                "WAITED",
                0.0,
                250.0,
            )

    async def test_no_host_is_named(self) -> None:
        """Neither the address of a service nor its port is in a plan."""
        async with open_composing_gateway(twins_of(*SHOP), plan=True) as bff:
            answer = await bff.ask(PAGE)

            told = json.dumps(answer.body["extensions"]["plan"])
            assert ".test" not in told
            assert "http" not in told


def render(log: CallLog) -> Json:
    """The plan of an operation that ended at 2 s."""
    return render_plan(log, now_s=2.0)


class TestOfNotes:
    def plan(self, *steps: tuple[float, CallStep, int]) -> Json:
        notes = [
            CallNote(at_s, "orders", "read /orders/o-1", step, attempt=attempt)
            for at_s, step, attempt in steps
        ]
        return render(CallLog(notes, began_at_s=1.0))["calls"]

    def test_a_retry_is_the_second_attempt(self) -> None:
        """The first failed, the second answered; both are on the plan."""
        calls = self.plan(
            (1.0, CallStep.SENT, 1),
            (1.2, CallStep.FAILED, 1),
            (1.2, CallStep.RETRIED, 0),
            (1.3, CallStep.SENT, 2),
            (1.4, CallStep.ANSWERED, 2),
        )

        assert [(c["attempt"], c["outcome"], c["endMs"]) for c in calls] == [
            (1, "FAILED", 200.0),
            (2, "ANSWERED", 400.0),
        ]

    def test_a_hedge_that_wins_leaves_the_other_open(self) -> None:
        """Notes of one attempt belong together, however many of the same call are under way."""
        calls = self.plan(
            (1.0, CallStep.SENT, 1),
            (1.1, CallStep.HEDGED, 0),
            (1.1, CallStep.SENT, 2),
            (1.2, CallStep.ANSWERED, 2),
        )

        assert [(c.get("hedge"), c["outcome"], c["endMs"]) for c in calls] == [
            (None, "SENT", None),
            (True, "ANSWERED", 200.0),
        ]

    def test_time_in_the_queue_is_told_with_the_call(self) -> None:
        """It waited half of the second for a place on the wire."""
        calls = self.plan((1.0, CallStep.QUEUED, 0), (1.5, CallStep.SENT, 1))

        assert [call["queuedMs"] for call in calls] == [500.0]

    def test_a_refusal_is_a_line_without_a_call(self) -> None:
        """An open circuit or a full bulkhead ends a call before the wire."""
        assert [c["outcome"] for c in self.plan((1.0, CallStep.REFUSED, 0))] == ["REFUSED"]

    def test_a_long_plan_is_cut_and_says_so(self) -> None:
        """Two hundred lines at most; the rest is counted."""
        notes = [CallNote(1.0, "orders", f"read o-{n}", CallStep.KEPT) for n in range(300)]
        plan = render(CallLog(notes, omitted_count=7, began_at_s=1.0))

        assert len(plan["calls"]) == LINE_LIMIT
        assert plan["omitted"] == 107

"""When the store of the projection does not answer, reads are composed live, and say so."""

import asyncio

import pytest
from structlog.testing import capture_logs

from projections.views import OrderRow
from tests.fickle_store import TIMEOUT_S
from tests.gateway_in_process import open_gateway, own, pass_time, twins_of
from tests.resolvers.rows import ORDER, SHOP, changed

pytestmark = pytest.mark.steered_time

READ = '{ order(id: "o-1") { note customer { name } items { product { name } } } }'
LIST = '{ orders(customerId: "c-1") { edges { node { id note } } } }'
NOTED: OrderRow = changed(ORDER, note="Ring twice")
WHOLE_ANSWER = ("LIVE", "PROJECTION_UNAVAILABLE")
UNTIL_IT_IS_LEFT_ALONE = 10
BREAK_S = 0.5


async def test_every_part_comes_from_its_owner() -> None:
    """A read costs the store's timeout more, and nothing is missing."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        bff.store.is_gone = True

        answer = await bff.ask(READ)

        assert answer.errors == []
        told = {(part["source"], part["reason"]) for part in answer.consistency["components"]}
        assert told == {WHOLE_ANSWER}
        assert answer.elapsed_s == TIMEOUT_S


async def test_lists_come_from_their_owner() -> None:
    """A list too is composed, orders and all."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        bff.store.is_gone = True

        answer = await bff.ask(LIST)

        assert answer.errors == []
        assert [edge["node"]["id"] for edge in answer.data["orders"]["edges"]] == ["o-1"]


async def test_a_token_is_honoured_without_waiting_for_the_store() -> None:
    """What cannot be looked into cannot catch up: the owner is asked, and checked."""
    twins = twins_of(*SHOP)
    async with open_gateway(twins) as bff:
        own(twins, NOTED)
        bff.store.is_gone = True

        answer = await bff.ask(READ, token=bff.seal(NOTED))

        assert answer.data["order"]["note"] == "Ring twice"
        assert answer.consistency["satisfied"] is True
        assert answer.consistency["waitedMs"] == 0


async def test_silence_is_not_taken_for_absence() -> None:
    """Even who asked for the projection's word alone is not told that nothing is there."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        bff.store.is_gone = True

        answer = await bff.ask('{ order(id: "o-1", consistency: {eventual: true}) { note } }')

        assert answer.data["order"] is not None
        assert answer.origin("order") == WHOLE_ANSWER


@pytest.mark.parametrize("query", [READ, LIST])
async def test_a_store_that_goes_during_an_operation_fails_nothing(query: str) -> None:
    """Whichever of its reads is the first in vain, the rest of the answer is composed."""
    for read_count in range(3):
        twins = twins_of(*SHOP)
        async with open_gateway(twins) as bff:
            own(twins, NOTED)
            bff.store.gone_after = read_count

            answer = await bff.ask(query, token=bff.seal(NOTED))

            assert answer.errors == []
            assert answer.consistency["satisfied"] is True


async def test_after_some_failures_it_is_left_alone() -> None:
    """Not every request pays the timeout: soon reads go live at once, but for a probe."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        bff.store.is_gone = True
        for _ in range(UNTIL_IT_IS_LEFT_ALONE):
            await bff.ask(READ)
        asked_before = bff.store.asked_count

        answers = [await bff.ask(READ) for _ in range(3)]

        assert bff.store.asked_count == asked_before
        assert {answer.origin("order") for answer in answers} == {WHOLE_ANSWER}


async def test_it_is_used_again_when_it_is_back() -> None:
    """A moment later one read tries it, and if it answers, all do."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        bff.store.is_gone = True
        for _ in range(UNTIL_IT_IS_LEFT_ALONE + 1):
            await bff.ask(READ)
        bff.store.is_gone = False

        await pass_time(BREAK_S)
        answers = [await bff.ask(READ) for _ in range(2)]

        assert {answer.origin("order") for answer in answers} == {("PROJECTION", "DEFAULT")}


async def test_losing_and_finding_it_is_told_once_each() -> None:
    """An operator sees two lines, not one for each request."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        with capture_logs() as lines:
            bff.store.is_gone = True
            await bff.ask(READ)
            await bff.ask(READ)
            bff.store.is_gone = False
            await bff.ask(READ)
            await bff.ask(READ)

    told = [line["now"] for line in lines if line["event"] == "projection_reach_changed"]
    assert told == ["lost", "found"]


async def test_a_cancelled_read_is_no_failure_of_the_store() -> None:
    """Clients that leave do not make others go live."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        bff.store.is_gone = True
        for _ in range(UNTIL_IT_IS_LEFT_ALONE):
            leaving = asyncio.ensure_future(bff.ask(READ))
            await pass_time(TIMEOUT_S / 2)
            leaving.cancel()
            await asyncio.wait([leaving])
        bff.store.is_gone = False

        answer = await bff.ask(READ)

        assert answer.origin("order") == ("PROJECTION", "DEFAULT")

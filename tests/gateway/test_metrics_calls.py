"""What is counted of calls to services, and what is told of the projection."""

import asyncio
import math

import httpx
import pytest

from gateway.garbage import Collected
from projections.positions import Partition, SourcePosition
from projections.store import EventBatch
from tests.builders.applying import apply_next
from tests.faults.misbehaviour import answering, hanging, misbehave, misbehaving, slow_down
from tests.gateway.front_door import A_QUERY, open_door
from tests.gateway.metered import LIVE, scrape
from tests.gateway_in_process import open_gateway, twins_of
from tests.projection_by_hand import ProjectionByHand, wall_clock_s
from tests.resolvers.rows import SHOP

pytestmark = pytest.mark.steered_time

ATTEMPTS = "bff_upstream_attempts_total"
BROKEN = answering(httpx.Response(500))


async def test_an_attempt_is_counted_by_service_kind_and_result() -> None:
    """Kinds that were not called are not shown; those that were, with all their results."""
    async with open_door() as door:
        await door.ask(LIVE)
        shown = await scrape(door.client)

    assert shown.nonzero(ATTEMPTS) == {
        ("read", "answered", "orders"): 1,
        ("readMany", "answered", "customers"): 1,
    }
    assert shown["bff_upstream_attempt_duration_seconds_count", {"service": "orders"}] == 1
    assert shown["bff_circuit_state", {"service": "orders", "state": "closed"}] == 1
    assert shown["bff_circuit_state", {"service": "orders", "state": "open"}] == 0


async def test_a_call_made_again_is_an_attempt_and_a_retry() -> None:
    """A service that fails is asked three times, and called for nothing once its circuit opens."""
    async with open_door(stale_if_error_s=0, live_fresh_ms=0) as door:
        misbehave(door.twins, "orders", BROKEN)
        await door.ask(A_QUERY)
        first = await scrape(door.client)
        for _ in range(20):
            await door.ask(A_QUERY)
        last = await scrape(door.client)

    assert first.nonzero(ATTEMPTS) == {("read", "unavailable", "orders"): 3}
    assert first.nonzero("bff_upstream_retries_total") == {("read", "orders"): 2}
    assert last["bff_circuit_state", {"service": "orders", "state": "open"}] == 1
    assert last["bff_upstream_calls_refused_total", {"reason": "circuit_open"}] > 0
    assert last["bff_upstream_calls_refused_total", {"reason": "bulkhead_full"}] == 0


async def test_how_long_an_attempt_took_is_time_of_the_loop() -> None:
    """An attempt that had its whole second, and one that was called off with its client."""
    async with open_door(retries=0, hedge=False) as door:
        misbehave(door.twins, "orders", hanging)
        await door.ask(A_QUERY)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await door.ask('{ order(id: "o-2") { id } }')
        shown = await scrape(door.client)

    took = "bff_upstream_attempt_duration_seconds"
    assert shown.nonzero(ATTEMPTS) == {
        ("read", "timeout", "orders"): 1,
        ("read", "called_off", "orders"): 1,
    }
    assert shown[f"{took}_sum", {}] == pytest.approx(1.5)
    assert shown[f"{took}_bucket", {"le": "0.5"}] == 1
    assert shown[f"{took}_bucket", {"le": "1.0"}] == 2


async def test_a_late_read_asked_twice_is_a_hedge() -> None:
    """The second call is counted, and the first one as called off."""
    async with open_door(live_fresh_ms=0) as door:
        for _ in range(30):
            await door.ask(A_QUERY)
        with misbehaving(door.twins, "orders", hanging):
            async with asyncio.TaskGroup() as group:
                group.create_task(door.ask(A_QUERY))
                await asyncio.sleep(0.5)
        shown = await scrape(door.client)

    assert shown.nonzero("bff_upstream_hedges_total") == {("read", "orders"): 1}


async def test_what_readers_share_is_counted() -> None:
    """Of three at once two join; who comes a moment later is told what was kept."""
    async with open_door() as door:
        slow_down(door.twins, "orders", 0.1)
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(door.ask(A_QUERY))
        await door.ask(A_QUERY)
        shown = await scrape(door.client)

    assert shown.nonzero("bff_shared_reads_total") == {
        ("joined", "orders"): 2,
        ("kept", "orders"): 1,
    }


async def test_guesses_are_shown() -> None:
    """Whoever was asked ahead is counted, with what that came to."""
    async with open_door(live_fresh_ms=0) as door:
        await door.ask(LIVE)
        await door.ask(LIVE)
        shown = await scrape(door.client)

    assert shown.nonzero("bff_guesses_total") == {("guessed",): 1, ("right",): 1}


async def test_a_source_that_was_never_proven_is_infinitely_old() -> None:
    """An alert on its age need not know that it has not begun."""
    async with open_door(events="feed") as door:
        before = await scrape(door.client)
        await ProjectionByHand(door.gateway.store).prove()
        await asyncio.sleep(1.5)
        after = await scrape(door.client)

    orders = {"source": "orders"}
    assert before["bff_projection_age_seconds", orders] == math.inf
    assert before["bff_projection_caught_up", orders] == 0
    assert after["bff_projection_age_seconds", orders] == pytest.approx(1.5)
    assert after["bff_projection_staleness_budget_seconds", orders] == 2.5
    assert after["bff_projection_caught_up", orders] == 1
    assert math.isnan(after["bff_projection_remaining_events", orders])


async def test_a_source_that_is_behind_tells_how_far() -> None:
    """Where a source knows how many events are left, so does the page."""
    async with open_door(events="feed") as door:
        position = SourcePosition("c", wall_clock_s(), is_caught_up=False, remaining_count=12)
        batch = EventBatch(Partition("orders"), None, (), position)
        await apply_next(door.gateway.store, batch)
        shown = await scrape(door.client)

    assert shown["bff_projection_remaining_events", {"source": "orders"}] == 12
    assert shown["bff_projection_caught_up", {"source": "orders"}] == 0


async def test_a_store_that_does_not_answer_is_told() -> None:
    """The page is there all the same, and claims nothing of what it could not ask."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        well = await scrape(bff._client)
        bff.store.is_gone = True
        ill = await scrape(bff._client)

    assert (well["bff_projection_reachable", {}], well["bff_dead_letters", {}]) == (1, 0)
    assert ill["bff_projection_reachable", {}] == 0
    assert math.isnan(ill["bff_dead_letters", {}])
    assert ill["bff_projection_age_seconds", {"source": "orders"}] == math.inf


async def test_collections_of_garbage_are_shown() -> None:
    """How many there were, what they found, and how long they held everybody up."""
    async with open_door() as door:
        door.gateway.garbage.collected = Collected().after(7, 0.02).after(3, 0.01)
        shown = await scrape(door.client)

    assert shown["bff_garbage_rounds_total", {}] == 2
    assert shown["bff_garbage_objects_total", {}] == 10
    assert shown["bff_garbage_last_pause_seconds", {}] == 0.01
    assert shown["bff_garbage_longest_pause_seconds", {}] == 0.02


async def test_parked_events_are_told() -> None:
    """A dead letter is a number that somebody can be woken by."""
    async with open_gateway(twins_of(*SHOP)) as bff:
        await bff.projection.park(SHOP[0].key)
        shown = await scrape(bff._client)

    assert shown["bff_dead_letters", {}] == 1

"""Five thousand waiters cost the store no more than one: one listener, one look for them all."""

import asyncio
from collections.abc import Mapping

import pytest

from projections.versions import AggregateKey, Version
from projections.waiters import WaitEnd, WaiterOptions, Waiters
from tests.builders.rows import customer_key, customer_row
from tests.projections.waiting import RELYING_ON_NEWS, LossyStore, assert_forgotten, bring, turns

pytestmark = pytest.mark.steered_time

WAITER_COUNT = 5_000
TIMEOUT_S = 5.0
LOOK_BOUND_S = WaiterOptions().longest_look_s

DISTINCT, SHARED = WAITER_COUNT, 10
"""How many aggregates all of them wait for together."""


@pytest.fixture
def store() -> LossyStore:
    return LossyStore()


def unmet_by(n: int, key_count: int) -> Mapping[AggregateKey, Version]:
    return {customer_key(f"c-{n % key_count}"): Version(1, 1)}


def crowd_of(
    group: asyncio.TaskGroup, waiters: Waiters, key_count: int
) -> list[asyncio.Task[WaitEnd]]:
    """Waiters of many sessions, each for one version of one of so many customers."""
    return [
        group.create_task(
            waiters.wait_for(unmet_by(n, key_count), subject=f"s-{n % 100}", timeout_s=TIMEOUT_S)
        )
        for n in range(WAITER_COUNT)
    ]


def now_s() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize("key_count", [DISTINCT, SHARED])
class TestCrowd:
    async def test_crowd_is_one_listener(self, store: LossyStore, key_count: int) -> None:
        """The store announces to the process, however many in it wait."""
        async with Waiters(store, RELYING_ON_NEWS).open() as waiters, asyncio.TaskGroup() as group:
            crowd = crowd_of(group, waiters, key_count)
            await turns()
            waiting_count, listener_count = waiters.waiting_count, len(store.listeners)
            store.announce({customer_key(f"c-{n}"): Version(1, 1) for n in range(key_count)})

        assert (waiting_count, listener_count) == (WAITER_COUNT, 1)
        assert {task.result() for task in crowd} == {WaitEnd.REACHED}
        assert_forgotten(waiters)

    async def test_notice_of_a_loss_is_one_look(self, store: LossyStore, key_count: int) -> None:
        """One question with every aggregate once, and all are released by its answer, at once."""
        async with Waiters(store, RELYING_ON_NEWS).open() as waiters, asyncio.TaskGroup() as group:
            crowd = crowd_of(group, waiters, key_count)
            await turns()
            await bring(store, *(customer_row(f"c-{n}") for n in range(key_count)))
            store.asked.clear()
            told_at_s = now_s()
            store.announce(None)
            await asyncio.wait(crowd)
            took_s = now_s() - told_at_s

        assert store.asked == [key_count]
        assert waiters.look_count == 1
        assert took_s == 0.0
        assert {task.result() for task in crowd} == {WaitEnd.REACHED}

    async def test_crowd_that_hears_nothing_is_released_by_the_next_look(
        self, store: LossyStore, key_count: int
    ) -> None:
        """With every announcement dropped, a wait ends within the longest pause between looks."""
        async with Waiters(store, WaiterOptions()).open() as waiters, asyncio.TaskGroup() as group:
            crowd = crowd_of(group, waiters, key_count)
            await asyncio.sleep(1.0)
            await bring(store, *(customer_row(f"c-{n}") for n in range(key_count)))
            store.asked.clear()
            brought_at_s = now_s()
            await asyncio.wait(crowd)
            took_s = now_s() - brought_at_s

        assert store.asked == [key_count]
        assert took_s <= LOOK_BOUND_S
        assert {task.result() for task in crowd} == {WaitEnd.REACHED}

    async def test_crowd_that_leaves_takes_everything_along(
        self, store: LossyStore, key_count: int
    ) -> None:
        """Cancelled waiters leave no registration, no place taken and no task behind."""
        async with Waiters(store, WaiterOptions()).open() as waiters:
            tasks_before = asyncio.all_tasks()
            async with asyncio.TaskGroup() as group:
                crowd = crowd_of(group, waiters, key_count)
                await asyncio.sleep(0.1)
                count_before = waiters.waiting_count
                for task in crowd:
                    task.cancel()
            looks_then = waiters.look_count
            await asyncio.sleep(60.0)

            assert (count_before, waiters.waiting_count) == (WAITER_COUNT, 0)
            assert_forgotten(waiters)
            assert asyncio.all_tasks() == tasks_before
            assert waiters.look_count == looks_then

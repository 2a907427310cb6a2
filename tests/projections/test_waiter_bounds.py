"""Waiting is bounded, for the process and for each subject: over a bound nobody queues."""

import asyncio

import pytest

from projections.memory_store import MemoryStore
from projections.waiters import WaitEnd, WaiterOptions, Waiters
from tests.builders.rows import customer_row
from tests.projections.waiting import TIMEOUT_S, assert_forgotten, bring, turns, wait

pytestmark = pytest.mark.steered_time

CROWDED = (WaitEnd.CROWDED, 0)
TIMED_OUT = (WaitEnd.TIMED_OUT, TIMEOUT_S)


async def test_process_that_is_full_refuses_at_once() -> None:
    """One waiter more than the process has places falls back without waiting."""
    options = WaiterOptions(process_limit=2)

    async with (
        Waiters(MemoryStore(), options).open() as waiters,
        asyncio.TaskGroup() as group,
    ):
        within = [group.create_task(wait(waiters, subject=s, c_1=2)) for s in ("ada", "bob")]
        await turns()
        over = await wait(waiters, subject="cy", c_1=2)

    assert over == CROWDED
    assert [task.result() for task in within] == [TIMED_OUT, TIMED_OUT]


async def test_subject_that_is_full_leaves_places_to_others() -> None:
    """One client cannot take all places, however often she asks."""
    options = WaiterOptions(process_limit=10, subject_limit=2)

    async with (
        Waiters(MemoryStore(), options).open() as waiters,
        asyncio.TaskGroup() as group,
    ):
        of_ada = [group.create_task(wait(waiters, subject="ada", c_1=2)) for _ in range(2)]
        await turns()
        more_of_ada = await wait(waiters, subject="ada", c_1=2)
        of_bob = await wait(waiters, subject="bob", c_1=2)

    assert more_of_ada == CROWDED
    assert of_bob == TIMED_OUT
    assert [task.result() for task in of_ada] == [TIMED_OUT, TIMED_OUT]


async def test_place_is_free_again_when_its_waiter_has_left() -> None:
    """Released, timed out or cancelled, a waiter leaves its place to the next."""
    store = MemoryStore()

    async with Waiters(store, WaiterOptions(process_limit=1)).open() as waiters:
        timed_out = await wait(waiters, c_1=2)
        async with asyncio.TaskGroup() as group:
            cancelled = group.create_task(wait(waiters, c_1=2))
            await turns()
            cancelled.cancel()
        async with asyncio.TaskGroup() as group:
            released = group.create_task(wait(waiters, c_1=2))
            await turns()
            await bring(store, customer_row(version=2))
        last = await wait(waiters, c_1=3)

        assert timed_out == TIMED_OUT
        assert released.result() == (WaitEnd.REACHED, 0)
        assert last == TIMED_OUT
        assert_forgotten(waiters)


async def test_one_waiter_of_many_versions_takes_one_place() -> None:
    """Requests are bounded, not what each of them waits for."""
    options = WaiterOptions(process_limit=2, subject_limit=2)

    async with (
        Waiters(MemoryStore(), options).open() as waiters,
        asyncio.TaskGroup() as group,
    ):
        many = group.create_task(wait(waiters, c_1=2, c_2=2, c_3=2))
        await turns()
        another = await wait(waiters, c_1=2)

    assert many.result() == TIMED_OUT
    assert another == TIMED_OUT

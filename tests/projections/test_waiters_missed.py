"""Announcements can be lost on their way: the store says so, and waiters look for themselves."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

import pytest

from projections.errors import StoreUnavailable
from projections.memory_store import MemoryStore
from projections.store import Listener
from projections.versions import AggregateKey, Version
from projections.waiters import WaiterOptions, Waiters
from tests.builders.rows import customer_key, customer_row
from tests.projections.waiting import SUBJECT, TIMEOUT_S, assert_forgotten, bring, turns, wait

pytestmark = pytest.mark.steered_time


class LossyStore(MemoryStore):
    """Announces nothing. ``admit_loss`` tells its listeners that something may be missing."""

    is_gone = False
    asked_count = 0

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        self.admit_loss: Callable[[], None] = lambda: listener(None)
        yield

    async def versions(self, keys: Iterable[AggregateKey]) -> Mapping[AggregateKey, Version]:
        self.asked_count += 1
        if self.is_gone:
            raise StoreUnavailable("gone")
        return await super().versions(keys)


async def wait_for_first(waiters: Waiters, customer_id: str) -> bool:
    """Wait for the first version of a customer."""
    unmet = {customer_key(customer_id): Version(1, 1)}
    return await waiters.wait_for(unmet, subject=SUBJECT, timeout_s=TIMEOUT_S)


async def test_waiter_is_released_when_a_loss_is_admitted() -> None:
    """A lost announcement costs the time until the store admits it, and no more."""
    store = LossyStore()
    async with Waiters(store, WaiterOptions()).open() as waiters, asyncio.TaskGroup() as group:
        waiting = group.create_task(wait(waiters, c_1=2))
        await turns()
        await bring(store, customer_row(version=2))
        await asyncio.sleep(0.1)
        store.admit_loss()

    assert waiting.result() == (True, 0.1)


async def test_loss_that_is_not_admitted_costs_the_whole_wait() -> None:
    """The control: nobody polls."""
    store = LossyStore()
    async with Waiters(store, WaiterOptions()).open() as waiters, asyncio.TaskGroup() as group:
        waiting = group.create_task(wait(waiters, c_1=2))
        await turns()
        await bring(store, customer_row(version=2))

    assert waiting.result() == (False, TIMEOUT_S)


async def test_one_read_looks_for_all() -> None:
    """A hundred waiters are one question to the store."""
    store = LossyStore()
    async with Waiters(store, WaiterOptions()).open() as waiters, asyncio.TaskGroup() as group:
        waiting = [group.create_task(wait_for_first(waiters, f"c-{n}")) for n in range(100)]
        await turns()
        await bring(store, *(customer_row(f"c-{n}") for n in range(100)))
        asked_before = store.asked_count
        store.admit_loss()
        await turns()
        asked = store.asked_count - asked_before

    assert asked == 1
    assert all(task.result() for task in waiting)


async def test_nobody_waiting_is_no_question() -> None:
    """A loss is nothing to who waits for nothing."""
    store = LossyStore()
    async with Waiters(store, WaiterOptions()).open():
        store.admit_loss()
        await turns()

    assert store.asked_count == 0


async def test_store_that_cannot_be_asked_ends_the_wait() -> None:
    """Whoever waits for a store that is gone is told so at once, to go live."""
    store = LossyStore()
    store.is_gone = True
    async with Waiters(store, WaiterOptions()).open() as waiters:
        answer = await wait(waiters, c_1=2)

    assert answer == (False, 0)
    assert_forgotten(waiters)


async def test_store_that_is_gone_when_a_loss_is_admitted_is_asked_the_next_time() -> None:
    """Looking in vain ends nobody's wait, and does not end the looking."""
    store = LossyStore()
    async with Waiters(store, WaiterOptions()).open() as waiters, asyncio.TaskGroup() as group:
        waiting = group.create_task(wait(waiters, c_1=2))
        await turns()
        await bring(store, customer_row(version=2))
        store.is_gone = True
        store.admit_loss()
        await asyncio.sleep(0.1)
        store.is_gone = False
        store.admit_loss()

    assert waiting.result() == (True, 0.1)

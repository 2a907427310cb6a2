"""Announcements can be lost on their way: one look is taken for all, when the store says so."""

import asyncio

import pytest

from projections.versions import Version
from projections.waiters import WaitEnd, Waiters
from tests.builders.rows import customer_key, customer_row
from tests.projections.waiting import (
    RELYING_ON_NEWS,
    SUBJECT,
    TIMEOUT_S,
    LossyStore,
    assert_forgotten,
    bring,
    turns,
    wait,
)

pytestmark = pytest.mark.steered_time

REACHED = WaitEnd.REACHED


async def wait_for_first(waiters: Waiters, customer_id: str) -> WaitEnd:
    """Wait for the first version of a customer."""
    unmet = {customer_key(customer_id): Version(1, 1)}
    return await waiters.wait_for(unmet, subject=SUBJECT, timeout_s=TIMEOUT_S)


async def test_waiter_is_released_when_a_loss_is_admitted() -> None:
    """A lost announcement costs the time until the store admits it, and no more."""
    store = LossyStore()
    async with Waiters(store, RELYING_ON_NEWS).open() as waiters, asyncio.TaskGroup() as group:
        waiting = group.create_task(wait(waiters, c_1=2))
        await turns()
        await bring(store, customer_row(version=2))
        await asyncio.sleep(0.1)
        store.announce(None)

    assert waiting.result() == (REACHED, 0.1)


async def test_loss_that_nobody_admits_or_looks_for_costs_the_whole_wait() -> None:
    """The control: it is the admission that releases above."""
    store = LossyStore()
    async with Waiters(store, RELYING_ON_NEWS).open() as waiters, asyncio.TaskGroup() as group:
        waiting = group.create_task(wait(waiters, c_1=2))
        await turns()
        await bring(store, customer_row(version=2))

    assert waiting.result() == (WaitEnd.TIMED_OUT, TIMEOUT_S)


async def test_one_read_looks_for_all() -> None:
    """A hundred waiters are one question to the store."""
    store = LossyStore()
    async with Waiters(store, RELYING_ON_NEWS).open() as waiters, asyncio.TaskGroup() as group:
        waiting = [group.create_task(wait_for_first(waiters, f"c-{n}")) for n in range(100)]
        await turns()
        await bring(store, *(customer_row(f"c-{n}") for n in range(100)))
        store.asked.clear()
        store.announce(None)
        await turns()
        asked, look_count = list(store.asked), waiters.look_count

    assert (asked, look_count) == ([100], 1)
    assert {task.result() for task in waiting} == {REACHED}


async def test_nobody_waiting_is_no_question() -> None:
    """A loss is nothing to who waits for nothing, nor to who comes after it."""
    store = LossyStore()
    async with Waiters(store, RELYING_ON_NEWS).open() as waiters:
        store.announce(None)
        await turns()
        asked = list(store.asked)
        await wait(waiters, c_1=2)

    assert (asked, store.asked) == ([], [1])


async def test_store_that_cannot_be_asked_ends_the_wait() -> None:
    """Whoever waits for a store that is gone is told so at once, to go live."""
    store = LossyStore()
    store.is_gone = True
    async with Waiters(store, RELYING_ON_NEWS).open() as waiters:
        answer = await wait(waiters, c_1=2)

    assert answer == (WaitEnd.STORE_LOST, 0)
    assert_forgotten(waiters)


async def test_store_that_is_gone_when_a_loss_is_admitted_is_asked_the_next_time() -> None:
    """Looking in vain ends nobody's wait, and does not end the looking."""
    store = LossyStore()
    async with Waiters(store, RELYING_ON_NEWS).open() as waiters, asyncio.TaskGroup() as group:
        waiting = group.create_task(wait(waiters, c_1=2))
        await turns()
        await bring(store, customer_row(version=2))
        store.is_gone = True
        store.announce(None)
        await asyncio.sleep(0.1)
        store.is_gone = False
        store.announce(None)

    assert waiting.result() == (REACHED, 0.1)

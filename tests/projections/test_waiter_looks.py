"""No wait depends on announcements alone: one look for all is taken now and then."""

import asyncio
from collections.abc import Iterable, Mapping

import pytest

from projections.versions import AggregateKey, Version
from projections.waiters import WaitEnd, WaiterOptions, Waiters
from tests.builders.rows import customer_row
from tests.projections.waiting import (
    KEY,
    SUBJECT,
    LossyStore,
    bring,
    let_pauses_be_longest,
    now_s,
    turns,
    wait,
)

pytestmark = pytest.mark.steered_time

OPTIONS = WaiterOptions()
UNMET = {KEY: Version(1, 2)}


class NotingStore(LossyStore):
    """Notes when it was asked for versions (s since it was made)."""

    def __init__(self) -> None:
        super().__init__()
        self._made_at_s = now_s()
        self.asked_at_s: list[float] = []

    async def versions(self, keys: Iterable[AggregateKey]) -> Mapping[AggregateKey, Version]:
        self.asked_at_s.append(round(now_s() - self._made_at_s, 6))
        return await super().versions(keys)


async def test_each_pause_between_looks_is_twice_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """25 ms, 50, 100, then 200 each time: what comes mostly comes soon."""
    let_pauses_be_longest(monkeypatch)
    store = NotingStore()

    async with Waiters(store, OPTIONS).open() as waiters:
        end = await waiters.wait_for(UNMET, subject=SUBJECT, timeout_s=0.7)

    assert end is WaitEnd.TIMED_OUT
    assert store.asked_at_s == [0.0, 0.025, 0.075, 0.175, 0.375, 0.575]


async def test_pauses_are_shortened_at_random() -> None:
    """By a half at most, so that many processes do not look at once, and none looks too often."""
    store = NotingStore()
    async with Waiters(store, OPTIONS).open() as waiters:
        await waiters.wait_for(UNMET, subject=SUBJECT, timeout_s=10.0)

    pauses_s = [
        later - earlier
        for earlier, later in zip(store.asked_at_s[4:], store.asked_at_s[5:], strict=False)
    ]
    assert all(0.1 - 1e-5 <= pause_s <= 0.2 + 1e-5 for pause_s in pauses_s)
    assert len(set(pauses_s)) > 1


@pytest.mark.parametrize("later_s", [0.001, 0.03, 0.1, 0.5, 3.1])
async def test_version_that_nobody_announces_is_found_within_the_longest_pause(
    later_s: float,
) -> None:
    """However long the wait has lasted when it comes."""
    store = LossyStore()
    async with Waiters(store, OPTIONS).open() as waiters, asyncio.TaskGroup() as group:
        waiting = group.create_task(waiters.wait_for(UNMET, subject=SUBJECT, timeout_s=10.0))
        await asyncio.sleep(later_s)
        await bring(store, customer_row(version=2))
        brought_at_s = now_s()
        await asyncio.wait([waiting])
        took_s = now_s() - brought_at_s

    assert waiting.result() is WaitEnd.REACHED
    assert took_s <= OPTIONS.longest_look_s


async def test_who_comes_to_others_is_looked_for_as_soon() -> None:
    """One look is for all, those included that came during its pause."""
    store = LossyStore()
    async with Waiters(store, OPTIONS).open() as waiters, asyncio.TaskGroup() as group:
        group.create_task(waiters.wait_for({KEY: Version(1, 99)}, subject=SUBJECT, timeout_s=5.0))
        await asyncio.sleep(2.0)
        waiting = group.create_task(wait(waiters, c_2=2))
        await turns()
        await bring(store, customer_row("c-2", version=2))
        end, took_s = await waiting

    assert end is WaitEnd.REACHED
    assert took_s <= OPTIONS.longest_look_s


async def test_nobody_is_looked_for_when_nobody_waits() -> None:
    """Before the first wait, between waits and after the last one the store is left alone."""
    store = LossyStore()
    async with Waiters(store, OPTIONS).open() as waiters:
        await asyncio.sleep(60.0)
        asked_before = list(store.asked)
        await wait(waiters, c_1=2)
        looks_at_end = waiters.look_count
        await asyncio.sleep(60.0)

    assert asked_before == []
    assert waiters.look_count == looks_at_end > 0


async def test_pauses_begin_anew_for_who_comes_after_all_have_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A wait that begins alone is looked for after the first pause, whatever there was before."""
    let_pauses_be_longest(monkeypatch)
    store = NotingStore()
    async with Waiters(store, OPTIONS).open() as waiters:
        await waiters.wait_for(UNMET, subject=SUBJECT, timeout_s=3.0)
        await asyncio.sleep(1.0)
        store.asked_at_s.clear()
        await waiters.wait_for(UNMET, subject=SUBJECT, timeout_s=0.05)

    assert store.asked_at_s == [4.0, 4.025]


async def test_news_that_release_all_leave_nothing_to_look_for() -> None:
    """The control: where announcements come, a wait costs its own check and no look."""
    store = LossyStore()
    async with Waiters(store, OPTIONS).open() as waiters, asyncio.TaskGroup() as group:
        waiting = group.create_task(wait(waiters, c_1=2))
        await asyncio.sleep(0.01)
        store.announce(UNMET)
        await asyncio.wait([waiting])
        await asyncio.sleep(1.0)

    assert waiting.result() == (WaitEnd.REACHED, 0.01)
    assert (waiters.look_count, store.asked) == (0, [1])


async def test_store_that_fails_a_look_is_looked_into_again() -> None:
    """It ends nobody's wait; the next look finds what has come meanwhile."""
    store = LossyStore()
    async with Waiters(store, OPTIONS).open() as waiters, asyncio.TaskGroup() as group:
        waiting = group.create_task(waiters.wait_for(UNMET, subject=SUBJECT, timeout_s=10.0))
        await turns()
        store.is_gone = True
        await bring(store, customer_row(version=2))
        await asyncio.sleep(1.0)
        is_released_early = waiting.done()
        store.is_gone = False

    assert not is_released_early
    assert waiting.result() is WaitEnd.REACHED

"""A version that comes in the moment somebody begins to wait for it is not missed."""

import asyncio
from collections.abc import Iterable, Mapping

import pytest

from projections.memory_store import MemoryStore
from projections.store import Announcement
from projections.versions import AggregateKey, Version
from projections.views import Row
from projections.waiters import WaitEnd, Waiters
from tests.builders.rows import customer_row
from tests.projections.waiting import RELYING_ON_NEWS, TIMEOUT_S, bring, wait

pytestmark = pytest.mark.steered_time


class RacingStore(MemoryStore):
    """A store into which the version comes while somebody is looking for it."""

    def __init__(self, arriving: Row, *, is_seen_by_the_check: bool) -> None:
        super().__init__()
        self._arriving = arriving
        self._is_seen_by_the_check = is_seen_by_the_check

    async def versions(self, keys: Iterable[AggregateKey]) -> Mapping[AggregateKey, Version]:
        found = await super().versions(keys)
        await bring(self, self._arriving)
        await asyncio.sleep(0)
        return await super().versions(keys) if self._is_seen_by_the_check else found


class DeafWaiters(Waiters):
    """The control: it hears no announcement."""

    def _hear(self, announcement: Announcement) -> None: ...


class BlindStore(MemoryStore):
    """The control: whoever checks sees nothing."""

    async def versions(self, keys: Iterable[AggregateKey]) -> Mapping[AggregateKey, Version]:
        del keys
        return {}


class TestLostWakeUp:
    async def test_version_that_came_before_registration_is_found(self) -> None:
        """Between the reader's own look and its registration no version is lost."""
        store, blind = MemoryStore(), BlindStore()
        for each in (store, blind):
            await bring(each, customer_row(version=2))

        async with Waiters(store, RELYING_ON_NEWS).open() as waiters:
            outcome = await wait(waiters, c_1=2)
        async with Waiters(blind, RELYING_ON_NEWS).open() as waiters:
            control = await wait(waiters, c_1=2)

        assert outcome == (WaitEnd.REACHED, 0)
        assert control == (WaitEnd.TIMED_OUT, TIMEOUT_S)

    async def test_version_that_comes_during_the_check_is_heard(self) -> None:
        """A check that has already looked away does not miss what comes: it is registered."""
        arriving = customer_row(version=2)
        store = RacingStore(arriving, is_seen_by_the_check=False)
        control_store = RacingStore(arriving, is_seen_by_the_check=False)

        async with Waiters(store, RELYING_ON_NEWS).open() as waiters:
            outcome = await wait(waiters, c_1=2)
        async with DeafWaiters(control_store, RELYING_ON_NEWS).open() as waiters:
            control = await wait(waiters, c_1=2)

        assert outcome == (WaitEnd.REACHED, 0)
        assert control == (WaitEnd.TIMED_OUT, TIMEOUT_S)

    async def test_version_that_is_both_heard_and_seen_is_one_release(self) -> None:
        """Announcement and check may meet in the same moment."""
        store = RacingStore(customer_row(version=2), is_seen_by_the_check=True)

        async with Waiters(store, RELYING_ON_NEWS).open() as waiters:
            assert await wait(waiters, c_1=2) == (WaitEnd.REACHED, 0)
            assert waiters.waiting_count == 0

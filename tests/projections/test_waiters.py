"""Waiting for versions: woken by the announcement, bounded, and gone without a trace."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping

import pytest

from projections.memory_store import MemoryStore
from projections.versions import AggregateKey, Version
from projections.views import Row
from projections.waiters import WaitEnd, WaiterOptions, Waiters
from tests.builders.applying import apply_next
from tests.builders.rows import batch, customer_row, order_key, order_row, poison, tombstone
from tests.projections.waiting import (
    KEY,
    RELYING_ON_NEWS,
    SUBJECT,
    TIMEOUT_S,
    assert_forgotten,
    bring,
    now_s,
    turns,
    wait,
)

pytestmark = pytest.mark.steered_time


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
async def waiters(store: MemoryStore) -> AsyncIterator[Waiters]:
    async with Waiters(store, RELYING_ON_NEWS).open() as waiters:
        yield waiters


class TestRelease:
    async def test_waiter_is_released_by_the_announcement(
        self, store: MemoryStore, waiters: Waiters
    ) -> None:
        """The version that comes is the moment of release, with nobody looking for it."""
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(wait(waiters, c_1=2))
            await asyncio.sleep(0.1)
            await bring(store, customer_row(version=2))

        assert waiting.result() == (WaitEnd.REACHED, 0.1)

    async def test_version_that_is_there_is_not_waited_for(
        self, store: MemoryStore, waiters: Waiters
    ) -> None:
        """What the store has already reached costs no time."""
        await bring(store, customer_row(version=2))

        assert await wait(waiters, c_1=2) == (WaitEnd.REACHED, 0)

    @pytest.mark.parametrize("newer", [customer_row(version=9), customer_row(version=1, epoch=2)])
    async def test_newer_version_releases(
        self, store: MemoryStore, waiters: Waiters, newer: Row
    ) -> None:
        """A state beyond the one waited for is as good; a higher epoch is beyond any number."""
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(wait(waiters, c_1=2))
            await turns()
            await bring(store, newer)

        assert waiting.result() == (WaitEnd.REACHED, 0)

    async def test_older_version_does_not_release(
        self, store: MemoryStore, waiters: Waiters
    ) -> None:
        """An announcement of something, but not of enough, is waited past."""
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(wait(waiters, c_1=3))
            await turns()
            await bring(store, customer_row(version=2), customer_row("c-2", version=9))

        assert waiting.result() == (WaitEnd.TIMED_OUT, TIMEOUT_S)

    async def test_deletion_releases(self, store: MemoryStore, waiters: Waiters) -> None:
        """Who waits for the version of a deletion sees it come."""
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(wait(waiters, c_1=2))
            await turns()
            await apply_next(store, batch(tombstone(KEY, 2)))

        assert waiting.result() == (WaitEnd.REACHED, 0)

    async def test_healed_row_releases(self, store: MemoryStore, waiters: Waiters) -> None:
        """One reader's live answer is enough for all who wait for it."""
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(wait(waiters, c_1=2))
            await turns()
            await store.heal([customer_row(version=2)])

        assert waiting.result() == (WaitEnd.REACHED, 0)

    async def test_parked_version_releases(self, store: MemoryStore, waiters: Waiters) -> None:
        """A version that was set aside will not come: whoever waits for it is to look now."""
        await bring(store, customer_row(version=1))

        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(wait(waiters, c_1=2))
            await asyncio.sleep(0.1)
            await apply_next(store, batch(poison(KEY)))

        assert waiting.result() == (WaitEnd.REACHED, 0.1)

    async def test_every_waiter_of_a_version_is_released(
        self, store: MemoryStore, waiters: Waiters
    ) -> None:
        """One announcement wakes all who wait for it."""
        async with asyncio.TaskGroup() as group:
            waiting = [group.create_task(wait(waiters, c_1=2)) for _ in range(50)]
            await turns()
            await bring(store, customer_row(version=2))

        assert {task.result() for task in waiting} == {(WaitEnd.REACHED, 0)}


class TestManyVersions:
    async def test_waiter_of_many_versions_waits_for_the_last(
        self, store: MemoryStore, waiters: Waiters
    ) -> None:
        """All demanded versions have to be there, whenever each of them comes."""
        await bring(store, customer_row("c-1", version=2))

        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(wait(waiters, c_1=2, c_2=3, c_3=1))
            await asyncio.sleep(0.1)
            await bring(store, customer_row("c-3"))
            await asyncio.sleep(0.1)
            is_released_early = waiting.done()
            await bring(store, customer_row("c-2", version=3))

        assert not is_released_early
        assert waiting.result() == (WaitEnd.REACHED, 0.2)

    async def test_one_missing_version_is_missed_by_all(
        self, store: MemoryStore, waiters: Waiters
    ) -> None:
        """Most of what was demanded is not what was demanded."""
        await bring(store, customer_row("c-1", version=2))

        assert await wait(waiters, c_1=2, c_2=3) == (WaitEnd.TIMED_OUT, TIMEOUT_S)

    async def test_versions_of_one_batch_release_together(
        self, store: MemoryStore, waiters: Waiters
    ) -> None:
        """What is written in one step is there in one step."""
        wanted = {order_key(): Version(1, 1), KEY: Version(1, 1)}

        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(
                waiters.wait_for(wanted, subject=SUBJECT, timeout_s=TIMEOUT_S)
            )
            await turns()
            await bring(store, order_row(), customer_row())
            await turns()
            is_released = waiting.done()

        assert is_released
        assert waiting.result() is WaitEnd.REACHED

    async def test_nothing_to_wait_for_is_reached(self, waiters: Waiters) -> None:
        """An empty demand is met at once."""
        end = await waiters.wait_for({}, subject=SUBJECT, timeout_s=TIMEOUT_S)

        assert end is WaitEnd.REACHED


class TestLeaving:
    async def test_wait_ends_at_its_timeout(self, waiters: Waiters) -> None:
        """A version that does not come costs its timeout and no moment more."""
        assert await wait(waiters, c_1=2) == (WaitEnd.TIMED_OUT, TIMEOUT_S)
        assert waiters.waiting_count == 0

    @pytest.mark.parametrize("timeout_s", [0.0, -1.0])
    async def test_no_time_left_is_no_wait(self, waiters: Waiters, timeout_s: float) -> None:
        """Who has no time gets his answer at once."""
        started_at_s = now_s()

        end = await waiters.wait_for({KEY: Version(1, 2)}, subject=SUBJECT, timeout_s=timeout_s)

        assert (end, now_s()) == (WaitEnd.NO_TIME, started_at_s)

    async def test_waiter_that_is_cancelled_leaves_nothing(
        self, store: MemoryStore, waiters: Waiters
    ) -> None:
        """A client that goes away takes all its registrations along; the others stay."""
        async with asyncio.TaskGroup() as group:
            leaving = group.create_task(wait(waiters, c_1=2, c_2=2))
            staying = group.create_task(wait(waiters, c_1=2))
            await turns()
            count_before = waiters.waiting_count
            leaving.cancel()
            await turns()
            count_after = waiters.waiting_count
            await bring(store, customer_row(version=2))

        assert (count_before, count_after) == (2, 1)
        assert leaving.cancelled()
        assert staying.result() == (WaitEnd.REACHED, 0)
        assert_forgotten(waiters)

    async def test_announcement_for_who_is_just_leaving_is_nothing(
        self, store: MemoryStore, waiters: Waiters
    ) -> None:
        """Between a cancellation and its waiter's last turn the store goes on as ever."""
        async with asyncio.TaskGroup() as group:
            leaving = group.create_task(wait(waiters, c_1=2))
            staying = group.create_task(wait(waiters, c_1=2))
            await turns()
            leaving.cancel()
            await bring(store, customer_row(version=2))

        assert leaving.cancelled()
        assert staying.result() == (WaitEnd.REACHED, 0)

    async def test_failing_check_leaves_nothing(self) -> None:
        """A store that cannot be asked ends the wait with its error."""

        class BrokenStore(MemoryStore):
            async def versions(
                self, keys: Iterable[AggregateKey]
            ) -> Mapping[AggregateKey, Version]:
                raise OSError(f"gone, with {list(keys)}")

        async with Waiters(BrokenStore(), WaiterOptions()).open() as waiters:
            with pytest.raises(OSError, match="gone"):
                await wait(waiters, c_1=2)

            assert_forgotten(waiters)

    async def test_after_closing_nobody_listens(self, store: MemoryStore) -> None:
        """Closed waiters are no burden to the store."""
        async with Waiters(store, RELYING_ON_NEWS).open() as waiters:
            pass

        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(wait(waiters, c_1=2))
            await turns()
            await bring(store, customer_row(version=2))

        assert waiting.result() == (WaitEnd.TIMED_OUT, TIMEOUT_S)

"""The contract of a projection store: live answers written back, and rows not to be trusted."""

from itertools import permutations

import pytest

from projections.events import PoisonEvent
from projections.projector import Parked, StoredRow
from projections.versions import Version
from projections.views import CustomerRow
from tests.builders.rows import (
    batch,
    change,
    customer_key,
    customer_row,
    order_key,
    order_row,
    poison,
    position,
    tombstone,
)
from tests.contracts.store_implementations import HEALED_AT_S, StoreUnderTest

KEY = customer_key()


def ahead(row: CustomerRow) -> StoredRow:
    return StoredRow(row, row.at, is_streamed=False, healed_at_s=HEALED_AT_S)


def streamed(row: CustomerRow) -> StoredRow:
    return StoredRow(row, row.at, is_streamed=True, healed_at_s=None)


class TestHealing:
    @pytest.mark.parametrize("known_version", [None, 1])
    async def test_live_answer_is_ahead_of_the_stream(
        self, under_test: StoreUnderTest, known_version: int | None
    ) -> None:
        """A row that only a live answer has shown says so, and since when."""
        if known_version is not None:
            await under_test.apply(batch(change(customer_row(version=known_version))))

        await under_test.store.heal([customer_row(version=2)])

        assert await under_test.row(KEY) == ahead(customer_row(version=2))

    @pytest.mark.parametrize("version", [1, 2])
    async def test_live_answer_that_is_not_newer_changes_nothing(
        self, under_test: StoreUnderTest, version: int
    ) -> None:
        """A lagging replica undoes nothing, and what the stream has proved stays proved."""
        await under_test.apply(batch(change(customer_row(version=2, name="Present"))))

        await under_test.store.heal([customer_row(version=version, name="Late")])

        assert await under_test.row(KEY) == streamed(customer_row(version=2, name="Present"))

    async def test_epoch_dominates_in_live_answers_too(self, under_test: StoreUnderTest) -> None:
        """An answer from the lost world does not outdo the new one."""
        await under_test.apply(batch(change(customer_row(version=2, epoch=2))))

        await under_test.store.heal([customer_row(version=9, epoch=1)])

        assert await under_test.row(KEY) == streamed(customer_row(version=2, epoch=2))

    async def test_older_event_never_undoes_a_healed_row(self, under_test: StoreUnderTest) -> None:
        """Until the stream gets there, it has nothing to say."""
        await under_test.store.heal([customer_row(version=3)])

        await under_test.apply(
            batch(change(customer_row(version=1)), change(customer_row(version=2)))
        )

        assert await under_test.row(KEY) == ahead(customer_row(version=3))

    @pytest.mark.parametrize("version", [3, 4])
    async def test_stream_that_passes_a_healed_row_takes_it_over(
        self, under_test: StoreUnderTest, version: int
    ) -> None:
        """Reached or passed by the stream, the row is one of the stream again."""
        await under_test.store.heal([customer_row(version=3)])

        await under_test.apply(batch(change(customer_row(version=version))))

        assert await under_test.row(KEY) == streamed(customer_row(version=version))

    async def test_tombstone_is_not_healed_by_an_older_answer(
        self, under_test: StoreUnderTest
    ) -> None:
        """What was deleted does not come back from a replica that has not heard of it."""
        await under_test.apply(batch(tombstone(KEY, 3)))

        await under_test.store.heal([customer_row(version=2)])

        assert await under_test.row(KEY) == StoredRow(None, Version(1, 3))

    @pytest.mark.parametrize("versions", list(permutations([1, 2, 3])))
    async def test_newest_of_several_answers_stays(
        self, under_test: StoreUnderTest, versions: tuple[int, ...]
    ) -> None:
        """One aggregate read twice in an operation is healed to the newer state, in any order."""
        await under_test.store.heal([customer_row(version=version) for version in versions])

        assert await under_test.row(KEY) == ahead(customer_row(version=3))

    async def test_healing_moves_no_position(self, under_test: StoreUnderTest) -> None:
        """A live answer proves nothing about the stream."""
        reached = position("log-7")
        await under_test.apply(batch(at=reached))

        await under_test.store.heal([order_row(), customer_row()])

        assert (await under_test.cut(KEY)).positions == {"orders": reached}


class TestSuspects:
    async def test_parked_event_makes_its_aggregate_suspect(
        self, under_test: StoreUnderTest
    ) -> None:
        """Whose newest state could not be read is marked; the row before it stays, as do others."""
        await under_test.apply(batch(change(customer_row(version=1)), change(order_row())))

        [verdict] = await under_test.apply(batch(poison(KEY, 2)))

        assert isinstance(verdict, Parked)
        assert (verdict.key, verdict.reason) == (KEY, "data: not for us")
        assert await under_test.is_suspect(KEY)
        assert await under_test.row(KEY) == streamed(customer_row(version=1))
        assert not await under_test.is_suspect(order_key())

    async def test_aggregate_never_seen_can_be_suspect(self, under_test: StoreUnderTest) -> None:
        """A first event that cannot be read leaves a mark without a row."""
        await under_test.apply(batch(poison(KEY, 1)))

        assert await under_test.is_suspect(KEY)
        assert await under_test.row(KEY) is None

    async def test_poison_does_not_stop_the_rest_of_its_batch(
        self, under_test: StoreUnderTest
    ) -> None:
        """The aggregate is parked, not the source."""
        await under_test.apply(batch(poison(KEY, 1), change(order_row()), at=position("log-2")))

        cut = await under_test.cut(order_key())
        assert cut.version_of(order_key()) == Version(1, 1)
        assert cut.positions["orders"].cursor == "log-2"

    @pytest.mark.parametrize("version", [2, None], ids=["version told", "version not told"])
    async def test_newer_change_clears_the_mark(
        self, under_test: StoreUnderTest, version: int | None
    ) -> None:
        """The next full state makes good for the one that was lost."""
        await under_test.apply(batch(change(customer_row(version=1)), poison(KEY, version)))

        await under_test.apply(batch(change(customer_row(version=3))))

        assert not await under_test.is_suspect(KEY)

    @pytest.mark.parametrize("version", [2, None], ids=["version told", "version not told"])
    async def test_newer_live_answer_clears_the_mark(
        self, under_test: StoreUnderTest, version: int | None
    ) -> None:
        """A live answer as new as the lost event is as good as the event."""
        await under_test.apply(batch(change(customer_row(version=1)), poison(KEY, version)))

        await under_test.store.heal([customer_row(version=2)])

        assert not await under_test.is_suspect(KEY)

    async def test_answer_older_than_the_lost_event_does_not_clear_the_mark(
        self, under_test: StoreUnderTest
    ) -> None:
        """A replica that lags behind the parked event has not seen what was in it."""
        await under_test.apply(batch(change(customer_row(version=1)), poison(KEY, 3)))

        await under_test.store.heal([customer_row(version=2)])

        assert await under_test.row(KEY) == ahead(customer_row(version=2))
        assert await under_test.is_suspect(KEY)

    @pytest.mark.parametrize("lost", [poison(KEY, 2), poison(KEY)])
    async def test_old_state_does_not_clear_the_mark(
        self, under_test: StoreUnderTest, lost: PoisonEvent
    ) -> None:
        """What was known before the poison is no news."""
        await under_test.apply(batch(change(customer_row(version=1)), lost))

        await under_test.apply(batch(change(customer_row(version=1))))
        await under_test.store.heal([customer_row(version=1)])

        assert await under_test.is_suspect(KEY)

    async def test_poison_that_is_outdated_marks_nothing(self, under_test: StoreUnderTest) -> None:
        """A batch that comes again tells old poison of rows that have long been newer."""
        history = batch(
            change(customer_row(version=1)), poison(KEY, 2), change(customer_row(version=3))
        )
        await under_test.apply(history)

        await under_test.apply(history)

        assert not await under_test.is_suspect(KEY)

    async def test_mark_lasts_until_the_newest_poison_is_outdone(
        self, under_test: StoreUnderTest
    ) -> None:
        """Two lost states in a row need a state as new as the second."""
        await under_test.apply(batch(poison(KEY, 4), poison(KEY, 2)))

        await under_test.store.heal([customer_row(version=3)])
        marks = [await under_test.is_suspect(KEY)]
        await under_test.store.heal([customer_row(version=4)])
        marks.append(await under_test.is_suspect(KEY))

        assert marks == [True, False]

"""The contract of a projection store: what could not be read is kept, replayed, or given up."""

from dataclasses import replace

import pytest

from projections import memory_store
from projections.dead_letters import DeadLetter
from projections.events import PoisonEvent
from projections.projector import Applied, Duplicate
from projections.redis_store import writes as redis_writes
from projections.versions import AggregateKey, Version
from tests.builders.rows import (
    batch,
    change,
    customer_key,
    customer_row,
    order_key,
    order_row,
    poison,
    position,
)
from tests.contracts.store_implementations import HEALED_AT_S, StoreUnderTest

KEY = order_key()
RAW = b'{"not": "for us", "nor": "\xff"}'


def unreadable(key: AggregateKey = KEY, version: int | None = 2) -> PoisonEvent:
    return replace(poison(key, version), raw=RAW)


@pytest.fixture
def five_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores that keep no more than five."""
    for store in (memory_store, redis_writes):
        monkeypatch.setattr(store, "LETTER_LIMIT", 5)


async def the_letter(under_test: StoreUnderTest) -> DeadLetter:
    [letter] = await under_test.store.dead_letters(10)
    return letter


class TestKeeping:
    async def test_parked_event_is_kept_with_all_that_is_known(
        self, under_test: StoreUnderTest
    ) -> None:
        """A letter tells what, why, where it lies, when, and the event byte for byte."""
        await under_test.apply(batch(unreadable(), at=position("log-7")))

        letter = await the_letter(under_test)

        assert letter == DeadLetter(
            KEY, Version(1, 2), "data: not for us", RAW, "orders", "log-7", HEALED_AT_S
        )
        assert await under_test.store.dead_letter("order:o-1@1.2") == letter
        assert await under_test.store.dead_letter_count() == 1

    async def test_letter_is_kept_once_however_often_the_event_comes(
        self, under_test: StoreUnderTest
    ) -> None:
        """A log that is read again tells of the same event, and the first letter about it stays."""
        await under_test.apply(batch(unreadable(), unreadable(), at=position("log-1")))
        await under_test.apply(batch(unreadable(), at=position("log-2")))

        assert (await the_letter(under_test)).cursor == "log-1"

    async def test_event_whose_row_is_newer_already_is_no_letter(
        self, under_test: StoreUnderTest
    ) -> None:
        """Nobody misses a state that has long been replaced."""
        await under_test.apply(batch(change(order_row(version=3)), unreadable(version=2)))
        await under_test.apply(batch(unreadable(order_key("o-2")), change(order_row("o-2", 3))))

        assert await under_test.store.dead_letter_count() == 0

    async def test_event_that_does_not_tell_its_version_needs_the_next_one(
        self, under_test: StoreUnderTest
    ) -> None:
        """Its letter waits for the version after the row's, or for any, where there is no row."""
        await under_test.apply(batch(change(order_row(version=4)), unreadable(version=None)))
        await under_test.apply(batch(unreadable(customer_key(), version=None)))

        letters = await under_test.store.dead_letters(10)

        assert {letter.key: letter.until for letter in letters} == {
            KEY: Version(1, 5),
            customer_key(): Version(0, 0),
        }

    async def test_newest_letter_comes_first(self, under_test: StoreUnderTest) -> None:
        """Letters are listed in the order of their coming, backwards, and as many as wanted."""
        ids = [f"o-{number}" for number in range(12)]
        await under_test.apply(batch(*(unreadable(order_key(id_)) for id_ in ids[:6])))
        await under_test.apply(batch(*(unreadable(order_key(id_)) for id_ in ids[6:])))

        letters = await under_test.store.dead_letters(8)

        assert [letter.key.id for letter in letters] == list(reversed(ids))[:8]

    @pytest.mark.usefixtures("five_letters")
    async def test_oldest_letters_give_way(self, under_test: StoreUnderTest) -> None:
        """There is a limit to what is kept, and what came last is kept."""
        ids = [f"o-{number}" for number in range(12)]

        await under_test.apply(batch(*(unreadable(order_key(id_)) for id_ in ids[:9])))
        await under_test.apply(batch(*(unreadable(order_key(id_)) for id_ in ids[9:])))

        letters = await under_test.store.dead_letters(99)
        assert [letter.key.id for letter in letters] == list(reversed(ids))[:5]
        assert await under_test.store.dead_letter_count() == 5
        assert await under_test.store.dead_letter("order:o-0@1.2") is None

    async def test_letter_outlives_its_source_being_read_anew(
        self, under_test: StoreUnderTest
    ) -> None:
        """Forgetting a log drops rows and marks; what was wrong with its events stays on record."""
        await under_test.apply(batch(unreadable(), at=position("log-1")))

        await under_test.store.forget(batch().partition, "log-1")

        assert await under_test.store.dead_letter_count() == 1
        assert not await under_test.is_suspect(KEY)


class TestReplaying:
    async def test_replayed_event_is_applied_and_its_letter_removed(
        self, under_test: StoreUnderTest
    ) -> None:
        """Read at last, the event does what it would have done, and is announced."""
        await under_test.apply(batch(change(order_row(version=1)), unreadable(version=2)))
        letter = await the_letter(under_test)
        await under_test.all_heard()

        with under_test.hearing() as heard:
            verdict = await under_test.store.replay(letter, change(order_row(version=2)))
            await under_test.all_heard()

        assert isinstance(verdict, Applied)
        assert verdict.stored == await under_test.row(KEY)
        assert heard.versions == [{KEY: Version(1, 2)}]
        assert not await under_test.is_suspect(KEY)
        assert await under_test.store.dead_letter_count() == 0

    async def test_replayed_event_passes_the_gate(self, under_test: StoreUnderTest) -> None:
        """A replay undoes nothing that has come since."""
        await under_test.apply(batch(unreadable(version=2)))
        letter = await the_letter(under_test)
        await under_test.apply(batch(change(order_row(version=5, note="Newer"))))

        verdict = await under_test.store.replay(letter, change(order_row(version=2)))

        assert verdict == Duplicate(KEY)
        assert await under_test.store.versions([KEY]) == {KEY: Version(1, 5)}
        assert await under_test.store.dead_letter_count() == 0

    async def test_replay_moves_the_listing_and_no_position(
        self, under_test: StoreUnderTest
    ) -> None:
        """The event is applied like any other, except that its place in the log is long past."""
        await under_test.apply(batch(unreadable(version=1), at=position("log-4")))
        letter = await the_letter(under_test)

        await under_test.store.replay(letter, change(order_row(version=1)))

        assert await under_test.listed() == ["o-1"]
        assert (await under_test.cut(KEY)).positions == {"orders": position("log-4")}

    async def test_replay_of_what_was_healed_makes_it_streamed(
        self, under_test: StoreUnderTest
    ) -> None:
        """What only a live answer had shown is now what the stream says as well."""
        await under_test.apply(batch(unreadable(customer_key(), version=2), source="customers"))
        letter = await the_letter(under_test)
        await under_test.store.heal([customer_row(version=2)])

        verdict = await under_test.store.replay(letter, change(customer_row(version=2)))

        stored = await under_test.row(customer_key())
        assert stored is not None
        assert stored.is_streamed
        assert verdict == Duplicate(customer_key(), stored)


class TestDiscarding:
    async def test_discarded_letter_is_gone_and_its_aggregate_stays_suspect(
        self, under_test: StoreUnderTest
    ) -> None:
        """Giving up an event does not make the row before it the newest."""
        await under_test.apply(batch(change(order_row(version=1)), unreadable(version=2)))
        letter = await the_letter(under_test)

        answers = [await under_test.store.discard(letter) for _ in range(2)]

        assert answers == [True, False]
        assert await under_test.store.dead_letters(10) == []
        assert await under_test.store.dead_letter(letter.id) is None
        assert await under_test.is_suspect(KEY)

    async def test_letter_that_is_not_there_is_not_found(self, under_test: StoreUnderTest) -> None:
        """An unknown id names no letter."""
        assert await under_test.store.dead_letter("order:o-9@1.1") is None
        assert await under_test.store.dead_letter_count() == 0

"""The contract of a projection store: who listens is told what changed, once it can be read."""

from dataclasses import replace
from typing import cast

import pytest

from projections.events import ParsedEvent, UnknownEvent
from projections.store import Announcement
from projections.versions import Version
from tests.builders.rows import (
    batch,
    change,
    customer_key,
    customer_row,
    order_key,
    order_row,
    poison,
    position,
    product_row,
    tombstone,
)
from tests.contracts.store_implementations import StoreUnderTest

KEY = customer_key()


async def test_announced_version_can_be_read_at_once(under_test: StoreUnderTest) -> None:
    """Who is woken by an announcement and reads finds the row, the listing and the position."""
    seen: list[object] = []

    def read_back(versions: Announcement) -> None:
        assert versions is not None
        cut = under_test.cut_now(KEY)
        seen.extend((versions[KEY], cut.version_of(KEY), cut.positions["orders"].cursor))

    with under_test.store.listening(read_back):
        await under_test.apply(batch(change(customer_row(version=2)), at=position("log-1")))

    assert seen == [Version(1, 2), Version(1, 2), "log-1"]


async def test_healed_version_can_be_read_at_once(under_test: StoreUnderTest) -> None:
    """A live answer that was written back is announced like a change of the stream."""
    seen: list[object] = []

    def read_back(versions: Announcement) -> None:
        assert versions is not None
        seen.extend((versions, under_test.cut_now(KEY).version_of(KEY)))

    with under_test.store.listening(read_back):
        await under_test.store.heal([customer_row(version=2)])

    assert seen == [{KEY: Version(1, 2)}, Version(1, 2)]


async def test_announcement_names_only_what_changed(under_test: StoreUnderTest) -> None:
    """Duplicates and unknown events in a batch are no news of anybody."""
    heard: list[Announcement] = []
    known = change(product_row(version=5))
    await under_test.apply(batch(known))

    with under_test.store.listening(heard.append):
        await under_test.apply(
            batch(
                known,
                change(customer_row(version=2)),
                UnknownEvent("invoice.sent"),
                tombstone(order_key("o-1"), 4),
            )
        )

    assert heard == [{KEY: Version(1, 2), order_key("o-1"): Version(1, 4)}]


@pytest.mark.parametrize(
    "events",
    [(), (change(customer_row(version=1)),), (UnknownEvent("invoice.sent"),)],
    ids=["empty", "duplicate", "unknown"],
)
async def test_batch_without_news_is_not_announced(
    under_test: StoreUnderTest, events: tuple[ParsedEvent, ...]
) -> None:
    """Where no row is newer than before, nobody is woken."""
    heard: list[Announcement] = []
    await under_test.apply(batch(change(customer_row(version=1))))

    with under_test.store.listening(heard.append):
        await under_test.apply(batch(*events))
        await under_test.store.heal([customer_row(version=1)])

    assert heard == []


async def test_parked_version_is_announced(under_test: StoreUnderTest) -> None:
    """It will not come again: who waits for it is woken, and finds its aggregate suspect."""
    seen: list[object] = []

    def read_back(versions: Announcement) -> None:
        assert versions is not None
        seen.extend((versions, KEY in under_test.cut_now(KEY).suspects))

    with under_test.store.listening(read_back):
        await under_test.apply(batch(change(customer_row(version=1)), poison(KEY, 2)))

    assert seen == [{KEY: Version(1, 2)}, True]


async def test_newest_version_of_a_batch_is_announced(under_test: StoreUnderTest) -> None:
    """A row that changed several times in a batch is announced at the version it has now."""
    heard: list[Announcement] = []
    rows = [customer_row(version=version) for version in (1, 2, 3)]

    with under_test.store.listening(heard.append):
        await under_test.apply(batch(*map(change, rows), change(rows[0])))

    assert heard == [{KEY: Version(1, 3)}]


async def test_failing_batch_is_not_announced(under_test: StoreUnderTest) -> None:
    """What was not written is not promised to anybody."""
    heard: list[Announcement] = []
    incomparable = cast("Version", "no version")
    broken = replace(change(order_row(version=2)), at=incomparable)

    with under_test.store.listening(heard.append), pytest.raises(TypeError):
        await under_test.apply(batch(change(order_row(version=1)), broken))

    assert heard == []


async def test_everybody_who_listens_hears_until_he_leaves(under_test: StoreUnderTest) -> None:
    """Listeners come and go without disturbing one another."""
    first: list[Announcement] = []
    second: list[Announcement] = []

    with under_test.store.listening(first.append):
        with under_test.store.listening(second.append):
            await under_test.apply(batch(change(customer_row(version=1))))
        await under_test.apply(batch(change(customer_row(version=2))))
    await under_test.apply(batch(change(customer_row(version=3))))

    assert first == [{KEY: Version(1, 1)}, {KEY: Version(1, 2)}]
    assert second == [{KEY: Version(1, 1)}]

"""The contract of a projection store: who listens is told what changed, once it can be read."""

from collections.abc import Awaitable
from dataclasses import replace
from typing import cast

import pytest

from projections.errors import PositionMoved
from projections.events import ParsedEvent, UnknownEvent
from projections.store import Announcement, Cut
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
from tests.contracts.store_implementations import StoreUnderTest, is_marker

KEY = customer_key()


class ReadBack:
    """Whoever begins to read the moment he is told of a change."""

    def __init__(self, under_test: StoreUnderTest) -> None:
        self._under_test = under_test
        self.begun: list[tuple[Announcement, Awaitable[Cut]]] = []

    def hear(self, announcement: Announcement) -> None:
        if announcement is not None and not is_marker(announcement):
            self.begun.append((announcement, self._under_test.begin_read(KEY)))


async def test_announced_version_can_be_read_at_once(under_test: StoreUnderTest) -> None:
    """Who is woken by an announcement and reads finds the row, the listing and the position."""
    read_back = ReadBack(under_test)

    with under_test.store.listening(read_back.hear):
        await under_test.apply(batch(change(customer_row(version=2)), at=position("log-1")))
        await under_test.all_heard()

    [(versions, reading)] = read_back.begun
    cut = await reading
    assert versions == {KEY: Version(1, 2)}
    assert cut.version_of(KEY) == Version(1, 2)
    assert cut.positions["orders"].cursor == "log-1"


async def test_healed_version_can_be_read_at_once(under_test: StoreUnderTest) -> None:
    """A live answer that was written back is announced like a change of the stream."""
    read_back = ReadBack(under_test)

    with under_test.store.listening(read_back.hear):
        await under_test.store.heal([customer_row(version=2)])
        await under_test.all_heard()

    [(versions, reading)] = read_back.begun
    assert versions == {KEY: Version(1, 2)}
    assert (await reading).version_of(KEY) == Version(1, 2)


async def test_announcement_names_only_what_changed(under_test: StoreUnderTest) -> None:
    """Duplicates and unknown events in a batch are no news of anybody."""
    known = change(product_row(version=5))
    await under_test.apply(batch(known))
    await under_test.all_heard()

    with under_test.hearing() as heard:
        await under_test.apply(
            batch(
                known,
                change(customer_row(version=2)),
                UnknownEvent("invoice.sent"),
                tombstone(order_key("o-1"), 4),
            )
        )
        await under_test.all_heard()

    assert heard.versions == [{KEY: Version(1, 2), order_key("o-1"): Version(1, 4)}]


@pytest.mark.parametrize(
    "events",
    [(), (change(customer_row(version=1)),), (UnknownEvent("invoice.sent"),)],
    ids=["empty", "duplicate", "unknown"],
)
async def test_batch_without_news_is_not_announced(
    under_test: StoreUnderTest, events: tuple[ParsedEvent, ...]
) -> None:
    """Where no row is newer than before, nobody is woken."""
    await under_test.apply(batch(change(customer_row(version=1))))
    await under_test.all_heard()

    with under_test.hearing() as heard:
        await under_test.apply(batch(*events))
        await under_test.store.heal([customer_row(version=1)])
        await under_test.all_heard()

    assert heard.versions == []


async def test_parked_version_is_announced(under_test: StoreUnderTest) -> None:
    """It will not come again: who waits for it is woken, and finds its aggregate suspect."""
    read_back = ReadBack(under_test)

    with under_test.store.listening(read_back.hear):
        await under_test.apply(batch(change(customer_row(version=1)), poison(KEY, 2)))
        await under_test.all_heard()

    [(versions, reading)] = read_back.begun
    assert versions == {KEY: Version(1, 2)}
    assert KEY in (await reading).suspects


async def test_newest_version_of_a_batch_is_announced(under_test: StoreUnderTest) -> None:
    """A row that changed several times in a batch is announced at the version it has now."""
    rows = [customer_row(version=version) for version in (1, 2, 3)]

    with under_test.hearing() as heard:
        await under_test.apply(batch(*map(change, rows), change(rows[0])))
        await under_test.all_heard()

    assert heard.versions == [{KEY: Version(1, 3)}]


async def test_failing_batch_is_not_announced(under_test: StoreUnderTest) -> None:
    """What was not written is not promised to anybody."""
    incomparable = cast("Version", "no version")
    broken = replace(change(order_row(version=2)), at=incomparable)

    with under_test.hearing() as heard:
        with pytest.raises(TypeError):
            await under_test.apply(batch(change(order_row(version=1)), broken))
        await under_test.all_heard()

    assert heard.versions == []


async def test_everybody_who_listens_hears_until_he_leaves(under_test: StoreUnderTest) -> None:
    """Listeners come and go without disturbing one another."""
    with under_test.hearing() as first:
        with under_test.hearing() as second:
            await under_test.apply(batch(change(customer_row(version=1))))
            await under_test.all_heard()
        await under_test.apply(batch(change(customer_row(version=2))))
        await under_test.all_heard()
    await under_test.apply(batch(change(customer_row(version=3))))
    await under_test.all_heard()

    assert first.versions == [{KEY: Version(1, 1)}, {KEY: Version(1, 2)}]
    assert second.versions == [{KEY: Version(1, 1)}]


async def test_refused_batch_is_not_announced(under_test: StoreUnderTest) -> None:
    """Who writes from elsewhere than the store stands tells nobody anything."""
    with under_test.hearing() as heard:
        with pytest.raises(PositionMoved):
            await under_test.store.apply(batch(change(order_row()), after="elsewhere"))
        await under_test.all_heard()

    assert heard.versions == []

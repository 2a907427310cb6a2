"""What is told of every write, and when whoever relies on it is to look for himself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import msgspec

from projections.positions import LogPlace, Partition
from projections.redis_store import RedisStore
from projections.redis_store.news import News
from projections.redis_store.signals import AnnouncementsMissed
from projections.store import EventBatch
from projections.versions import Version
from projections.views import OrderStatus
from tests.builders.rows import (
    batch,
    change,
    customer_key,
    customer_row,
    order_key,
    order_row,
    position,
)
from tests.contracts.store_implementations import subscribed
from tests.projections.redis_watched import Collected, hearing, listening_store, watched
from tests.servers.valkey import Valkey

CHANNEL = "{bff}:news"
KEY = customer_key()


@contextmanager
def following(store: RedisStore) -> Iterator[Collected[News | None]]:
    told: Collected[News | None] = Collected()
    with store.following(told.tell):
        yield told


async def news_of_write(number: int, told: Collected[News | None]) -> News:
    """What was told of the write of this number, counted from the first to a new server."""
    news = await told.until(lambda news: news is not None and news.stamp.sequence == number)
    assert news is not None
    return news


class TestNews:
    async def test_news_tell_everything_that_a_write_changed(self, valkey: Valkey) -> None:
        """Rows, the customers whose lists are others now, and how far the source has got."""
        async with listening_store(valkey.url) as store:
            with following(store) as told:
                await store.apply(batch(change(order_row(customer_id="c-1"))))
                moved = order_row("o-1", 2, customer_id="c-2")
                reached = position("log-2", proven_at_s=2_000.5, remaining_count=7)
                reached = replace(reached, places={0: LogPlace(2**32 - 1, 2)})
                partition = Partition("orders", 0, 3)
                await store.apply(EventBatch(partition, "log-1", (change(moved),), reached))
                news = await news_of_write(2, told)

        assert news.changed == {order_key("o-1"): Version(1, 2)}
        assert news.customer_ids == {"c-1", "c-2"}
        assert news.positions == {partition: reached}
        assert news.voided == frozenset()

    async def test_row_that_stays_in_its_place_is_no_news_of_a_list(self, valkey: Valkey) -> None:
        """A changed note leaves every page's order as it was."""
        async with listening_store(valkey.url) as store:
            with following(store) as told:
                await store.heal([order_row(version=1)])
                await store.heal([order_row(version=2, note="Present")])
                await store.heal([order_row(version=3, status=OrderStatus.SHIPPED)])
                news = [await news_of_write(number, told) for number in (1, 2, 3)]

        assert [write.customer_ids for write in news] == [{"c-1"}, set(), {"c-1"}]

    async def test_later_proof_alone_is_told_to_followers_only(self, valkey: Valkey) -> None:
        """A heartbeat lets a follower know how current all is; nobody waits for it."""
        async with watched(valkey.url, quiet_s=60.0) as opened:
            store = opened.store
            await subscribed(store)
            with following(store) as told, hearing(store) as heard:
                later = position(proven_at_s=1_001.0)
                await store.apply(batch(at=position(proven_at_s=1_000.0)))
                await store.apply(batch(at=later, after="log-1"))
                news = await news_of_write(2, told)

        assert news.positions == {Partition("orders"): later}
        assert (news.changed, news.customer_ids) == ({}, frozenset())
        assert heard.told == []

    async def test_writes_are_numbered_without_a_hole(self, valkey: Valkey) -> None:
        """What a cut shows was told up to its stamp, and what comes later is told after it."""
        async with listening_store(valkey.url) as store:
            with following(store) as told:
                for version in (1, 2, 3):
                    await store.heal([customer_row(version=version)])
                await news_of_write(3, told)
            stamped = await store.read_stamped([])

        stamps = [news.stamp for news in told.told if news]
        assert [stamp.sequence for stamp in stamps] == [1, 2, 3]
        assert stamped.stamp == stamps[-1]

    async def test_forgotten_source_is_void(self, valkey: Valkey) -> None:
        """All its rows are gone at once: followers are told of which source, listeners to look."""
        async with watched(valkey.url, quiet_s=60.0) as opened:
            store = opened.store
            await subscribed(store)
            with following(store) as told, hearing(store) as heard:
                await store.apply(batch(change(order_row())))
                await store.forget(Partition("orders"), "log-1")
                news = await news_of_write(2, told)

        assert news.voided == {"orders"}
        assert heard.told[-1] is None


class TestHoles:
    async def test_hole_in_the_sequence_is_told(self, valkey: Valkey) -> None:
        """Whoever hears the fifth after the third is told to look, before he is told the fifth."""
        async with watched(valkey.url, quiet_s=60.0) as opened:
            store = opened.store
            await subscribed(store)
            with following(store) as told, hearing(store) as heard:
                await store.heal([customer_row(version=1)])
                valkey.command("INCR", "{bff}:sequence")
                await store.heal([customer_row(version=2)])
                await heard.until_told({KEY: Version(1, 2)})

        assert heard.told == [{KEY: Version(1, 1)}, None, {KEY: Version(1, 2)}]
        assert [news and news.stamp.sequence for news in told.told] == [1, None, 3]
        assert opened.signals.told[-1] == AnnouncementsMissed()

    async def test_emptied_server_is_another_one(self, valkey: Valkey) -> None:
        """Its sequence begins anew, and its name is new: what was known of the old is void."""
        async with watched(valkey.url, quiet_s=60.0) as opened:
            store = opened.store
            await subscribed(store)
            with following(store) as told:
                await store.heal([customer_row(version=1)])
                valkey.empty()
                await store.heal([customer_row(version=1)])
                await told.until_count(3)

        first, hole, second = told.told
        assert hole is None
        assert first is not None
        assert second is not None
        assert first.stamp.incarnation != second.stamp.incarnation
        assert first.stamp.sequence == second.stamp.sequence == 1

    async def test_who_listens_in_the_quiet_looks_for_himself(self, valkey: Valkey) -> None:
        """A listener is told again and again; a follower knows that nothing was lost."""
        async with watched(valkey.url, quiet_s=0.01) as opened:
            await subscribed(opened.store)
            with following(opened.store) as told, hearing(opened.store) as heard:
                await heard.until_count(3)

        assert set(heard.told) == {None}
        assert told.told == []

    async def test_message_that_cannot_be_read_is_a_hole(self, valkey: Valkey) -> None:
        """Whoever speaks otherwise on our channel is not understood, and the next message is."""
        async with watched(valkey.url, quiet_s=60.0) as opened:
            store = opened.store
            await subscribed(store)
            with hearing(store) as heard:
                valkey.command("PUBLISH", CHANNEL, msgspec.msgpack.encode(["not", "news"]))
                await store.heal([customer_row(version=1)])
                await heard.until_told({KEY: Version(1, 1)})

        assert heard.told[0] is None

"""Flipping in Redis: what was built is shown in one step, and can be taken back."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from projections.errors import GenerationMissing, PositionMoved
from projections.generations import GenerationCounts
from projections.positions import LogPlace, Partition
from projections.redis_store import RedisStore
from projections.store import EventBatch
from projections.versions import Version
from tests.builders.applying import apply_next
from tests.builders.rows import (
    batch,
    change,
    order_row,
    position,
    product_row,
)
from tests.projections.redis_generations import (
    KEY,
    ORDERS,
    SHOWN,
    built,
    shown,
    store_with_an_order,
    version_in,
)
from tests.projections.redis_watched import hearing
from tests.servers.valkey import Valkey


@pytest.fixture
async def store(valkey: Valkey) -> AsyncIterator[RedisStore]:
    """A store whose one order stands at log-5, in its second version."""
    async with store_with_an_order(valkey.url) as store:
        yield store


class TestFlipping:
    async def test_flip_shows_what_was_built(self, store: RedisStore) -> None:
        """In one step rows, pages and positions are those of the new generation."""
        green = await built(store, 3, "log-6")
        expected = await green.read(SHOWN)

        with hearing(store) as heard:
            await store.flip({ORDERS: "log-5"})
            await heard.until_told(None)

        assert await shown(store) == expected
        assert await store.position(ORDERS) == position("log-6")
        assert await store.counts("orders") == GenerationCounts(2, 1, 0)

    async def test_flip_is_refused_when_readers_have_been_shown_more(
        self, store: RedisStore
    ) -> None:
        """Between the look and the flip the active generation moved: look again."""
        await built(store, 2, "log-5")
        await store.apply(batch(change(order_row(version=3)), at=position("log-6"), after="log-5"))

        with pytest.raises(PositionMoved) as refused:
            await store.flip({ORDERS: "log-5"})

        assert refused.value.partition == ORDERS
        assert await version_in(store) == Version(1, 3)

    async def test_flip_is_refused_for_all_if_one_source_moved(self, store: RedisStore) -> None:
        """Sources that are rebuilt together are shown together."""
        products = Partition("products")
        await apply_next(store, batch(change(product_row(version=1)), source="products"))
        green = await store.building(["orders", "products"])
        await apply_next(green, batch(change(order_row(version=9)), at=position("log-5")))
        await apply_next(green, batch(change(product_row(version=9)), source="products"))

        with pytest.raises(PositionMoved) as refused:
            await store.flip({ORDERS: "log-5", products: "elsewhere"})
        before = await version_in(store), (await store.counts("products")).generation
        await store.flip({ORDERS: "log-5", products: "log-1"})

        assert refused.value.partition == products
        assert before == (Version(1, 2), 1)
        assert await version_in(store) == Version(1, 9)
        assert await store.versions([product_row().key]) == {product_row().key: Version(1, 9)}

    async def test_nothing_built_is_nothing_to_flip_to(self, store: RedisStore) -> None:
        """Readers are never shown an empty generation, or one that lacks a partition."""
        with pytest.raises(GenerationMissing, match="orders"):
            await store.flip({ORDERS: "log-5"})

        assert await version_in(store) == Version(1, 2)

    async def test_generation_that_lacks_a_partition_is_not_shown(self, store: RedisStore) -> None:
        """Half a source is not what readers are to see, however current that half is."""
        other = Partition("orders", 1, 2)
        await built(store, 3, "log-5")
        await store.apply(EventBatch(other, None, (), position("b-1")))

        with pytest.raises(GenerationMissing, match="orders"):
            await store.flip({ORDERS: "log-5", other: "b-1"})

        assert await version_in(store) == Version(1, 2)

    async def test_partition_that_nobody_expected_refuses_the_flip(self, store: RedisStore) -> None:
        """A partition that has come since was not compared."""
        other = Partition("orders", 1, 2)
        await built(store, 2, "log-5")
        await store.apply(EventBatch(other, None, (), position("b-1")))

        with pytest.raises(PositionMoved) as refused:
            await store.flip({ORDERS: "log-5"})

        assert refused.value.partition.index == 1

    async def test_projectors_go_on_from_the_flipped_position(self, store: RedisStore) -> None:
        """Who wrote the old generation is refused once, and goes on with the new one."""
        await built(store, 2, "log-4")
        await store.flip({ORDERS: "log-5"})
        news = batch(change(order_row(version=3)), at=position("log-6"), after="log-5")

        with pytest.raises(PositionMoved):
            await store.apply(news)
        await apply_next(store, news)

        assert await version_in(store) == Version(1, 3)

    async def test_builder_that_is_late_writes_nothing(self, store: RedisStore) -> None:
        """After the flip, what built the generation has no say in it any more."""
        green = await built(store, 2, "log-5")
        await store.flip({ORDERS: "log-5"})

        with pytest.raises(PositionMoved):
            await green.apply(batch(at=position("log-6"), after="log-5"))
        with pytest.raises(GenerationMissing):
            await green.counts("orders")

        assert await store.position(ORDERS) == position("log-5")


class TestGoingBack:
    async def test_roll_back_shows_what_was_before(self, store: RedisStore) -> None:
        """The generation before is there again, and does not claim to be current."""
        before = await shown(store)
        await built(store, 1, "log-5")
        await store.flip({ORDERS: "log-5"})

        with hearing(store) as heard:
            await store.roll_back(["orders"])
            await heard.until_told(None)

        after = await shown(store)
        assert (after.rows, after.pages) == (before.rows, before.pages)
        assert await store.position(ORDERS) == position("log-5", is_caught_up=False)
        assert after.proven_at_s(KEY.type) is None

    async def test_places_go_with_their_generation(self, store: RedisStore) -> None:
        """Flipped or rolled back, readers are told how far the rows they are shown have got."""
        ours = replace(position("log-6"), places={0: LogPlace(2**32 - 1, 6)})
        theirs = replace(position("log-7"), places={0: LogPlace(2**32 - 1, 7)})
        green = await store.building(["orders"])
        await store.apply(batch(change(order_row(version=6)), at=ours, after="log-5"))
        await green.apply(batch(change(order_row(version=7)), at=theirs))

        await store.flip({ORDERS: "log-6"})
        flipped = (await shown(store)).positions["orders"].places
        await store.roll_back(["orders"])
        rolled_back = (await shown(store)).positions["orders"].places

        assert (flipped, rolled_back) == (theirs.places, ours.places)

    async def test_rolled_back_generation_is_current_when_it_has_caught_up(
        self, store: RedisStore
    ) -> None:
        """Its projectors go on from where it was left, and their proof is new."""
        await built(store, 1, "log-5")
        await store.flip({ORDERS: "log-5"})
        await store.roll_back(["orders"])

        now = position("log-6", proven_at_s=6_000.0)
        await store.apply(batch(change(order_row(version=3)), at=now, after="log-5"))

        assert (await shown(store)).proven_at_s(KEY.type) == 6_000.0

    async def test_without_a_generation_before_there_is_no_way_back(
        self, store: RedisStore
    ) -> None:
        """Neither before the first flip nor after it was dropped."""
        refused = []
        for prepare in (None, store.drop_previous):
            if prepare is not None:
                await built(store, 3, "log-5")
                await store.flip({ORDERS: "log-5"})
                await prepare(["orders"])
            with pytest.raises(GenerationMissing) as missing:
                await store.roll_back(["orders"])
            refused.append(missing.value.source)

        assert refused == ["orders", "orders"]
        assert await version_in(store) == Version(1, 3)

    async def test_one_generation_before_is_kept_and_no_more(
        self, store: RedisStore, valkey: Valkey
    ) -> None:
        """Rebuilding again and again does not fill the server."""
        for number in range(3, 6):
            await built(store, number, "log-5")
            await store.flip({ORDERS: "log-5"})

        numbers = {key.split(":")[1] for key in valkey.client().scan_iter("{bff}:*:orders:rows")}
        assert numbers == {"3", "4"}

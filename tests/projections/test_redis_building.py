"""Building in Redis: a new generation grows beside the one that is read, and nobody sees it."""

from collections.abc import AsyncIterator

import pytest

from projections.errors import PositionMoved
from projections.generations import GenerationCounts
from projections.positions import Partition
from projections.redis_store import RedisStore
from projections.versions import Version
from tests.builders.applying import apply_next
from tests.builders.rows import (
    batch,
    change,
    customer_row,
    order_key,
    order_row,
    poison,
    position,
    product_row,
)
from tests.projections.redis_generations import (
    KEY,
    ORDERS,
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


class TestBuilding:
    async def test_what_is_built_is_seen_by_nobody(self, store: RedisStore) -> None:
        """Rows, pages, marks and positions of readers stay as they are, and no listener is told."""
        before = await shown(store)
        green = await store.building(["orders"])

        with hearing(store) as heard, hearing(green) as heard_of_green:
            await apply_next(
                green,
                batch(
                    change(order_row(version=7)),
                    change(order_row("o-2")),
                    poison(order_key("o-3"), 1),
                    at=position("log-1"),
                ),
            )
            await green.heal([order_row("o-4")])
            await store.heal([product_row()])
            await heard.until(lambda told: told is not None)

        assert await shown(store) == before
        assert [told for told in heard.told if told] == [{product_row().key: Version(1, 1)}]
        assert heard_of_green.told == []

    async def test_what_is_built_stands_where_it_has_got_to(self, store: RedisStore) -> None:
        """It begins at the log's start, has a fence of its own, and shows its own rows."""
        green = await store.building(["orders"])
        begun_at = await green.position(ORDERS)
        await green.apply(batch(change(order_row(version=1)), at=position("log-1")))

        with pytest.raises(PositionMoved):
            await green.apply(batch(at=position("log-6"), after="log-5"))

        assert begun_at is None
        assert await green.positions("orders") == {ORDERS: position("log-1")}
        assert await version_in(green) == Version(1, 1)
        assert await green.versions([KEY]) == {KEY: Version(1, 1)}
        assert [page.order_ids for page in (await shown(green)).pages.values()] == [("o-1",)]

    async def test_building_goes_on_where_it_stopped(self, store: RedisStore) -> None:
        """A rebuild that was interrupted finds what it had built, unless that was dropped."""
        await built(store, 1, "log-1")

        again = await store.building(["orders"])
        kept = await again.position(ORDERS)
        await store.drop_building(["orders"])

        assert kept == position("log-1")
        assert await again.position(ORDERS) is None
        assert await version_in(store) == Version(1, 2)

    async def test_sources_that_are_not_built_are_not_written(self, store: RedisStore) -> None:
        """A rebuild of the orders can touch no active generation of another source."""
        green = await store.building(["orders"])
        strange = [batch(change(customer_row())), batch(source="customers")]

        for refused in strange:
            with pytest.raises(ValueError, match="customers"):
                await green.apply(refused)
        with pytest.raises(ValueError, match="customers"):
            await green.heal([customer_row()])
        with pytest.raises(ValueError, match="customers"):
            await green.forget(Partition("customers"), "log-1")

    async def test_forgetting_drops_only_what_is_built(self, store: RedisStore) -> None:
        """A log that turns out to be another one while it is replayed leaves readers their rows."""
        green = await built(store, 1, "log-1")

        await green.forget(ORDERS, "log-1")

        assert await green.position(ORDERS) is None
        assert await version_in(green) is None
        assert await version_in(store) == Version(1, 2)

    async def test_poison_is_one_letter_in_every_generation(self, store: RedisStore) -> None:
        """Replaying a log parks the same events again, and the letters about them are there."""
        lost = poison(order_key("o-9"), 3)
        await apply_next(store, batch(lost, at=position("log-6")))
        green = await store.building(["orders"])

        await apply_next(green, batch(lost, at=position("log-1")))

        assert await store.dead_letter_count() == 1
        assert (await store.dead_letters(1))[0].cursor == "log-6"

    async def test_generations_are_counted_and_sampled(self, store: RedisStore) -> None:
        """How many rows and marks each has, and some of its keys, each once."""
        green = await store.building(["orders"])
        rows = [order_row(f"o-{number}") for number in range(5)]
        await apply_next(green, batch(*map(change, rows), poison(order_key("o-9"), 3)))

        assert await store.counts("orders") == GenerationCounts(1, 1, 0)
        assert await green.counts("orders") == GenerationCounts(2, 5, 1)
        assert await store.sample("orders", 3) == [KEY]
        assert sorted(await green.sample("orders", 9)) == [row.key for row in rows]
        assert len(set(await green.sample("orders", 3))) == 3
        assert await store.sample("products", 3) == []

    async def test_mark_that_is_outdone_is_taken_away(self, store: RedisStore) -> None:
        """Once its row has got as far as what was lost, nothing is left of the mark."""
        await apply_next(store, batch(poison(KEY, 3)))
        marked = (await store.counts("orders")).suspect_count

        await store.heal([order_row(version=3)])

        assert (marked, (await store.counts("orders")).suspect_count) == (1, 0)

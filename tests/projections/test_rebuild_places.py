"""What a reader has seen before a rebuild compares with what she is shown after it."""

from collections.abc import Mapping, Sequence

import pytest

from projections.errors import LogReplaced
from projections.kafka.partition import KafkaPartition
from projections.positions import Floor, Partition, SourcePosition, have_reached
from projections.rebuild.rebuild import Flipped
from projections.selection import root_of
from projections.store import Store
from projections.versions import AggregateKey
from projections.views import Row
from tests.builders.applying import apply_next
from tests.builders.rows import batch, change, order_key, order_row
from tests.generational_store import GenerationalMemoryStore
from tests.projections.fake_feed import FakeFeed
from tests.projections.rebuilding import WORLD, Rebuilding, a_world, logs_of
from tests.projections.rebuilding_servers import PARTITION_COUNT, servers
from tests.servers.kafka import Kafka
from tests.servers.mock_kafka import MockKafka
from tests.servers.valkey import Valkey

ORDERS: list[Row] = [order_row(f"o-{number}") for number in range(1, 13)]
NEWER: list[Row] = [order_row(f"o-{number}", 2) for number in range(1, 13)]


async def positions_of(store: Store) -> Mapping[str, SourcePosition]:
    """What somebody who looks now is told of all sources."""
    return (await store.read([root_of(order_key())])).positions


def floor_of(positions: Mapping[str, SourcePosition]) -> Floor:
    """What whoever was told these positions has seen."""
    return {(s, i): place for s, at in positions.items() for i, place in at.places.items()}


class TestServers:
    async def test_floor_of_before_the_flip_is_reached_after_it(
        self, any_kafka: Kafka, valkey: Valkey
    ) -> None:
        """Green was read from the same logs, so its places are of the same logs, and no earlier."""
        async with servers(any_kafka, valkey.url) as house:
            await house.project([*ORDERS, *NEWER])
            seen = floor_of(await positions_of(house.store))

            async with house.rebuild(sources=["orders"]) as rebuild:
                outcome = await rebuild.run()
            shown = await positions_of(house.store)

        assert outcome == Flipped()
        assert len(seen) == PARTITION_COUNT
        assert have_reached(shown, seen)

    async def test_green_that_recognises_nothing_would_make_all_floors_foreign(
        self, mock_kafka: MockKafka, valkey: Valkey, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The control: a log is not known for the one that blue has read by being the same."""
        monkeypatch.setattr(KafkaPartition, "recognise", lambda *_: None)
        async with servers(mock_kafka, valkey.url) as house:
            await house.project(ORDERS)
            seen = floor_of(await positions_of(house.store))

            async with house.rebuild(sources=["orders"]) as rebuild:
                await rebuild.run()
            shown = await positions_of(house.store)

        assert len(seen) == PARTITION_COUNT
        assert not any(have_reached(shown, {at: place}) for at, place in seen.items())

    async def test_floor_survives_a_rebuild_and_the_projector_s_restart(
        self, mock_kafka: MockKafka, valkey: Valkey
    ) -> None:
        """Projectors go on from green's cursors in the log that blue's readers knew."""
        async with servers(mock_kafka, valkey.url) as house:
            await house.project(ORDERS)
            seen = floor_of(await positions_of(house.store))
            async with house.rebuild(sources=["orders"]) as rebuild:
                await rebuild.run()

            await house.project(NEWER)
            shown = await positions_of(house.store)

        assert len(seen) == PARTITION_COUNT
        assert have_reached(shown, seen)

    async def test_log_that_was_started_over_reaches_no_floor_of_before(
        self, any_kafka: Kafka, valkey: Valkey
    ) -> None:
        """A topic made again has greater offsets soon, and none of what was seen in the other."""
        async with servers(any_kafka, valkey.url) as house:
            await house.project(ORDERS)
            before = floor_of(await positions_of(house.store))
            topic = house.logs.options.topics["orders"]
            any_kafka.delete_topic(topic)
            any_kafka.create_named_topic(topic, PARTITION_COUNT)

            await house.project([*NEWER, *NEWER, *NEWER])
            shown = await positions_of(house.store)

        assert len(before) == len(floor_of(shown)) == PARTITION_COUNT
        assert {place.log for place in floor_of(shown).values()}.isdisjoint(
            place.log for place in before.values()
        )


class StartedOver(GenerationalMemoryStore):
    """A store whose projector starts its orders over while they are being compared."""

    def __init__(self, feed: FakeFeed) -> None:
        super().__init__()
        self.feed = feed
        self.is_restored = False

    async def sample(self, source: str, count: int) -> Sequence[AggregateKey]:
        if self.is_restored:
            self.is_restored = False
            orders = Partition("orders")
            await self.forget(orders, self.feed.end.cursor)
            self.feed.start_anew()
            self.feed.commit(*NEWER)
            await apply_next(self, batch(*map(change, NEWER), at=self.feed.end))
        return await super().sample(source, count)


@pytest.mark.steered_time
class TestFeeds:
    async def test_floor_of_before_the_flip_is_reached_after_it(self) -> None:
        """A feed says which log it is, to whoever reads it."""
        house = await a_world()
        seen = floor_of(await positions_of(house.store))

        assert await house.run() == Flipped()
        assert {source for source, _ in seen} == {"orders", "customers", "products"}
        assert have_reached(await positions_of(house.store), seen)

    async def test_log_started_over_in_the_middle_ends_the_rebuild(self) -> None:
        """Green may hold the beginning of one history and the end of the other: blue serves."""
        logs = logs_of(*WORLD)
        store = StartedOver(logs["orders"])
        house = Rebuilding(logs, store)
        await house.project()
        store.is_restored = True

        with pytest.raises(LogReplaced, match="started over while it was read for a rebuild"):
            await house.run()

        assert (store.flip_count, store.built) == (0, None)
        assert {key for key in store._rows if key.type.source == "orders"} == {
            row.key for row in NEWER
        }

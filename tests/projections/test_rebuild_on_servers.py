"""Rebuilding on real servers: Kafka's protocol and Valkey."""

import asyncio
from dataclasses import replace
from itertools import count

import pytest

from projections.consumer import BatchApplied
from projections.errors import ProjectionError, RebuildRunning
from projections.projector import StoredRow
from projections.rebuild.comparison import Unlike
from projections.rebuild.lease_record import RedisLeaseRecord
from projections.rebuild.rebuild import (
    Disagreed,
    Flipped,
    RebuildOptions,
    RebuildSignal,
    Rehearsed,
    SampleCompared,
)
from projections.redis_store.link import Link
from projections.redis_store.options import RedisOptions
from projections.selection import root_of
from projections.versions import Version
from projections.views import Row
from tests.builders.rows import customer_row, order_key, order_row, product_row
from tests.projections.rebuilding_servers import Logs, Reader, servers
from tests.servers.kafka import Kafka
from tests.servers.mock_kafka import MockKafka
from tests.servers.valkey import Valkey

IDS = [f"o-{number}" for number in range(1, 41)]
WORLD: list[Row] = [
    *(order_row(order_id) for order_id in IDS),
    *(order_row(order_id, 2) for order_id in IDS),
    customer_row(),
    product_row(),
]


async def test_readers_of_a_busy_projection_never_go_back(any_kafka: Kafka, valkey: Valkey) -> None:
    """Rebuilt while projectors write and gateways read, no row is ever older than it was.

    And back again: rolled back, the projection catches up with what was written since.
    """
    signals: list[RebuildSignal] = []
    async with servers(any_kafka, valkey.url) as house:
        await house.project(WORLD)
        reader = Reader(valkey.url, [order_key(order_id) for order_id in IDS])
        newest = {order_key(order_id): Version(1, 2) for order_id in IDS}

        async def write() -> None:
            """A new version of an order, again and again, each when the one before has come."""
            for number in count():
                order_id = IDS[number % len(IDS)]
                row = order_row(order_id, newest[order_key(order_id)].number + 1)
                await house.logs.write(row)
                newest[row.key] = row.at
                await house.until_at({row.key: row.at})

        async with house.projecting(), asyncio.TaskGroup() as group:
            tasks = [group.create_task(write()), group.create_task(reader.run())]
            async with house.rebuild(observe=signals.append) as rebuild:
                outcome = await rebuild.run()
            read_before_count = reader.read_count
            await reader.until_read()
            for task in tasks:
                task.cancel()
        counts = await house.store.counts("orders")

        assert outcome == Flipped()
        assert counts.generation == 2
        assert counts.row_count == len(IDS)
        assert read_before_count > 0
        assert reader.steps_back == []
        assert any(isinstance(told, SampleCompared) for told in signals)

        await house.store.roll_back(["orders"])
        async with house.projecting():
            await house.until_at(newest)


async def test_what_a_server_lost_comes_back(mock_kafka: MockKafka, valkey: Valkey) -> None:
    """Rows dropped behind the store's back are there again, listings with them."""
    async with servers(mock_kafka, valkey.url) as house:
        await house.project(WORLD)
        before = await house.store.read([root_of(order_key("o-7"))])
        valkey.command("HDEL", "{bff}:1:orders:rows", "o-7")

        async with house.rebuild(sources=["orders"]) as rebuild:
            outcome = await rebuild.run()

        after = await house.store.read([root_of(order_key("o-7"))])
        assert outcome == Flipped()
        assert after.rows == before.rows
        assert (await house.store.counts("customers")).generation == 1


async def test_dry_run_leaves_no_key_behind(mock_kafka: MockKafka, valkey: Valkey) -> None:
    """Everything is read and compared, and the server holds what it held."""
    async with servers(mock_kafka, valkey.url) as house:
        await house.project(WORLD)
        before = keys_of(valkey)

        async with house.rebuild(RebuildOptions(is_dry_run=True)) as rebuild:
            outcome = await rebuild.run()

        assert outcome == Rehearsed()
        assert keys_of(valkey) == before


async def test_interrupted_rebuild_leaves_no_key_behind(
    mock_kafka: MockKafka, valkey: Valkey
) -> None:
    """Ctrl-C in the middle of a batch: the server holds what it held, and the next one may run."""
    async with servers(mock_kafka, valkey.url) as house:
        await house.project(WORLD)
        before = keys_of(valkey)
        has_begun = asyncio.Event()

        def notice(told: RebuildSignal) -> None:
            if isinstance(told, BatchApplied):
                has_begun.set()

        async with house.rebuild(observe=notice) as rebuild:
            running = asyncio.ensure_future(rebuild.run())
            await has_begun.wait()
            running.cancel()
            await asyncio.wait([running])

        assert running.cancelled()
        assert keys_of(valkey) == before
        async with house.rebuild() as rebuild:
            assert await rebuild.run() == Flipped()


async def test_crashed_rebuild_is_in_nobody_s_way(mock_kafka: MockKafka, valkey: Valkey) -> None:
    """What one that was killed has left is seen by no reader, and is dropped by the next."""
    async with servers(mock_kafka, valkey.url) as house:
        await house.project(WORLD)
        green = await house.store.building(["orders"])
        await green.heal([order_row("o-99", 9)])

        assert await house.store.versions([order_key("o-99")]) == {}
        async with house.rebuild() as rebuild:
            assert await rebuild.run() == Flipped()
        assert await house.store.versions([order_key("o-99")]) == {}


async def test_other_content_keeps_blue_serving_unless_it_is_accepted(
    mock_kafka: MockKafka, valkey: Valkey
) -> None:
    """A log that says something else at the same version takes over by word of mouth only."""
    async with servers(mock_kafka, valkey.url) as house:
        await house.project([*WORLD[:-1], product_row(name="Wool Notebok")])
        mended = replace(house, logs=Logs.on(mock_kafka))
        await mended.logs.write(*WORLD)

        async with mended.rebuild() as rebuild:
            refused = await rebuild.run()
        async with mended.rebuild(RebuildOptions(accepts_differences=True)) as rebuild:
            accepted = await rebuild.run()

        cut = await house.store.read([root_of(product_row().key)])
        assert refused == Disagreed((Unlike(product_row().key, Version(1, 1)),))
        assert accepted == Flipped()
        assert cut.rows[product_row().key] == StoredRow(product_row(), Version(1, 1))


@pytest.mark.parametrize("kind", ["one server", "cluster"])
async def test_lease_is_one_for_all_processes(kind: str, request: pytest.FixtureRequest) -> None:
    """Whoever claims first has it, on a cluster too; given up or ended, it is anybody's."""
    fixture = "redis_url" if kind == "one server" else "redis_cluster_url"
    options = RedisOptions(url=request.getfixturevalue(fixture))
    ours, theirs = Link(options), Link(options)
    first, second = RedisLeaseRecord(ours), RedisLeaseRecord(theirs)
    try:
        assert await first.claim("us", 60)
        assert await first.claim("us", 60)
        assert not await second.claim("them", 60)

        await second.give_up("them")
        assert not await second.claim("them", 60)

        await first.give_up("us")
        assert await second.claim("them", 0.001)
        async with asyncio.timeout(5):
            while not await first.claim("us", 60):
                pass
    finally:
        await ours.close()
        await theirs.close()


async def test_second_rebuild_is_refused(mock_kafka: MockKafka, valkey: Valkey) -> None:
    """Two operators at once: the second one is told, the first one gets it done."""
    async with servers(mock_kafka, valkey.url) as house:
        await house.project(WORLD)
        refused: list[ProjectionError] = []
        has_begun = asyncio.Event()

        async def second() -> None:
            await has_begun.wait()
            async with house.rebuild() as rebuild:
                with pytest.raises(RebuildRunning) as told:
                    await rebuild.run()
                refused.append(told.value)

        async with (
            asyncio.TaskGroup() as group,
            house.rebuild(observe=lambda _: has_begun.set()) as rebuild,
        ):
            waiting = group.create_task(second())
            await group.create_task(rebuild.run())
            await waiting

        assert (await house.store.counts("orders")).generation == 2


def keys_of(valkey: Valkey) -> set[str]:
    """Everything the server holds."""
    with valkey.client() as client:
        return set(client.scan_iter("*"))

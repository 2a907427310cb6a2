"""Heartbeats: on every partition, behind what was committed before them, one a second."""

import asyncio
import json
from collections.abc import Iterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from tests.upstream_stubs.relays import (
    HandMadeTopic,
    Shopkeeper,
    at_work,
    loop_clock,
    new_relay,
    open_outbox,
)
from upstream_stubs.database import Database
from upstream_stubs.feed import Feed
from upstream_stubs.relay.batches import HEARTBEAT_KEY, Record
from upstream_stubs.relay.faults import RelayFaults, RelayFaultSet
from upstream_stubs.relay.kafka import TopicUnavailable
from upstream_stubs.relay.relay import RelayOptions

pytestmark = pytest.mark.steered_time

EVERY_SECOND = RelayOptions(batch_event_count=2)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_outbox(tmp_path / "customers.sqlite3") as database:
        yield database


def beats_of(log: list[Record]) -> list[datetime]:
    """The times that the heartbeats of a partition tell."""
    beats = [json.loads(record.value) for record in log if record.key == HEARTBEAT_KEY]
    return [datetime.fromisoformat(beat["time"]) for beat in beats]


async def test_every_partition_gets_a_heartbeat_a_second(database: Database) -> None:
    """Quiet or not, each partition gets the same heartbeats, each with its own time."""
    topic = HandMadeTopic()

    async with at_work(new_relay(database, topic, options=EVERY_SECOND)):
        await asyncio.sleep(10.5)

    [beats] = {tuple(beats_of(log)) for log in topic.logs.values()}
    seconds = [(after - before).total_seconds() for before, after in pairwise(beats)]
    assert len(beats) == 11
    assert seconds == [pytest.approx(1, abs=0.002)] * 10


async def test_heartbeat_is_a_cloud_event_without_subject_or_data(database: Database) -> None:
    """What is published is what the contract's page says."""
    topic = HandMadeTopic()

    async with at_work(new_relay(database, topic, options=EVERY_SECOND)):
        await topic.wait_for(lambda: len(topic.records()) == 3)

    [beat] = {record.value for record in topic.records()}
    assert json.loads(beat).keys() == {"specversion", "id", "source", "type", "time"}
    assert json.loads(beat)["type"] == "outbox.heartbeat"
    assert json.loads(beat)["source"] == "/customers"


async def test_what_was_committed_before_a_heartbeat_lies_before_it(database: Database) -> None:
    """On each partition, every event that is older than a heartbeat's time comes before it."""
    keeper, topic = Shopkeeper(database), HandMadeTopic()
    keeper._outbox.now = loop_clock

    async with at_work(new_relay(database, topic, options=EVERY_SECOND)):
        for number in range(60):
            keeper.change(f"c-{number % 7}", f"c-{number % 5}")
            await asyncio.sleep(0.13)

    for log in topic.logs.values():
        times = [json.loads(record.value)["time"] for record in log]
        assert len(beats_of(log)) >= 7
        for place, record in enumerate(log):
            if record.key == HEARTBEAT_KEY:
                assert [time for time in times[place:] if time < times[place]] == []


async def test_backlog_comes_before_the_first_heartbeat(database: Database) -> None:
    """A relay that has much to catch up with beats once for all of it, and at its end."""
    keeper, topic = Shopkeeper(database), HandMadeTopic()
    for _ in range(5):
        keeper.change("c-1", "c-2", "c-3")
    await asyncio.sleep(1)

    async with at_work(new_relay(database, topic, options=EVERY_SECOND)):
        await topic.wait_for(lambda: len(topic.records()) == 15 + 3)

    assert [len(beats_of(log)) for log in topic.logs.values()] == [1, 1, 1]
    assert [log[-1].key for log in topic.logs.values()] == [HEARTBEAT_KEY] * 3


async def test_lagging_relay_tells_old_heartbeats_rather_than_none(database: Database) -> None:
    """While Kafka is away no heartbeat replaces the one on its way, so the lag is told."""
    keeper, topic = Shopkeeper(database), HandMadeTopic()

    async with at_work(new_relay(database, topic, options=EVERY_SECOND)):
        await asyncio.sleep(0.5)
        topic.on_step = kafka_is_away
        await asyncio.sleep(9.5)
        waiting = database.rows("SELECT count(*) FROM heartbeat")
        keeper.change("c-1")
        topic.on_step = lambda step: None
        back_at = loop_clock()
        await topic.wait_for(lambda: len(beats_of(topic.logs[0])) == 3)

    first, old, fresh = beats_of(topic.logs[0])
    assert waiting == [(1,)]
    assert [(beat - first).total_seconds() for beat in (old, back_at)] == [
        pytest.approx(1, abs=0.01),
        pytest.approx(10, abs=0.01),
    ]
    assert fresh >= back_at


def kafka_is_away(step: str) -> None:
    raise TopicUnavailable("Kafka does not answer")


async def test_held_relay_publishes_no_heartbeat(database: Database) -> None:
    """A stopped relay shows as heartbeats that do not come; released, it beats at once."""
    topic, faults = HandMadeTopic(), RelayFaults(database)
    faults.replace(RelayFaultSet(is_held=True))

    async with at_work(new_relay(database, topic, faults=faults, options=EVERY_SECOND)):
        await asyncio.sleep(10)
        held = topic.records()
        faults.replace(RelayFaultSet())
        await asyncio.sleep(0.01)

    assert held == []
    assert [len(beats_of(log)) for log in topic.logs.values()] == [1, 1, 1]


async def test_feed_knows_nothing_of_heartbeats(database: Database) -> None:
    """Neither events nor places nor what remains are changed by them; readers are not woken."""
    keeper, topic, feed = Shopkeeper(database), HandMadeTopic(), Feed(database)
    keeper.change("c-1")
    quiet = database.committed.next_ring()

    async with at_work(new_relay(database, topic, options=EVERY_SECOND)):
        await asyncio.sleep(5)
        was_quiet = not quiet.is_set()
        keeper.change("c-1", "c-2")
        await asyncio.sleep(5)
        page = feed.read_after(None, 2)

    assert was_quiet
    assert (len(page.events), page.remaining) == (2, 1)
    assert len(feed.read_after(page.cursor, 9).events) == 1

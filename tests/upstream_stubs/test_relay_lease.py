"""One relay at a time: leases given up, run out, lost and wrong."""

import asyncio
from collections.abc import Iterator
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
from upstream_stubs.relay.lease import TABLE, Lease, LeaseLost
from upstream_stubs.relay.relay import Relay

pytestmark = pytest.mark.steered_time

LENGTH_S = 3.0


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_outbox(tmp_path / "customers.sqlite3") as database:
        yield database


def lease_of(database: Database) -> Lease:
    """A claim of its own over this file."""
    with database.bookkeeping():
        database.change(TABLE)
    return Lease(database, LENGTH_S, now=loop_clock)


def is_idle(topic: HandMadeTopic) -> bool:
    return topic.steps == []


async def test_second_relay_waits_until_the_first_gives_up(database: Database) -> None:
    """As long as one relay lives, the other does nothing; when it ends in order, it follows."""
    keeper, clock = Shopkeeper(database), asyncio.get_running_loop().time
    first = HandMadeTopic()
    second = first.seen_by_another()

    async with at_work(new_relay(database, first), new_relay(database, second)) as [task, _]:
        for number in range(1, 20):
            await asyncio.sleep(7)
            keeper.change("c-1")
            await first.wait_for_events(number)
        was_idle, ended_at_s = is_idle(second), clock()
        task.cancel()
        keeper.change("c-1")
        await second.wait_for_events(20)

    assert was_idle
    assert second.steps.count("send") == 1
    assert second.versions() == {"c-1": [*range(1, 21)]}
    assert clock() == ended_at_s


async def test_relay_that_died_bars_the_next_for_the_length_of_its_lease(
    database: Database,
) -> None:
    """A lease that nobody renews is free when it has run out, not before."""
    keeper, topic = Shopkeeper(database), HandMadeTopic()
    keeper.change("c-1")
    await asyncio.sleep(1)
    assert lease_of(database).take()

    async with at_work(new_relay(database, topic)):
        await asyncio.sleep(LENGTH_S - 0.1)
        was_idle = is_idle(topic)
        await asyncio.sleep(0.2)

    assert was_idle
    assert topic.versions() == {"c-1": [1]}


async def test_relay_that_lost_its_lease_moves_nothing(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """A relay that was replaced while it waited for Kafka notes nothing of what it has sent."""
    keeper, topic, rival = Shopkeeper(database), HandMadeTopic(), lease_of(database)
    keeper.change("c-1")
    relay = new_relay(database, topic)

    async with at_work(relay):
        topic.gate.clear()
        await asyncio.sleep(0.1)
        steal(rival)
        topic.gate.set()
        await asyncio.sleep(0.5)
        place, steps = relay._progress.place, len(topic.steps)
        rival.release()
        await topic.wait_for_events(2)

    assert place == 0
    assert topic.steps[steps] == "open"
    assert "another relay publishes to customers.events now" in caplog.text
    assert topic.versions() == {"c-1": [1, 1]}


def steal(rival: Lease) -> None:
    """Take over as if the owner had been paused for longer than its lease."""
    with rival.database.transaction():
        rival.database.change("DELETE FROM relay_lease")
    assert rival.take()


async def test_lease_is_renewed_as_long_as_its_relay_waits_for_kafka(database: Database) -> None:
    """A slow Kafka costs nobody the lease."""
    keeper, topic, rival = Shopkeeper(database), HandMadeTopic(), lease_of(database)
    keeper.change("c-1")
    topic.gate.clear()

    async with at_work(new_relay(database, topic)):
        takes = []
        for _ in range(20):
            await asyncio.sleep(1)
            takes.append(rival.take())

    assert not any(takes)


async def test_nothing_is_written_without_the_lease(database: Database) -> None:
    """A transaction of the lease's owner is refused to everybody else, and writes nothing."""
    owner, other = lease_of(database), lease_of(database)
    assert owner.take()

    with pytest.raises(LeaseLost), other.transaction():
        database.change("DELETE FROM relay_lease")

    assert owner.take()
    assert not other.take()


async def test_clock_that_was_set_back_bars_nobody(database: Database) -> None:
    """A lease that ends later than any that could be taken now is from another time: it is free."""
    owner, other = lease_of(database), lease_of(database)
    assert owner.take()
    with database.transaction():
        database.change("UPDATE relay_lease SET expires_at = '2025-01-07T00:00:00.000Z'")

    assert other.take()


def test_file_from_before_the_relay_is_as_good_as_new(database: Database) -> None:
    """The relay makes its own tables, where they are missing and only there."""
    topic = object.__new__(HandMadeTopic)

    relays: list[Relay] = [new_relay(database, topic) for _ in range(2)]

    assert [relay._progress.place for relay in relays] == [0, 0]

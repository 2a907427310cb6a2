"""The relay's law: everything that was committed arrives, in order, however often it is ended."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

import async_solipsism
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.upstream_stubs.relays import (
    HandMadeTopic,
    Killed,
    Shopkeeper,
    assert_at_least_once_in_order,
    at_work,
    new_relay,
    open_outbox,
)
from upstream_stubs.database import Database
from upstream_stubs.relay.kafka import TopicUnavailable
from upstream_stubs.relay.progress import (
    NO_OFFSET,
    Acknowledged,
    LogReplaced,
    after_all,
    refuse_shorter_log,
)
from upstream_stubs.relay.relay import RelayOptions

pytestmark = pytest.mark.steered_time

PAIRWISE = RelayOptions(heartbeat_s=None, batch_event_count=2)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with open_outbox(tmp_path / "customers.sqlite3") as database:
        yield database


class Killer:
    """Ends the relay at its ``nth`` step, once."""

    def __init__(self, nth: int) -> None:
        self._left = nth

    @property
    def has_struck(self) -> bool:
        return self._left < 0

    def __call__(self, step: str) -> None:
        self._left -= 1
        if self._left == -1:
            raise Killed(step)


async def live(database: Database, topic: HandMadeTopic) -> None:
    """One life of a relay, which ends at a step, or by idleness; it leaves its lease behind."""
    relay = new_relay(database, topic, options=PAIRWISE)
    relay._lease.release = lambda: None  # type: ignore[method-assign] # the killed release nothing
    with suppress(ExceptionGroup, TimeoutError):
        async with asyncio.timeout(10):
            await relay.run()


async def publish_the_rest(keeper: Shopkeeper, topic: HandMadeTopic) -> None:
    """The next relay takes over and publishes until it has nothing left to do."""
    topic.on_step = lambda step: None
    relay = new_relay(keeper.database, topic, options=PAIRWISE)
    async with at_work(relay):
        await asyncio.sleep(60)  # steered: no time at all, but longer than any lease or pause


async def test_relay_killed_at_any_step_loses_nothing(tmp_path: Path) -> None:
    """Wherever a relay ends, between any two steps, the next one tells all that is missing."""
    for nth in count():
        killer, topic = Killer(nth), HandMadeTopic()
        with open_outbox(tmp_path / f"{nth}.sqlite3") as database:
            keeper = Shopkeeper(database)
            keeper.change("c-1", "c-2", "c-1", "c-3", "c-1")
            topic.on_step = killer

            await live(database, topic)
            await publish_the_rest(keeper, topic)

            assert_at_least_once_in_order(topic.versions(), keeper.committed)
        if not killer.has_struck:
            break

    assert nth == 10  # 2 to begin, 5 events, 3 acknowledgements


@settings(max_examples=60)
@given(
    deaths=st.lists(st.integers(0, 20), max_size=4),
    changes=st.lists(st.sampled_from(["c-1", "c-2", "c-3"]), min_size=1, max_size=12),
)
def test_any_number_of_deaths_between_any_commits(deaths: list[int], changes: list[str]) -> None:
    """Commits go on while relays die and follow each other, and the law holds."""

    async def live_and_die_and_live() -> None:
        topic = HandMadeTopic()
        with TemporaryDirectory() as folder, open_outbox(Path(folder) / "c.sqlite3") as database:
            keeper = Shopkeeper(database)
            for nth in deaths:
                topic.on_step = Killer(nth)
                async with asyncio.TaskGroup() as group:
                    group.create_task(live(database, topic))
                    group.create_task(commit_one_by_one(keeper, changes))
            await commit_one_by_one(keeper, changes)
            await publish_the_rest(keeper, topic)

            assert_at_least_once_in_order(topic.versions(), keeper.committed)

    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        runner.run(live_and_die_and_live())


async def commit_one_by_one(keeper: Shopkeeper, changes: list[str]) -> None:
    """A transaction each, with a turn of the loop between."""
    for id_ in changes:
        keeper.change(id_)
        await asyncio.sleep(0)


async def test_what_is_committed_while_the_relay_runs_follows_at_once(database: Database) -> None:
    """A commit wakes the relay; no time passes until its event is sent."""
    keeper, topic, clock = Shopkeeper(database), HandMadeTopic(), asyncio.get_running_loop().time

    async with at_work(new_relay(database, topic)):
        for number in range(1, 4):
            await asyncio.sleep(5)
            keeper.change("c-1")
            committed_at_s = clock()
            await topic.wait_for_events(number)
            assert clock() == committed_at_s

    assert topic.versions() == {"c-1": [1, 2, 3]}


async def test_lost_acknowledgement_repeats_the_batch(database: Database) -> None:
    """When Kafka has the records but its answer is lost, they are sent once more, in order."""
    keeper, topic = Shopkeeper(database), HandMadeTopic()
    keeper.change("c-1", "c-2", "c-1")

    def lose_first(step: str) -> None:
        if step == "acknowledge" and topic.steps.count(step) == 1:
            raise TopicUnavailable("connection lost")

    topic.on_step = lose_first

    async with at_work(new_relay(database, topic)):
        await topic.wait_for_events(6)

    assert topic.versions() == {"c-1": [1, 2, 1, 2], "c-2": [1, 1]}


async def test_failures_are_told_once_and_tried_again_ever_slower(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    """An outage, however long, is two lines of log, and about one try each two seconds."""
    keeper, topic = Shopkeeper(database), HandMadeTopic()
    keeper.change("c-1")
    loop = asyncio.get_running_loop()

    def fail_twice(step: str) -> None:
        if loop.time() < 60 or 100 <= loop.time() < 101:
            raise TopicUnavailable("Kafka does not answer")

    topic.on_step = fail_twice
    caplog.set_level("INFO", "upstream_stubs.relay")

    async with at_work(new_relay(database, topic)):
        await topic.wait_for_events(1)
        tries = topic.steps.count("open")
        await asyncio.sleep(100 - loop.time())
        keeper.change("c-1")
        await topic.wait_for_events(2)

    assert 30 <= tries <= 40
    assert caplog.messages == 2 * [
        "cannot publish to customers.events, trying on: Kafka does not answer",
        "publishing to customers.events again",
    ]


@pytest.mark.parametrize("is_running", [True, False])
async def test_recreated_topic_is_filled_from_the_start(
    database: Database, caplog: pytest.LogCaptureFixture, *, is_running: bool
) -> None:
    """A topic made anew is noticed, by a relay that runs and by one that starts: all is told."""
    keeper, topic = Shopkeeper(database), HandMadeTopic()
    keeper.change("c-1", "c-2", "c-1")

    async with at_work(new_relay(database, topic)):
        await topic.wait_for_events(3)
        keeper.change("c-3")
        await topic.wait_for_events(4)
        await asyncio.sleep(1)
        if is_running:
            topic.recreate()
            keeper.change("c-1")
            await topic.wait_for(lambda: topic.versions().keys() == keeper.committed.keys())
    if not is_running:
        topic.recreate()
        async with at_work(new_relay(database, topic)):
            await topic.wait_for(lambda: topic.versions().keys() == keeper.committed.keys())

    assert "is another log" in caplog.text
    told = {key: versions[-1] for key, versions in topic.versions().items()}
    assert told == keeper.committed


def test_log_that_gave_an_offset_before_is_another_one() -> None:
    """Offsets of a partition only grow; where one is given again, the log was replaced."""
    known = {0: 10, 1: 4}

    grown = after_all(known, [Acknowledged(0, 11), Acknowledged(2, 0), Acknowledged(0, 12)])

    assert grown == {0: 12, 1: 4, 2: 0}
    with pytest.raises(LogReplaced):
        after_all(known, [Acknowledged(0, 10)])
    with pytest.raises(LogReplaced):
        after_all(known, [Acknowledged(0, 11), Acknowledged(0, 0)])


def test_offset_that_the_broker_forgot_proves_nothing() -> None:
    """A repeated batch may be acknowledged without its offset; that is no other log."""
    assert after_all({0: 10}, [Acknowledged(0, NO_OFFSET)]) == {0: 10}


def test_log_that_ends_before_what_it_acknowledged_has_lost_it() -> None:
    """A partition's end lies behind every record that was acknowledged, or the log is another."""
    refuse_shorter_log({0: 10}, {0: 11, 1: 0})

    for ends in ({0: 10}, {1: 20}):
        with pytest.raises(LogReplaced):
            refuse_shorter_log({0: 10}, ends)

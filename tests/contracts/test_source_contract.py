"""The contract of an event source: every event once and in order, from any position it gave."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from projections.errors import CursorUnknown
from projections.events import StateChange
from projections.store import EventBatch
from projections.views import CustomerRow
from tests.builders.rows import customer_key
from tests.contracts.source_implementations import (
    BATCH_LIMIT,
    FIRST_IDS,
    IMPLEMENTATIONS,
    OPTIONS,
    Open,
    SourceUnderTest,
)


@pytest.fixture(params=IMPLEMENTATIONS)
async def under_test(request: pytest.FixtureRequest) -> AsyncIterator[SourceUnderTest]:
    opening: Open = request.param
    async with opening(request) as under_test:
        yield under_test


def changes_of(*batches: EventBatch) -> list[StateChange]:
    events = [event for batch in batches for event in batch.events]
    changes = [event for event in events if isinstance(event, StateChange)]
    assert changes == events
    return changes


def names_in(batch: EventBatch) -> list[str]:
    rows = [change.row for change in changes_of(batch)]
    return [row.name for row in rows if isinstance(row, CustomerRow)]


async def read_out(under_test: SourceUnderTest, after: str | None = None) -> list[EventBatch]:
    """Batch after batch, until the source has been read to its end."""
    batches = [await under_test.source.fetch(after)]
    while not batches[-1].position.is_caught_up:
        batches.append(await under_test.source.fetch(batches[-1].position.cursor))
    return batches


async def end_of(under_test: SourceUnderTest) -> str:
    return (await read_out(under_test))[-1].position.cursor


async def test_log_is_read_from_its_start_in_batches(under_test: SourceUnderTest) -> None:
    """Without a cursor everything comes, in commit order, a bounded batch at a time."""
    batches = await read_out(under_test)

    assert [len(batch.events) for batch in batches] == [BATCH_LIMIT, 1]
    assert [change.key.id for change in changes_of(*batches)] == list(FIRST_IDS)
    assert {batch.partition for batch in batches} == {under_test.source.partition}


async def test_caught_up_is_said_at_the_end_only(under_test: SourceUnderTest) -> None:
    """As long as more is there, a source does not pass for read out."""
    first, last = await read_out(under_test)

    assert (first.position.is_caught_up, first.position.remaining_count) == (False, 1)
    assert (last.position.is_caught_up, last.position.remaining_count) == (True, 0)


async def test_position_is_gone_on_from(under_test: SourceUnderTest) -> None:
    """From any position it gave, a source repeats nothing and skips nothing."""
    first, last = await read_out(under_test)
    await under_test.rename("Ada King")

    after_first = await read_out(under_test, first.position.cursor)
    after_last = await read_out(under_test, last.position.cursor)

    assert [change.key.id for change in changes_of(*after_first)] == ["c-3", "c-1"]
    assert [names_in(batch) for batch in after_last] == [["Ada King"]]


async def test_place_tells_how_much_of_which_log_was_read(under_test: SourceUnderTest) -> None:
    """It grows with the events and stands still without; whoever goes on stays in the log."""
    first, last = await read_out(under_test)
    quiet = await under_test.source.fetch(last.position.cursor)
    await under_test.rename("Ada King")
    [*_, after_first] = await read_out(under_test, first.position.cursor)

    index = under_test.source.partition.index
    places = [batch.position.places[index] for batch in (first, last, quiet, after_first)]
    assert [place.offset for place in places] == [2, 3, 3, 4]
    assert len({place.log for place in places}) == 1
    assert 0 <= places[0].log < 2**32


async def test_versions_of_an_aggregate_come_in_order(under_test: SourceUnderTest) -> None:
    """Each change names its version and the one before."""
    end = await end_of(under_test)
    await under_test.rename("Ada King")
    await under_test.rename("Ada Lovelace")

    first = await under_test.source.fetch(end)
    rest = [] if len(first.events) == 2 else [await under_test.source.fetch(first.position.cursor)]
    changes = changes_of(first, *rest)

    assert [(change.at.number, change.previous_number) for change in changes] == [(2, 1), (3, 2)]
    assert {change.key for change in changes} == {customer_key("c-1")}


async def test_quiet_source_answers_with_a_later_proof(under_test: SourceUnderTest) -> None:
    """Nothing new is an answer too: the same place, proven to be the end at a later time."""
    first = await under_test.source.fetch(await end_of(under_test))

    second = await under_test.source.fetch(first.position.cursor)

    assert first.events == second.events == ()
    assert second.position.cursor == first.position.cursor
    assert second.position.is_caught_up
    assert second.position.proven_at_s > first.position.proven_at_s


async def test_commit_ends_the_wait(under_test: SourceUnderTest) -> None:
    """Who waits at the end of the log gets the next event when it is committed."""
    loop = asyncio.get_running_loop()
    end = await end_of(under_test)
    started_at_s = loop.time()

    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(under_test.source.fetch(end))
        await asyncio.sleep(0)
        await under_test.rename("Ada King")
    waited_s = loop.time() - started_at_s

    assert names_in(waiting.result()) == ["Ada King"]
    assert waited_s < OPTIONS.wait_s


async def test_proof_does_not_cover_what_comes_after_it(under_test: SourceUnderTest) -> None:
    """Whatever a position proves, the next commit is not before it."""
    end = (await read_out(under_test))[-1].position
    committed_from_s = time.time()
    await under_test.rename("Ada King")

    next_position = (await under_test.source.fetch(end.cursor)).position

    assert end.proven_at_s <= committed_from_s
    assert end.proven_at_s <= next_position.proven_at_s <= time.time()


async def test_cancelled_fetch_loses_nothing(under_test: SourceUnderTest) -> None:
    """A consumer that leaves in the middle of a poll finds everything at the same place."""
    end = await end_of(under_test)
    async with asyncio.TaskGroup() as group:
        leaving = group.create_task(under_test.source.fetch(end))
        await asyncio.sleep(0)
        leaving.cancel()
    await under_test.rename("Ada King")

    batch = await under_test.source.fetch(end)

    assert leaving.cancelled()
    assert names_in(batch) == ["Ada King"]


async def test_cursor_of_another_log_is_refused(under_test: SourceUnderTest) -> None:
    """A position that this log never gave would skip events, so it is not gone on from."""
    with pytest.raises(CursorUnknown):
        await under_test.source.fetch(under_test.foreign_cursor)

"""Reads logs from their start into a projection that is being built, and keeps it at their ends.

The rule: how far it has got is asked of the store it fills, never remembered, for a log made anew
in the middle of it takes back what other partitions of its source had brought.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from projections.consumer import (
    BatchApplied,
    Consumer,
    ConsumerOptions,
    Observer,
    ProjectionSignal,
    SourceFailed,
)
from projections.errors import OutOfReach, ProjectionError, SourceUnavailable, StoreUnavailable
from projections.feed import EventSource
from projections.kafka.cursor import parse_place
from projections.positions import Partition
from projections.store import EventBatch, Store


class HasReached(Protocol):
    """Whether ``ours`` holds all that ``theirs`` does; cursors of one partition."""

    def __call__(self, ours: str, theirs: str, *, is_at_end: bool) -> bool:
        """``is_at_end``: ours was the end of the log when it was asked after theirs was read."""
        ...


def reached_by_asking(ours: str, theirs: str, *, is_at_end: bool) -> bool:
    """`HasReached` of a feed: its cursors say nothing, but every answer reads the log's end."""
    return is_at_end or ours == theirs


def reached_by_offset(ours: str, theirs: str, *, is_at_end: bool) -> bool:
    """`HasReached` of Kafka. The end of a log is hearsay there, so a lesser offset is not enough.

    Cursors of another kind of source can be compared with nothing.
    """
    try:
        places = parse_place(ours), parse_place(theirs)
    except ValueError:
        return is_at_end
    our_offset, their_offset = (0 if place is None else place.next_offset for place in places)
    return our_offset >= their_offset


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayOptions:
    """How much at once, and how patient.

    ``partition_count_at_once`` (default 6): while one waits for its log, another is written.
    ``failure_limit`` (count, default 10): failures of a partition in a row that end the replay.
    ``backoff_s`` (s, default 0.5): between them, so that a broker that restarts is waited out.
    ``reach_limit_s`` (s, default 30): for getting as far as what serves, once at the logs' ends.
    """

    partition_count_at_once: int = 6
    failure_limit: int = 10
    backoff_s: float = 0.5
    reach_limit_s: float = 30.0


class Replay:
    """The logs that are read into ``green``, one `EventSource` a partition."""

    def __init__(
        self,
        sources: Sequence[EventSource],
        green: Store,
        observe: Observer,
        *,
        has_reached: HasReached,
        options: ReplayOptions,
        consumer_options: ConsumerOptions,
    ) -> None:
        self._green = green
        self._has_reached = has_reached
        self._options = options
        self._observe = observe
        self._partitions = [
            _PartitionReplay(source, green, observe, consumer_options) for source in sources
        ]

    def recognise(self, cursors: Mapping[Partition, str]) -> None:
        """Have green's places be of the logs in which these cursors lie, where they are the same.

        Else what readers have seen of blue would not compare with what they are shown of green.
        """
        for replay, cursor in self._with_cursors(cursors):
            replay.recognise(cursor)

    async def to_ends(self) -> None:
        """Read every log until an answer ends at its end. Raises a `ProjectionError`."""
        await self._each(lambda replay: self._read(replay, None))

    async def reach(self, expected: Mapping[Partition, str]) -> None:
        """Read on until each partition holds all that lies before its cursor in ``expected``.

        Raises `OutOfReach` where that does not come to pass, or another `ProjectionError`.
        """
        cursors = dict(self._with_cursors(expected))

        async def read_on(replay: "_PartitionReplay") -> None:
            if replay in cursors:
                await self._read(replay, cursors[replay])

        try:
            async with asyncio.timeout(self._options.reach_limit_s):
                await self._each(read_on)
        except TimeoutError:
            raise OutOfReach(self._options.reach_limit_s) from None

    def _with_cursors(
        self, cursors: Mapping[Partition, str]
    ) -> "Iterator[tuple[_PartitionReplay, str]]":
        """Those who have a cursor, however many partitions their source had when it was stored."""
        by_place = {(p.source, p.index): cursor for p, cursor in cursors.items()}
        for replay in self._partitions:
            cursor = by_place.get((replay.partition.source, replay.partition.index))
            if cursor is not None:
                yield replay, cursor

    async def _read(self, replay: "_PartitionReplay", expected: str | None) -> None:
        """Read one partition to ``expected``, or to the end of its log as it is from now on."""
        replay.is_at_end = False
        failure_count = 0
        while True:
            try:
                if await self._is_there(replay, expected):
                    return
                await replay.step()
                failure_count = 0
            except (SourceUnavailable, StoreUnavailable) as error:
                failure_count += 1
                if failure_count >= self._options.failure_limit:
                    raise
                self._observe(SourceFailed(replay.partition, error, self._options.backoff_s))
                await asyncio.sleep(self._options.backoff_s)

    async def _is_there(self, replay: "_PartitionReplay", expected: str | None) -> bool:
        if expected is None and not replay.is_at_end:
            return False
        position = await self._green.position(replay.partition)
        if position is None:
            return False
        return expected is None or self._has_reached(
            position.cursor, expected, is_at_end=replay.is_at_end
        )

    async def _each(
        self, work: "Callable[[_PartitionReplay], Coroutine[None, None, None]]"
    ) -> None:
        """Do ``work`` for all partitions, a few at once; the first failure ends the others."""
        waiting = iter(self._partitions)
        at_once = min(self._options.partition_count_at_once, len(self._partitions))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(at_once):
                    group.create_task(_work_off(waiting, work))
        except* ProjectionError as failures:
            first_failure = failures.exceptions[0]
        else:
            return
        # Raised out here, because inside the `except*` it would come out wrapped in a group again.
        raise first_failure


class _PartitionReplay:
    """One partition: a consumer, and whether what it stored last ended at the log's end."""

    def __init__(
        self, source: EventSource, green: Store, observe: Observer, options: ConsumerOptions
    ) -> None:
        self.partition = source.partition
        self.is_at_end = False
        self._source = source
        self._observe = observe
        self._consumer = Consumer(self, green, self._note, options)
        self._is_fetched_to_end = False

    async def step(self) -> None:
        self.is_at_end = False
        await self._consumer.step()

    async def fetch(self, after: str | None) -> EventBatch:
        """Obey `EventSource.fetch`, and note where the batch ends.

        A stored position that was caught up once stays so; here it is this batch that counts.
        """
        batch = await self._source.fetch(after)
        self._is_fetched_to_end = batch.position.is_caught_up
        return batch

    def recognise(self, cursor: str) -> None:
        """Obey `EventSource.recognise`."""
        self._source.recognise(cursor)

    def _note(self, signal: ProjectionSignal) -> None:
        if isinstance(signal, BatchApplied):
            self.is_at_end = self._is_fetched_to_end
        self._observe(signal)


async def _work_off(
    waiting: Iterator[_PartitionReplay],
    work: Callable[[_PartitionReplay], Coroutine[None, None, None]],
) -> None:
    for replay in waiting:
        await work(replay)

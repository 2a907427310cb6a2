"""The logs of one service: its relay ships commits into partitions, from which consumers read.

As the real ones do: at least once, in order by aggregate and in no order across them, with
heartbeats that vouch for all that was committed before; and a topic that was made again is filled
from the first commit of the service's present life.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zlib import crc32

import msgspec

from projections.errors import LogReplaced
from projections.events import ParsedEvent, UnreadableEvent, parse_event
from projections.positions import NEVER_S, LogPlace, Partition, SourcePosition
from projections.store import EventBatch
from projections.versions import AggregateKey, Version
from tests.laws.proof.world.owners import Commit, Owner

EVERYTHING = 1_000


@dataclass(frozen=True, slots=True)
class Beat:
    """A heartbeat: all that was committed before this instant (wall clock, s) lies before it."""

    at_s: float


Record = bytes | Beat


@dataclass(slots=True)
class PartitionLog:
    """One partition of a topic; ``log`` is its identity.

    ``offset_after`` is how far a reader has got who has read a commit.
    """

    log: int
    records: list[Record] = field(default_factory=list)
    shipped: list[Commit] = field(default_factory=list)
    offset_after: dict[tuple[AggregateKey, Version], int] = field(default_factory=dict)


class Topic:
    """The partitions of one service's events, and the relay that fills them."""

    def __init__(self, owner: Owner, partition_count: int) -> None:
        self.owner = owner
        self.partition_count = partition_count
        self.making = 0
        self.poisons_next = False
        self.partitions: list[PartitionLog] = []
        self._former: list[tuple[int, PartitionLog]] = []
        self.unshipped: list[Commit] = []
        self._taken_count = 0
        self._life = owner.life
        self.make_again()

    def make_again(self) -> None:
        """Delete the topic and make it anew, empty; the relay fills it from the first commit."""
        self.making += 1
        self._former += enumerate(self.partitions)
        self.partitions = [
            PartitionLog(crc32(f"{self.owner.source}/{index}#{self.making}".encode()))
            for index in range(self.partition_count)
        ]
        self.unshipped, self._taken_count = [], 0
        self._life = self.owner.life
        self.look()

    def look(self) -> None:
        """Take note of what was committed; a service in a new life has a new topic."""
        if self.owner.life != self._life:
            self.make_again()
            return
        self.unshipped += self.owner.log[self._taken_count :]
        self._taken_count = len(self.owner.log)

    @property
    def has_unshipped(self) -> bool:
        """Is there a commit that no log holds?"""
        self.look()
        return bool(self.unshipped)

    def ship(self, nth: int) -> Commit | None:
        """Ship one commit: of those that are the oldest of their aggregate, the nth (modulo)."""
        self.look()
        heads = list({commit.key: commit for commit in reversed(self.unshipped)}.values())
        if not heads:
            return None
        commit = sorted(heads, key=self.unshipped.index)[nth % len(heads)]
        self.unshipped.remove(commit)
        self._append(commit, is_poison=self.poisons_next)
        self.poisons_next = False
        return commit

    def ship_all(self) -> None:
        """Ship everything, in the order of the commits, and vouch for it."""
        while self.ship(0):
            pass
        self.beat()

    def ship_again(self, count: int) -> None:
        """Ship the last commits once more, as a relay does that was killed before it noted them."""
        for partition in self.partitions:
            for commit in partition.shipped[-count:]:
                partition.records.append(event_of(commit))

    def beat(self) -> None:
        """Send a heartbeat through every partition, each vouching for as much as it can."""
        self.look()
        for index, partition in enumerate(self.partitions):
            held_back = [c.at_s for c in self.unshipped if self.index_of(c.key) == index]
            partition.records.append(Beat(min([self.owner.wall_clock(), *held_back])))

    def told_of(self, row_id: str) -> Commit | None:
        """The newest commit of a row that has been shipped or lies on the backup."""
        key = AggregateKey(self.owner.of, row_id)
        logs = [*(partition for _, partition in self._former), *self.partitions]
        shipped = [c for log in logs for c in log.shipped if c.at.epoch == self.owner.epoch]
        told = [*self.owner.log[: self.owner.kept_count], *shipped]
        return max((c for c in told if c.key == key), key=lambda c: c.at, default=None)

    def told(self) -> dict[tuple[AggregateKey, Version], dict[tuple[int, int], int]]:
        """Of each commit the logs that hold it, by partition and identity, and the offset after."""
        told: dict[tuple[AggregateKey, Version], dict[tuple[int, int], int]] = {}
        for index, partition in (*self._former, *enumerate(self.partitions)):
            for commit, offset in partition.offset_after.items():
                told.setdefault(commit, {})[index, partition.log] = offset
        return told

    def index_of(self, key: AggregateKey) -> int:
        return crc32(key.id.encode()) % self.partition_count

    def partition_names(self) -> Iterable[Partition]:
        return (
            Partition(self.owner.source, index, self.partition_count)
            for index in range(self.partition_count)
        )

    def _append(self, commit: Commit, *, is_poison: bool) -> None:
        partition = self.partitions[self.index_of(commit.key)]
        partition.shipped.append(commit)
        partition.records.append(poisoned(commit) if is_poison else event_of(commit))
        partition.offset_after[commit.key, commit.at] = len(partition.records)


class LogReader:
    """`projections.feed.EventSource` over one partition.

    Reads ``limit`` records at a time; ``wait_s``: how long it waits where there is none.
    """

    def __init__(self, topic: Topic, partition: Partition, *, wait_s: float = 0.0) -> None:
        self.partition = partition
        self.limit = EVERYTHING
        self._topic = topic
        self._wait_s = wait_s

    async def fetch(self, after: str | None) -> EventBatch:
        """What lies behind the cursor; raises `LogReplaced` where it is another log's."""
        self._topic.look()
        batch = self._read(after)
        if self._wait_s and not batch.events:
            await asyncio.sleep(self._wait_s)
            self._topic.look()
            batch = self._read(after)
        return batch

    def recognise(self, cursor: str) -> None:
        """These logs know themselves."""

    def _read(self, after: str | None) -> EventBatch:
        log = self._topic.partitions[self.partition.index]
        start = 0 if after is None else self._offset(after, log)
        records = log.records[start : start + self.limit]
        events = tuple(_parsed(record) for record in records if isinstance(record, bytes))
        end = start + len(records)
        position = SourcePosition(
            cursor=f"{log.log}-{end}",
            proven_at_s=max([NEVER_S, *(r.at_s for r in records if isinstance(r, Beat))]),
            is_caught_up=end == len(log.records),
            remaining_count=len(log.records) - end,
            places={self.partition.index: LogPlace(log.log, end)},
        )
        return EventBatch(self.partition, after, events, position)

    def _offset(self, cursor: str, log: PartitionLog) -> int:
        log_id, _, offset = cursor.partition("-")
        if int(log_id) != log.log:
            raise LogReplaced(self.partition.source, "the topic was made again")
        return int(offset)


def _parsed(record: bytes) -> ParsedEvent:
    event = parse_event(record)
    assert not isinstance(event, UnreadableEvent)
    return event


def has_reached(ours: str, theirs: str, *, is_at_end: bool) -> bool:
    """`projections.rebuild.replay.HasReached` for cursors of these logs."""
    our_log, _, our_offset = ours.partition("-")
    their_log, _, their_offset = theirs.partition("-")
    return our_log == their_log and int(our_offset) >= int(their_offset)


def event_of(commit: Commit, **attributes: object) -> bytes:
    """The CloudEvent of a commit."""
    noun = commit.key.type.value
    event = {
        "id": f"{commit.key}@{commit.at}",
        "source": f"/{noun}s",
        "type": f"{noun}.updated",
        "subject": commit.key.id,
        "time": datetime.fromtimestamp(commit.at_s, UTC),
        "aggregateversion": commit.at.number,
        "previousversion": commit.previous_number,
        "sourceepoch": commit.at.epoch,
        "tombstone": commit.row is None,
        "data": commit.row,
        **attributes,
    }
    return msgspec.json.encode(event)


def poisoned(commit: Commit) -> bytes:
    """An event of which nobody can read the state."""
    return event_of(commit, data={"id": 7}, tombstone=False)

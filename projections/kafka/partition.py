"""The distributed event source: one partition of a Kafka topic.

The rule: where reading goes on is what the store says, never what Kafka has committed; and before
anything is read from there, the log must show that it is the one in which that place lies. A topic
made anew, cut or expired is told (`CursorUnknown`) and started over. Every way of doubt ends in
reading something twice, which the version gate makes harmless, and none in passing over something.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from aiokafka import AIOKafkaConsumer, errors

from projections.errors import (
    CursorUnknown,
    LogExpired,
    LogReplaced,
    LogTruncated,
    SourceBroken,
    SourceError,
    SourceUnavailable,
)
from projections.kafka.client import to_source_error
from projections.kafka.cursor import START, Place, mark_of, new_lineage, parse_place
from projections.kafka.lane import KafkaRecord, Lane, PlaceLost
from projections.kafka.options import KafkaOptions
from projections.kafka.records import Reading, read_records
from projections.kafka.signals import KafkaObserver, LogReplayed
from projections.positions import NEVER_S, Partition, SourcePosition
from projections.store import EventBatch

LOST: Final = (PlaceLost, errors.OffsetOutOfRangeError, errors.NoOffsetForPartitionError)
"""What a lane ends with when its place has to be found again."""


class KafkaPartition:
    """The `EventSource` of one partition. ``wall_clock`` gives epoch seconds.

    ``confirmed_offset`` is where the store was known to stand at the last fetch; None before.
    """

    def __init__(
        self,
        partition: Partition,
        consumer: AIOKafkaConsumer,
        lane: Lane,
        options: KafkaOptions,
        observe: KafkaObserver,
        *,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self.partition = partition
        self.confirmed_offset: int | None = None
        self._consumer = consumer
        self._lane = lane
        self._options = options
        self._observe = observe
        self._wall_clock = wall_clock
        self._cursor: str | None = None
        self._place: Place | None = None
        self._lineage = new_lineage()
        self._known: Place | None = None
        self._is_placed = False
        self._proven_at_s = NEVER_S

    async def fetch(self, after: str | None) -> EventBatch:
        try:
            if not self._is_placed or after != self._cursor or self._lane.is_lost:
                await self._go_to(after)
            self.confirmed_offset = None if self._place is None else self._place.next_offset
            records = await self._take(after)
        except errors.KafkaError as error:
            raise self._told(error) from error
        return self._batch(after, records)

    def recognise(self, cursor: str) -> None:
        try:
            self._known = parse_place(cursor)
        except ValueError:
            self._known = None

    async def _take(self, after: str | None) -> list[KafkaRecord]:
        try:
            records = await self._lane.take(self._options.batch_limit, self._options.wait_s)
        except LOST:
            await self._go_to(after)
            records = await self._lane.take(self._options.batch_limit, self._options.wait_s)
        if not records and self._lane.silent_for_s > self._options.silence_limit_s:
            raise SourceUnavailable(
                self.partition.source, f"no answer for {self._lane.silent_for_s:.0f} s"
            )
        return records

    async def _go_to(self, after: str | None) -> None:
        """Stand at the place that ``after`` names, once the log is known to be its log.

        Raises a `CursorUnknown` when it is not.
        """
        self._is_placed = False
        place = self._parse(after)
        try:
            place = await self._reach(place)
        except PlaceLost:
            place = await self._reach_again(place)
        self._cursor, self._place, self._proven_at_s = after, place, NEVER_S
        self._is_placed = True

    async def _reach_again(self, place: Place | None) -> Place | None:
        """What was found the first time may be of another log already."""
        try:
            return await self._reach(place)
        except PlaceLost as lost:
            reason = f"no answer from the broker that would stay true: {lost}"
            raise SourceUnavailable(self.partition.source, reason) from lost

    async def _reach(self, place: Place | None) -> Place | None:
        [first_offset] = (await self._consumer.beginning_offsets([self._lane.at])).values()
        [end_offset] = (await self._consumer.end_offsets([self._lane.at])).values()
        if place is None:
            await self._begin(first_offset, end_offset)
            return None
        self._refuse_outside(place, first_offset, end_offset)
        return await self._find(place, first_offset, end_offset)

    def _parse(self, after: str | None) -> Place | None:
        try:
            return parse_place(START if after is None else after)
        except ValueError as error:
            raise CursorUnknown(self.partition.source, str(error)) from error

    def _refuse_outside(self, place: Place, first_offset: int, end_offset: int) -> None:
        """Raise when the log cannot have the place at all."""
        if end_offset < place.next_offset:
            reason = f"{self.partition} was read to {place.next_offset}, its log ends at"
            raise LogTruncated(self.partition.source, f"{reason} {end_offset}")
        if first_offset > place.next_offset:
            reason = f"{self.partition} was read to {place.next_offset}, its log begins at"
            raise LogExpired(self.partition.source, f"{reason} {first_offset}")

    async def _begin(self, first_offset: int, end_offset: int) -> None:
        """Go to the log's start, in the lineage of the place it is known by, if that is in it."""
        self._lineage = new_lineage()
        known = self._known
        if known is not None and known.next_offset <= end_offset:
            record = await self._record_at(known.marked_offset, first_offset, end_offset)
            if record is not None and mark_of(record) == known.mark:
                self._lineage = known.lineage
        self._lane.send_to(first_offset)

    async def _find(self, place: Place, first_offset: int, end_offset: int) -> Place | None:
        """Go to the place if the marked record is there; if it is gone, to the log's start.

        The place found; None at the start, from where on it is another lineage. A record goes when
        compaction or retention removes it, and what else would show that this is the same log went
        with it. To go on regardless might pass over a log made anew; to drop the rows would be too
        much. Reading all again on top of them is right in both cases.
        """
        record = await self._record_at(place.marked_offset, first_offset, end_offset)
        if record is None:
            self._lineage = new_lineage()
            self._lane.send_to(first_offset)
            self._observe(LogReplayed(self.partition, str(place)))
            return None
        if mark_of(record) != place.mark:
            reason = f"{self.partition} has another record at {place.marked_offset} than was read"
            raise LogReplaced(self.partition.source, reason)
        self._lineage = place.lineage
        if self._lane.next_offset != place.next_offset:
            self._lane.send_to(place.next_offset)
        return place

    async def _record_at(
        self, offset: int, first_offset: int, end_offset: int
    ) -> KafkaRecord | None:
        """The record at the offset; None if it is no longer there. The lane stands behind it."""
        if offset < first_offset:
            return None
        self._lane.send_to(offset)
        while not (records := await self._lane.take(1, self._options.poll_s)):
            if self._lane.next_offset >= end_offset:
                return None
            if self._lane.silent_for_s > self._options.silence_limit_s:
                raise SourceUnavailable(self.partition.source, "no answer from the broker")
        return records[0] if records[0].offset == offset else None

    def _batch(self, after: str | None, records: list[KafkaRecord]) -> EventBatch:
        reading = read_records(records, self.partition.source, self._options.record_limit_bytes)
        if reading.blocked is not None:
            self._lane.drop("it holds what comes after a record that must not be passed")
            if reading.next_offset is None:
                raise self._broken(f"record {reading.blocked.offset}: {reading.blocked.reason}")
        self._place = self._behind(reading)
        self._cursor = START if self._place is None else str(self._place)
        position = self._position(reading)
        return EventBatch(self.partition, after, tuple(reading.events), position)

    def _behind(self, reading: Reading) -> Place | None:
        """The place behind what was read."""
        if reading.next_offset is None:
            return self._place
        if reading.marked is not None:
            marked = reading.marked
            return Place(reading.next_offset, marked.offset, mark_of(marked), self._lineage)
        if self._place is None:
            return None
        return replace(self._place, next_offset=reading.next_offset)

    def _position(self, reading: Reading) -> SourcePosition:
        remaining_count = self._lane.remaining_count
        is_caught_up = remaining_count == 0 and reading.blocked is None
        if self._options.has_heartbeats:
            proven_at_s = reading.proven_at_s
        else:
            proven_at_s = (self._lane.end_proven_at_s or NEVER_S) if is_caught_up else NEVER_S
        # Clocks differ, and a proof is never from the future.
        proven_at_s = min(proven_at_s, self._wall_clock())
        self._proven_at_s = max(self._proven_at_s, proven_at_s)
        cursor = START if self._cursor is None else self._cursor
        places = {} if self._place is None else {self.partition.index: self._place.in_log}
        return SourcePosition(cursor, self._proven_at_s, is_caught_up, remaining_count, places)

    def _told(self, error: errors.KafkaError) -> SourceError:
        match error:
            case errors.RecordTooLargeError(args=(_, _, offset, limit_bytes, *_)):
                reason = (
                    f"record {offset} is larger than a fetch of {limit_bytes} bytes:"
                    " raise the record limit, or delete the records up to it"
                )
                return self._broken(reason)
            case errors.CorruptRecordException():
                return self._broken(f"a record is damaged: {error}")
            case _:
                return to_source_error(self.partition.source, error)

    def _broken(self, reason: str) -> SourceBroken:
        return SourceBroken(self.partition.source, f"{self.partition}: {reason}")

"""The records of one partition on their way from its broker to its reader.

The rule: a lane hands over records of one log, in order, without a gap, from where it was sent to.
Whatever may break that (a failed poll, a log that was cut, a silence in which the log may have been
exchanged, brokers that tell anew who leads it) ends what the lane has to give, until it is sent to
a place anew. Lanes are bounded: one that is full is paused, and its broker is asked for the others
only.
"""

import asyncio
from collections import deque
from collections.abc import Collection
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition, errors
from aiokafka.structs import ConsumerRecord

from projections.kafka.options import KafkaOptions

LONGEST_GAP_S: Final = 2.0
"""Between two polls so far apart a topic can have been deleted, made again and filled (s)."""

MS: Final = 1000

UNTOLD: Final = -1
"""The last stable offset of a broker that knows no transactions."""


class PlaceLost(errors.KafkaError):
    """What comes next may not follow what came last: find the place in the log again."""


KafkaRecord = ConsumerRecord[bytes, bytes]


class Lane:
    """The records of one partition, and what is known of the end of its log."""

    def __init__(
        self, consumer: AIOKafkaConsumer, at: TopicPartition, options: KafkaOptions
    ) -> None:
        self.at = at
        self._consumer = consumer
        self._batch_limit = options.batch_limit
        self._poll_s = options.poll_s
        self._longest_gap_ms = max(LONGEST_GAP_S, 4 * options.poll_s) * MS
        self._records: deque[KafkaRecord] = deque()
        self._failure: errors.KafkaError | None = PlaceLost("not sent anywhere yet")
        self._arrival = asyncio.Event()
        self._next_offset = 0
        self._polled_elsewhere_ms: int | None = None
        self._polled_at_ms: int | None = None
        self._polled_before_ms: int | None = None
        self._is_doubted = False
        self._heard_at_s = asyncio.get_running_loop().time()

    @property
    def is_lost(self) -> bool:
        """Whether it has nothing to give until it is sent to a place."""
        return self._failure is not None and not self._records

    @property
    def next_offset(self) -> int:
        """The place behind the last record taken."""
        return self._next_offset

    @property
    def end_offset(self) -> int | None:
        """Where the log ended at the last poll; None before the first."""
        if self._polled_at_ms is None or not self._is_assigned():
            return None
        stable: int | None = self._consumer.last_stable_offset(self.at)
        highest: int | None = self._consumer.highwater(self.at)
        return highest if stable in {None, UNTOLD} else stable

    @property
    def remaining_count(self) -> int | None:
        """Offsets between the last record taken and the end of the log; None before a poll."""
        end_offset = self.end_offset
        return None if end_offset is None else max(0, end_offset - self._next_offset)

    @property
    def end_proven_at_s(self) -> float | None:
        """An instant (wall clock) before which the poll that told the end was not yet asked.

        That is when the answer before it came: a broker is asked one poll at a time.
        """
        return None if self._polled_before_ms is None else self._polled_before_ms / 1000

    @property
    def silent_for_s(self) -> float:
        """How long no poll has been answered."""
        return asyncio.get_running_loop().time() - self._heard_at_s

    def send_to(self, offset: int) -> None:
        """Go on from this offset; what lay in the lane is dropped.

        Raises IllegalStateError when the partition is not ours to read, or not there.
        """
        self._consumer.seek(self.at, offset)
        self._consumer.resume(self.at)
        self._records.clear()
        self._failure = None
        self._next_offset = offset
        self._polled_elsewhere_ms = self._consumer.last_poll_timestamp(self.at)
        self._polled_at_ms = self._polled_before_ms = None
        self._is_doubted = False
        self._heard_at_s = asyncio.get_running_loop().time()

    def doubt(self) -> None:
        """Give nothing that comes from now on before the place was found again.

        A topic that is deleted, made again and filled between two polls is a log like any other to
        the next of them. But the poll in between has failed, and its client has asked who leads.
        """
        self._is_doubted = True

    def lose(self, failure: errors.KafkaError) -> None:
        """Give nothing more, after what is here, than this failure."""
        if self._failure is None:
            self._failure = failure
            self._pause()
        self._arrival.set()

    def drop(self, why: str) -> None:
        """Give nothing more at all, not even what is here."""
        self._records.clear()
        self.lose(PlaceLost(why))

    def deliver(self, records: Collection[KafkaRecord]) -> None:
        """Called with what a poll has brought for this partition."""
        self.look()
        if self._failure is not None:
            return
        self._records.extend(records)
        if len(self._records) >= 2 * self._batch_limit:
            self._pause()
        self._arrival.set()

    def look(self) -> None:
        """Take note of the last poll's time and of the log's end."""
        if self._failure is not None:
            return
        if not self._is_assigned():
            self.lose(PlaceLost("the partition is not there"))
            return
        if self._is_doubted:
            self.lose(PlaceLost("its topic may have been made again"))
            return
        polled_at_ms = self._consumer.last_poll_timestamp(self.at)
        if polled_at_ms in {None, self._polled_elsewhere_ms, self._polled_at_ms}:
            return
        before_ms = self._polled_before_ms = self._polled_at_ms
        self._polled_at_ms = polled_at_ms
        self._heard_at_s = asyncio.get_running_loop().time()
        if before_ms is not None and polled_at_ms - before_ms > self._longest_gap_ms:
            self.lose(PlaceLost("no poll was answered for a while"))
        elif (self.end_offset or 0) < self._next_offset:
            self.lose(PlaceLost("the log ends before the place it was read to"))

    async def take(self, limit: int, wait_s: float) -> list[KafkaRecord]:
        """The next records, at most ``limit``; none if none came in ``wait_s``.

        Raises what ended the lane when there are no records before it. Cancelled, it loses nothing.
        """
        if not self._records and self._failure is None:
            await self._wait(wait_s)
        if not self._records:
            self.look()
            if self._failure is not None:
                raise self._failure
            await self._pass_over_control_records()
            return []
        taken = [self._records.popleft() for _ in range(min(limit, len(self._records)))]
        self._next_offset = taken[-1].offset + 1
        if len(self._records) <= self._batch_limit and self._failure is None:
            self._resume()
        return taken

    async def _wait(self, wait_s: float) -> None:
        self._arrival.clear()
        try:
            async with asyncio.timeout(wait_s):
                await self._arrival.wait()
        except TimeoutError:
            return

    async def _pass_over_control_records(self) -> None:
        """Count what no reader is ever given (the marks of transactions) as taken."""
        if self.remaining_count:
            try:
                async with asyncio.timeout(self._poll_s):
                    reached = await self._consumer.position(self.at)
            except (TimeoutError, errors.IllegalStateError):
                return
            if not self._records:
                self._next_offset = max(self._next_offset, reached)

    def _pause(self) -> None:
        if self._is_assigned():
            self._consumer.pause(self.at)

    def _resume(self) -> None:
        if self._is_assigned():
            self._consumer.resume(self.at)

    def _is_assigned(self) -> bool:
        return self.at in self._consumer.assignment()

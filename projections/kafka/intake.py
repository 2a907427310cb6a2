"""The one task that polls Kafka for all partitions, and hands each lane what is its own.

The rule: no failure is lost on the way, and none is told to the wrong lane. One task polls for all,
since each reader of aiokafka's own is woken by every record of everybody, and a reader that lags
holds up the polls of all.
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition, errors

from projections.kafka.lane import KafkaRecord, Lane
from projections.kafka.options import KafkaOptions

TICK_S: Final = 0.5
"""How often lanes without records are looked after (s): a quarter of the longest gap."""

MS: Final = 1000

OF_A_RECORD: Final = (errors.CorruptRecordException, errors.UnsupportedCodecError)
"""Raised for records of one partition without saying which."""


class Intake:
    """The one that polls, and the lanes it fills."""

    def __init__(self, consumer: AIOKafkaConsumer, options: KafkaOptions) -> None:
        self._consumer = consumer
        self._options = options
        self._lanes: dict[TopicPartition, Lane] = {}

    def open_lane(self, at: TopicPartition) -> Lane:
        """A new lane for an assigned partition, in place of an older one."""
        self._hold(at)
        lane = self._lanes[at] = Lane(self._consumer, at, self._options)
        return lane

    def close_lanes(self) -> None:
        """Forget all lanes: the partitions are somebody else's."""
        self._lanes.clear()

    def doubt_all(self, _: object = None) -> None:
        """The brokers have told anew who leads what."""
        for lane in self._lanes.values():
            lane.doubt()

    def lose_all(self, failure: errors.KafkaError) -> None:
        """Tell every lane a failure that is everybody's."""
        for lane in self._lanes.values():
            lane.lose(failure)

    async def run(self) -> None:
        """Poll for ever. Raises what is no single partition's failure."""
        loop = asyncio.get_running_loop()
        looked_at_s = loop.time()
        while True:
            try:
                arrived = await self._consumer.getmany(timeout_ms=round(TICK_S * MS))
            except errors.KafkaError as error:
                self._tell(error)
                continue
            self._deliver(arrived)
            if loop.time() - looked_at_s >= TICK_S:
                looked_at_s = loop.time()
                for lane in self._lanes.values():
                    lane.look()

    def _deliver(self, arrived: Mapping[TopicPartition, list[KafkaRecord]]) -> None:
        for at, records in arrived.items():
            lane = self._lanes.get(at)
            if lane is not None:
                lane.deliver(records)

    def _hold(self, at: TopicPartition) -> None:
        """Keep still until somebody sends it to a place.

        A partition that stands nowhere is asked for its committed offset over and over.
        """
        if at in self._consumer.assignment():
            self._consumer.seek(at, 0)
            self._consumer.pause(at)

    def _tell(self, error: errors.KafkaError) -> None:
        """Tell a failure to the lane it is of.

        A record that cannot be unpacked may have cost others what was polled with it, so each of
        them finds its place again.
        """
        if isinstance(error, OF_A_RECORD):
            self.lose_all(error)
            return
        at = _partition_of(error)
        if at is None:
            raise error
        if isinstance(error, errors.NoOffsetForPartitionError):
            self._hold(at)
        owner = self._lanes.get(at)
        if owner is not None:
            owner.lose(error)


def _partition_of(error: errors.KafkaError) -> TopicPartition | None:
    """Whose failure it is; None if it is everybody's."""
    match error:
        case errors.OffsetOutOfRangeError(args=(dict() as offsets, *_)):
            return next(iter(offsets), None)
        case errors.NoOffsetForPartitionError(args=(TopicPartition() as at, *_)):
            return at
        case errors.RecordTooLargeError(args=(_, TopicPartition() as at, *_)):
            return at
        case _:
            return None

"""The loop: whatever the service commits is published while the lease is ours.

The rule: whatever becomes of Kafka, the service is not concerned. The relay says once what the
trouble is and once that it is over, and tries on in between. It is woken by commits and polls
nothing.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from upstream_stubs.database import Database
from upstream_stubs.outbox import utc_now
from upstream_stubs.relay import heartbeats, lease, progress
from upstream_stubs.relay.batches import Batch, read_batch
from upstream_stubs.relay.faults import RelayFaults
from upstream_stubs.relay.heartbeats import Heartbeats
from upstream_stubs.relay.kafka import Topic, TopicUnavailable
from upstream_stubs.relay.lease import Lease, LeaseLost
from upstream_stubs.relay.progress import LogReplaced, Progress, refuse_shorter_log

TABLES: Final = (lease.TABLE, *progress.TABLES, heartbeats.TABLE)
"""Made by the first relay over a file: files that are older than the relay are as good as new."""

log = logging.getLogger(__name__)


def topic_of(service: str) -> str:
    """The topic of a service's events."""
    return f"{service}.events"


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayOptions:
    """How a relay works.

    ``lease_s``: how long a relay that died bars the next one (s, 1–60, default 3).
    ``heartbeat_s``: the time between two heartbeats (s, 0.1–60, default 1); None: no heartbeats.
    ``batch_event_count``: events sent before their acknowledgements are awaited (1–10,000, default
    1,000: more is not faster, less waits more often).
    ``first_pause_s``, ``longest_pause_s``: the pause after a failure, doubled each time (s, 0.1 to
    2: a broker that comes back is found within two seconds).
    """

    lease_s: float = 3.0
    heartbeat_s: float | None = 1.0
    batch_event_count: int = 1000
    first_pause_s: float = 0.1
    longest_pause_s: float = 2.0


class Relay:
    """One service's relay. ``open_topic`` connects, and raises TopicUnavailable."""

    def __init__(
        self,
        service: str,
        database: Database,
        open_topic: Callable[[], AbstractAsyncContextManager[Topic]],
        faults: RelayFaults,
        *,
        options: RelayOptions = RelayOptions(),
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._topic_name = topic_of(service)
        self._database = database
        self._open_topic = open_topic
        self._faults = faults
        self._options = options
        self._lease = Lease(database, options.lease_s, now=now)
        self._progress = Progress(self._lease)
        self._heartbeats = Heartbeats(self._lease, f"/{service}", options.heartbeat_s, now=now)
        self._trouble: str | None = None
        with database.bookkeeping():
            for table in TABLES:
                database.change(table)

    async def run(self) -> None:
        """Publish whenever the lease is ours, until cancelled; then give the lease up."""
        while True:
            await self._lease.wait_until_taken()
            try:
                await self._publish_while_leased()
            except* LeaseLost:
                log.warning("another relay publishes to %s now", self._topic_name)
            finally:
                self._lease.release()

    async def _publish_while_leased(self) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(self._lease.keep(), name="keep lease")
            group.create_task(self._publish_through_outages(), name="publish")

    async def _publish_through_outages(self) -> None:
        """Connect and publish until cancelled. Raises LeaseLost."""
        pause_s = 0.0
        while True:
            try:
                async with self._open_topic() as topic:
                    await self._publish_on(topic)
            except LogReplaced as finding:
                name = self._topic_name
                log.warning("%s is another log (%s): publishing everything again", name, finding)
                self._progress.start_over()
            except TopicUnavailable as error:
                options = self._options
                is_new = self._trouble is None
                pause_s = options.first_pause_s if is_new else 2 * pause_s
                self._note_trouble(str(error))
                await asyncio.sleep(min(pause_s, options.longest_pause_s))

    async def _publish_on(self, topic: Topic) -> None:
        """Publish what there is and what comes, until cancelled or something fails."""
        refuse_shorter_log(self._progress.offsets(), await topic.end_offsets())
        while True:
            news = self._database.committed.next_ring()
            batch = self._next_batch()
            if batch is None:
                await self._wait_for(news)
            else:
                await self._publish(batch, topic)
                self._note_success()

    def _next_batch(self) -> Batch | None:
        """What is to be published now; None: nothing, for the moment."""
        if self._faults.present.is_held:
            return None
        self._heartbeats.beat_if_due()
        heartbeat = self._heartbeats.on_its_way()
        count = self._options.batch_event_count
        return read_batch(self._database, self._progress.place, heartbeat, count)

    async def _wait_for(self, news: asyncio.Event) -> None:
        """Return when there may be something to do: at a commit, or when a heartbeat is due."""
        is_held = self._faults.present.is_held
        try:
            async with asyncio.timeout(None if is_held else self._heartbeats.due_in_s()):
                await news.wait()
        except TimeoutError:
            pass  # it is due

    async def _publish(self, batch: Batch, topic: Topic) -> None:
        """Send the batch, await the acknowledgements, then note them: at least once."""
        records = tuple(batch.records(topic.partitions(), self._faults.variants))
        acknowledged = await topic.publish(records)
        with self._lease.transaction():
            self._progress.advance(batch.place, acknowledged)
            if batch.heartbeat is not None:
                self._heartbeats.arrived()

    def _note_trouble(self, trouble: str) -> None:
        if trouble != self._trouble:
            log.warning("cannot publish to %s, trying on: %s", self._topic_name, trouble)
        self._trouble = trouble

    def _note_success(self) -> None:
        if self._trouble is not None:
            log.info("publishing to %s again", self._topic_name)
        self._trouble = None

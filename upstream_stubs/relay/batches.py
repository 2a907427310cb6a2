"""What comes next: a piece of the outbox, and the heartbeat when the piece reaches it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from upstream_stubs.database import Database
from upstream_stubs.relay.heartbeats import Heartbeat

HEARTBEAT_KEY: Final = "~heartbeat"
"""No aggregate has it, ids begin with a letter or a digit; and a compacted topic keeps the last."""

NEXT: Final = (
    "SELECT place, aggregate_id, event FROM outbox WHERE place > ? AND place <= ?"
    " ORDER BY place LIMIT ?"
)
MAX_PLACE: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class Record:
    """What is sent to a topic; without a ``partition`` its key decides where it goes."""

    key: str
    value: str
    partition: int | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """Some events in the order of their commits, then perhaps the heartbeat that follows them.

    ``place``: how far the outbox is published once all of this is acknowledged.
    """

    place: int
    events: tuple[tuple[str, str], ...]
    heartbeat: Heartbeat | None

    def records(
        self, partitions: Iterable[int], variants: Callable[[str], Sequence[str]]
    ) -> Iterator[Record]:
        """The records to send, in this order; ``variants`` says as what an event is published."""
        for key, event in self.events:
            for text in variants(event):
                yield Record(key, text)
        if self.heartbeat is not None:
            for partition in partitions:
                yield Record(HEARTBEAT_KEY, self.heartbeat.event, partition)


def read_batch(
    database: Database, place: int, heartbeat: Heartbeat | None, event_count: int
) -> Batch | None:
    """What follows ``place``, at most ``event_count`` events of it; None: all is published."""
    end = MAX_PLACE if heartbeat is None else heartbeat.after_place
    rows = database.rows(NEXT, place, end, event_count)
    reaches_it = heartbeat is not None and len(rows) < event_count
    if not rows and not reaches_it:
        return None
    return Batch(
        place=rows[-1][0] if rows else place,
        events=tuple((key, event) for _, key, event in rows),
        heartbeat=heartbeat if reaches_it else None,
    )

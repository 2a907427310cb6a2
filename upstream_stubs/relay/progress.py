"""How far the outbox is published, and whether the topic is still the one it was published to.

The rule: place and offsets move together, in a transaction of the lease's owner, after Kafka has
acknowledged the records. A topic that was deleted and created again, or that lost its end, gives
offsets that it gave before. Then nothing that was published is known to be there, and everything is
published once more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from upstream_stubs.relay.lease import Lease

TABLES: Final = (
    (
        "CREATE TABLE IF NOT EXISTS relay_progress (id INTEGER PRIMARY KEY CHECK (id = 1),"
        " place INTEGER NOT NULL) STRICT"
    ),
    (
        "CREATE TABLE IF NOT EXISTS relay_offset (partition INTEGER PRIMARY KEY,"
        " last_offset INTEGER NOT NULL) STRICT"
    ),
)

MOVE: Final = "INSERT INTO relay_progress VALUES (1, ?1) ON CONFLICT DO UPDATE SET place = ?1"
REMEMBER: Final = (
    "INSERT INTO relay_offset VALUES (?1, ?2) ON CONFLICT DO UPDATE SET last_offset = ?2"
)

NO_OFFSET: Final = -1
"""What a broker says of a repeated batch that it knows to have, but no longer where."""


class LogReplaced(Exception):
    """The topic is not the one that was published to, or it has lost records."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """Where a record lies."""

    partition: int
    offset: int


def refuse_shorter_log(known: Mapping[int, int], ends: Mapping[int, int]) -> None:
    """Raise LogReplaced when a partition ends before a record that was acknowledged.

    ``known``: the last acknowledged offset of each partition; ``ends``: where the next will be.
    """
    for partition, last_offset in known.items():
        if ends.get(partition, 0) <= last_offset:
            raise LogReplaced(f"partition {partition} has lost the record at {last_offset}")


def after_all(known: Mapping[int, int], acknowledged: Sequence[Acknowledged]) -> Mapping[int, int]:
    """The last offset of each partition after these, given in the order of sending.

    Raises LogReplaced when a record lies at or before one that was sent earlier.
    """
    last = dict(known)
    for record in acknowledged:
        if record.offset == NO_OFFSET:
            continue
        if record.offset <= last.get(record.partition, NO_OFFSET):
            raise LogReplaced(f"partition {record.partition} begins anew at {record.offset}")
        last[record.partition] = record.offset
    return last


class Progress:
    """The place of the last outbox event that Kafka has acknowledged, as far as was noted."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self._database = lease.database

    @property
    def place(self) -> int:
        """The published place; 0 when nothing was."""
        rows = self._database.rows("SELECT place FROM relay_progress")
        place: int = rows[0][0] if rows else 0
        return place

    def offsets(self) -> Mapping[int, int]:
        """The last acknowledged offset of each partition."""
        return dict(self._database.rows("SELECT partition, last_offset FROM relay_offset"))

    def advance(self, place: int, acknowledged: Sequence[Acknowledged]) -> None:
        """Note that everything up to ``place`` is published. Only in the lease's transaction.

        Raises LogReplaced.
        """
        known = self.offsets()
        for partition, last_offset in after_all(known, acknowledged).items():
            if known.get(partition) != last_offset:
                self._database.change(REMEMBER, partition, last_offset)
        self._database.change(MOVE, place)

    def start_over(self) -> None:
        """Forget what was published, so that all of it is published again. Raises LeaseLost."""
        with self._lease.transaction():
            self._database.change("DELETE FROM relay_progress")
            self._database.change("DELETE FROM relay_offset")

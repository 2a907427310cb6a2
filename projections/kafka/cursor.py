"""A place in one Kafka partition, with evidence of the log in which it lies.

An offset alone says nothing: a topic that was deleted and made again has the same offsets. So a
cursor carries a mark, the fingerprint of the last change read, by which the log is known again:
``<next offset>-<marked offset>-<mark>-<lineage>``. Heartbeats move the next offset and not the
mark, for compaction removes them soon, whereas the last change of a partition stays.

The lineage tells one history of a log from another. It is drawn by lot when a partition is read
from its start, and carried from cursor to cursor as long as each is found again where it should be.
No record could stand for it: a log that lost its end begins as before, and goes on otherwise.
"""

import re
import secrets
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

from projections.positions import LogPlace

MARK_BYTES = 8
LINEAGE_BYTES = 4

START = "0"
"""The cursor of a partition in which nothing but heartbeats was found as yet.

It has no lineage, because there is no mark by which the log would be known again; so it is no place
that two readers could compare. Nothing was seen up to there that anybody could miss.
"""

_CURSOR = re.compile(r"(\d{1,19})-(\d{1,19})-([0-9a-f]{16})-([0-9a-f]{8})")


class Record(Protocol):
    """What we read of a record of the log; times are milliseconds since the epoch."""

    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """The next record is the one at ``next_offset``; ``mark`` is of the one at ``marked_offset``.

    >>> parse_place(str(Place(17, 12, "00ff00ff00ff00ff", "0000abcd")))
    Place(next_offset=17, marked_offset=12, mark='00ff00ff00ff00ff', lineage='0000abcd')
    """

    next_offset: int
    marked_offset: int
    mark: str
    lineage: str

    def __str__(self) -> str:
        return f"{self.next_offset}-{self.marked_offset}-{self.mark}-{self.lineage}"

    @property
    def in_log(self) -> LogPlace:
        """The place as readers of the projection compare it."""
        return LogPlace(int(self.lineage, 16), self.next_offset)


def parse_place(cursor: str) -> Place | None:
    """The place a cursor names; None for `START`. Raises ValueError for what we never gave."""
    if cursor == START:
        return None
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise ValueError(f"no cursor of a Kafka partition: {cursor[:80]!r}")
    place = Place(int(match[1]), int(match[2]), match[3], match[4])
    if place.marked_offset >= place.next_offset:
        raise ValueError(f"no cursor of a Kafka partition: {cursor!r}")
    return place


def new_lineage() -> str:
    """The lineage of a history that nobody has read before."""
    return secrets.token_hex(LINEAGE_BYTES)


def mark_of(record: Record) -> str:
    """The fingerprint of a record. Two logs share it only if they share the very record."""
    key, value = record.key or b"", record.value or b""
    digest = blake2b(digest_size=MARK_BYTES)
    digest.update(f"{record.offset} {record.timestamp} {len(key)} ".encode())
    digest.update(key)
    digest.update(value)
    return digest.hexdigest()

"""A place in one Kafka partition, with evidence of the log in which it lies.

An offset alone says nothing: a topic that was deleted and made again has the same offsets. So a
cursor carries a mark, the fingerprint of the last change read, by which the log is known again:
``<next offset>-<marked offset>-<mark>``. Heartbeats move the next offset and not the mark, for
compaction removes them soon, whereas the last change of a partition stays.
"""

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

MARK_BYTES = 8

START = "0"
"""The cursor of a partition in which nothing but heartbeats was found as yet."""

_CURSOR = re.compile(r"(\d{1,19})-(\d{1,19})-([0-9a-f]{16})")


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

    >>> parse_place(str(Place(17, 12, "00ff00ff00ff00ff")))
    Place(next_offset=17, marked_offset=12, mark='00ff00ff00ff00ff')
    """

    next_offset: int
    marked_offset: int
    mark: str

    def __str__(self) -> str:
        return f"{self.next_offset}-{self.marked_offset}-{self.mark}"


def parse_place(cursor: str) -> Place | None:
    """The place a cursor names; None for `START`. Raises ValueError for what we never gave."""
    if cursor == START:
        return None
    match = _CURSOR.fullmatch(cursor)
    if match is None:
        raise ValueError(f"no cursor of a Kafka partition: {cursor[:80]!r}")
    place = Place(int(match[1]), int(match[2]), match[3])
    if place.marked_offset >= place.next_offset:
        raise ValueError(f"no cursor of a Kafka partition: {cursor!r}")
    return place


def mark_of(record: Record) -> str:
    """The fingerprint of a record. Two logs share it only if they share the very record."""
    key, value = record.key or b"", record.value or b""
    digest = blake2b(digest_size=MARK_BYTES)
    digest.update(f"{record.offset} {record.timestamp} {len(key)} ".encode())
    digest.update(key)
    digest.update(value)
    return digest.hexdigest()

"""Reads the bytes inside a token: exactly those that `render_body` writes, and no others.

Whoever gets here has passed the MAC, so what is refused was sealed by another version of us, or by
a mistake of ours. Every step is bounded before it is taken.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import TypeVar

from projections.token import ConsistencyToken, FloorKey, Seen
from projections.token_format import (
    DOUBTS_FLAG,
    FLAGS_LIMIT,
    FLOOR_FLAG,
    LOG_BYTES,
    MAGIC_AND_KEY_BYTES,
    MARKS_FLAG,
    PLACE_LIMIT,
    TIME_LIMIT,
    TYPE_CODES,
    TYPES,
    UNCERTAIN_FLAG,
    VERSION_LIMIT,
    TokenBody,
    key_id_of,
    key_order,
    log_order,
)
from projections.token_size import MAX_ENTRIES, MAX_FLOOR, MAX_UNCERTAIN, fits
from projections.versions import AggregateKey, AggregateType, Version
from projections.views.aggregate import is_id

K = TypeVar("K")
V = TypeVar("V")
Rank = TypeVar("Rank", int, tuple[int, str], tuple[int, int])


class _Malformed(ValueError):
    """These bytes are not what `render_body` writes. Never leaves this module."""


def parse_body(body: bytes) -> TokenBody | None:
    """What these bytes say; None when they are not exactly what `render_body` writes."""
    key_id = key_id_of(body)
    if key_id is None:
        return None
    try:
        return _parse(key_id, _Reader(body, at=MAGIC_AND_KEY_BYTES))
    except _Malformed:
        return None


def _parse(key_id: int, reader: "_Reader") -> TokenBody:
    flags = reader.varint(below=FLAGS_LIMIT)
    issued_minute = reader.varint(below=TIME_LIMIT)
    entries = reader.table(reader.varint(below=MAX_ENTRIES + 1), _entry, key_order)
    marks = reader.table(reader.count(flags & MARKS_FLAG, len(TYPE_CODES)), _mark, _code)
    floor = reader.table(reader.count(flags & FLOOR_FLAG, MAX_FLOOR), _floor, log_order)
    doubts = reader.table(reader.count(flags & DOUBTS_FLAG, len(entries)), _doubt, int)
    uncertain = reader.table(reader.count(flags & UNCERTAIN_FLAG, MAX_UNCERTAIN), _key, key_order)
    token = ConsistencyToken(
        entries,
        marks,
        {log: Seen(offset, issued_minute - age) for log, (offset, age) in floor.items()},
        _by_key(doubts, list(entries)),
        frozenset(uncertain),
    )
    if not reader.is_at_end or not fits(token):
        raise _Malformed
    return TokenBody(key_id, issued_minute, token)


def _code(aggregate_type: AggregateType) -> int:
    return TYPE_CODES[aggregate_type]


def _entry(reader: "_Reader") -> tuple[AggregateKey, Version]:
    key, _ = _key(reader)
    at = Version(reader.varint(below=VERSION_LIMIT), reader.varint(below=VERSION_LIMIT))
    if at.number < 1:
        raise _Malformed
    return key, at


def _key(reader: "_Reader") -> tuple[AggregateKey, None]:
    type_and_length = reader.varint(below=len(TYPE_CODES) << 6)
    aggregate_id = reader.take((type_and_length & 0b11_1111) + 1).decode("latin-1")
    if not is_id(aggregate_id):
        raise _Malformed
    return AggregateKey(_type_of(type_and_length >> 6), aggregate_id), None


def _mark(reader: "_Reader") -> tuple[AggregateType, int]:
    return _type_of(reader.varint(below=len(TYPE_CODES))), reader.varint(below=TIME_LIMIT)


def _floor(reader: "_Reader") -> tuple[FloorKey, tuple[int, int]]:
    place = reader.varint(below=PLACE_LIMIT)
    log = FloorKey(_type_of(place & 0b111), place >> 3, int.from_bytes(reader.take(LOG_BYTES)))
    return log, (reader.varint(below=VERSION_LIMIT), reader.varint(below=TIME_LIMIT))


def _doubt(reader: "_Reader") -> tuple[int, int]:
    return reader.varint(below=MAX_ENTRIES), reader.varint(below=TIME_LIMIT)


def _by_key(doubts: dict[int, int], keys: list[AggregateKey]) -> dict[AggregateKey, int]:
    if any(index >= len(keys) for index in doubts):
        raise _Malformed
    return {keys[index]: second for index, second in doubts.items()}


def _type_of(code: int) -> AggregateType:
    if code not in TYPES:
        raise _Malformed
    return TYPES[code]


class _Reader:
    """Bytes read once from front to back; every shortfall is `_Malformed`."""

    def __init__(self, body: bytes, *, at: int) -> None:
        self._body = body
        self._next = at

    @property
    def is_at_end(self) -> bool:
        return self._next == len(self._body)

    def count(self, flag: int, limit: int) -> int:
        """How many items a section has; an empty one would be a second spelling of none."""
        if not flag:
            return 0
        count = self.varint(below=limit + 1)
        if count == 0:
            raise _Malformed
        return count

    def table(
        self,
        count: int,
        read_item: Callable[["_Reader"], tuple[K, V]],
        order: Callable[[K], Rank],
    ) -> dict[K, V]:
        """So many items, ascending by the order of their keys."""
        items = [read_item(self) for _ in range(count)]
        ranks = [order(key) for key, _ in items]
        if any(not rank < following for rank, following in pairwise(ranks)):
            raise _Malformed
        return dict(items)

    def take(self, count: int) -> bytes:
        taken = self._body[self._next : self._next + count]
        if len(taken) < count:
            raise _Malformed
        self._next += count
        return taken

    def varint(self, *, below: int) -> int:
        value = 0
        for shift in range(0, 56, 7):  # eight septets hold every number below VERSION_LIMIT
            septet = self.take(1)[0]
            value |= (septet & 0x7F) << shift
            if septet <= 0x7F:
                is_minimal = septet != 0 or shift == 0
                if not is_minimal or value >= below:
                    raise _Malformed
                return value
        raise _Malformed

"""How much of a token is too much: the bounds that keep it in one header of every request.

Sizes are reckoned from above and piece by piece, marks of all types included: so to drop a piece
and mark its type never makes a token larger. Pure.
"""

from typing import Final

from msgspec import Struct

from projections.token import ConsistencyToken, FloorKey, Seen
from projections.versions import AggregateKey, AggregateType

MAX_BODY_BYTES: Final = 752
"""With its MAC such a token has 1,024 characters."""
MAX_ENTRIES: Final = 32
"""Entries a token may carry: what one session writes faster than the projection follows."""
MAX_FLOOR: Final = 64
"""Partitions whose floors a token may carry."""
MAX_UNCERTAIN: Final = 8
"""Writes without a known outcome that a token may carry."""

_HEAD_BYTES: Final = 14
"""At most: magic and key, flags, issued minute, and the count of each section."""
_MARK_BYTES: Final = 6
_DOUBT_BYTES: Final = 6
_LOG_BYTES: Final = 4
_AGE_BYTES: Final = 5
_MOST_NUMBER_BYTES: Final = 8
_MOST_ID_BYTES: Final = 2 + 64
_MOST_ENTRY_BYTES: Final = _MOST_ID_BYTES + 2 * _MOST_NUMBER_BYTES + _DOUBT_BYTES
_MOST_FLOOR_BYTES: Final = 2 * _MOST_NUMBER_BYTES + _LOG_BYTES + _AGE_BYTES
_FIXED_BYTES: Final = _HEAD_BYTES + _MARK_BYTES * len(AggregateType)


class TokenSize(Struct, frozen=True):
    """How much a token is, marks of all types reckoned in, so that to mark never makes it larger.

    ``byte_count`` is what its body has at most.
    """

    entry_count: int
    floor_count: int
    uncertain_count: int
    byte_count: int

    @property
    def is_too_much(self) -> bool:
        """Would it have to be refused?"""
        return (
            self.entry_count > MAX_ENTRIES
            or self.floor_count > MAX_FLOOR
            or self.uncertain_count > MAX_UNCERTAIN
            or self.byte_count > MAX_BODY_BYTES
        )

    def without_entry(self, token: ConsistencyToken, key: AggregateKey) -> "TokenSize":
        """The size of the token less this entry and its doubt."""
        byte_count = self.byte_count - _entry_bytes(token, key)
        return TokenSize(self.entry_count - 1, self.floor_count, self.uncertain_count, byte_count)

    def without_floor(self, token: ConsistencyToken, log: FloorKey) -> "TokenSize":
        """The size of the token less this part of its floor."""
        byte_count = self.byte_count - _floor_bytes(log, token.floor[log])
        return TokenSize(self.entry_count, self.floor_count - 1, self.uncertain_count, byte_count)


def size_of(token: ConsistencyToken) -> TokenSize:
    """How much the token is."""
    return TokenSize(
        len(token.entries),
        len(token.floor),
        len(token.uncertain),
        _FIXED_BYTES
        + sum([_entry_bytes(token, key) for key in token.entries])
        + sum([_floor_bytes(log, seen) for log, seen in token.floor.items()])
        + sum([_id_bytes(key) for key in token.uncertain]),
    )


def fits(token: ConsistencyToken) -> bool:
    """Whether the token is small enough to be sealed."""
    if len(token.entries) > MAX_ENTRIES:
        return False
    most_bytes = (
        _FIXED_BYTES
        + len(token.entries) * _MOST_ENTRY_BYTES
        + len(token.floor) * _MOST_FLOOR_BYTES
        + len(token.uncertain) * _MOST_ID_BYTES
    )
    # Nearly every token is so small that its pieces need not be looked at.
    is_small = most_bytes <= MAX_BODY_BYTES and len(token.uncertain) <= MAX_UNCERTAIN
    return is_small or not size_of(token).is_too_much


def _entry_bytes(token: ConsistencyToken, key: AggregateKey) -> int:
    at = token.entries[key]
    doubt_bytes = _DOUBT_BYTES if key in token.doubts else 0
    return 2 + len(key.id) + _varint_bytes(at.epoch) + _varint_bytes(at.number) + doubt_bytes


def _id_bytes(key: AggregateKey) -> int:
    return 2 + len(key.id)


def _floor_bytes(log: FloorKey, seen: Seen) -> int:
    return _varint_bytes(log.partition << 3) + _LOG_BYTES + _varint_bytes(seen.offset) + _AGE_BYTES


def _varint_bytes(value: int) -> int:
    return 1 if value < 1 << 7 else -(-value.bit_length() // 7)

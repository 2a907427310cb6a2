"""Rows and positions as bytes in Redis, and back.

A row is four bytes with the length of its header, the header as MessagePack, and the state as JSON,
which is nothing for a tombstone. Scripts read headers only; the state is ours.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
from msgspec import Struct

from projections.events import ROW_TYPES
from projections.positions import LogPlace, Partition, SourcePosition
from projections.projector import StoredRow
from projections.versions import AggregateType, Version
from projections.views import OrderRow, Row
from projections.views.orders import ListingPosition

TYPES: Final = tuple(AggregateType)
"""In scripts a type is its number here, from 1; its source is the one of the same number."""

NUMBERS: Final = {aggregate_type: number for number, aggregate_type in enumerate(TYPES, start=1)}

HEADER_LENGTH_BYTES: Final = 4
MAX_NUMBER: Final = 2**53 - 1
"""Scripts count in doubles; greater numbers would lose their last digits."""

NOT_TOLD: Final = -1
"""For a count or a place that a source does not tell."""

_TIME_ZERO: Final = datetime(1, 1, 2, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_DAY_US: Final = timedelta(days=2) // _MICROSECOND


class _Header(Struct, frozen=True, array_like=True):
    """What every row's header begins with; an order's goes on with what scripts need of it."""

    epoch: int
    number: int
    healed_at_s: float | bool


class PackedPosition(Struct, frozen=True, array_like=True):
    """One partition's position, as a value and in the news."""

    partition_count: int
    cursor: str
    proven_at_s: float
    is_caught_up: bool
    remaining_count: int
    log: int = NOT_TOLD
    offset: int = NOT_TOLD

    @classmethod
    def of(cls, partition: Partition, position: SourcePosition) -> "PackedPosition":
        remaining = position.remaining_count
        place = position.places.get(partition.index)
        return cls(
            partition.count,
            position.cursor,
            position.proven_at_s,
            position.is_caught_up,
            NOT_TOLD if remaining is None else remaining,
            NOT_TOLD if place is None else place.log,
            NOT_TOLD if place is None else place.offset,
        )

    def unpacked(self, index: int) -> SourcePosition:
        """The position of the partition of this index."""
        remaining = None if self.remaining_count == NOT_TOLD else self.remaining_count
        places = {} if self.log == NOT_TOLD else {index: LogPlace(self.log, self.offset)}
        return SourcePosition(self.cursor, self.proven_at_s, self.is_caught_up, remaining, places)


pack = msgspec.msgpack.encode
_json = msgspec.json.encode
_headers = msgspec.msgpack.Decoder(_Header)
_positions = msgspec.msgpack.Decoder(PackedPosition)
_states = {
    aggregate_type: msgspec.json.Decoder(row_type).decode
    for aggregate_type, row_type in ROW_TYPES.items()
}


def numbers_of(at: Version) -> tuple[int, int]:
    """Epoch and number, as a script compares them.

    Raises TypeError or ValueError, before anything is written, for what it cannot compare.
    """
    if not isinstance(at, Version):
        raise TypeError(f"not a version: {at!r}")
    if not (0 <= at.epoch <= MAX_NUMBER and 0 <= at.number <= MAX_NUMBER):
        raise ValueError(f"no script can compare version {at}")
    return at.epoch, at.number


def pack_row(row: Row | None, at: Version, healed_at_s: float | None = None) -> bytes:
    """The value of a row, or of a tombstone."""
    healed = False if healed_at_s is None else healed_at_s
    if isinstance(row, OrderRow):
        header = pack((at.epoch, at.number, healed, *listing_of(row), row.product_ids))
    else:
        header = pack((at.epoch, at.number, healed))
    state = b"" if row is None else _json(row)
    return b"".join((len(header).to_bytes(HEADER_LENGTH_BYTES), header, state))


def unpack_row(aggregate_type: AggregateType, value: bytes) -> StoredRow:
    """What `pack_row` made, or a script out of it."""
    end = HEADER_LENGTH_BYTES + int.from_bytes(value[:HEADER_LENGTH_BYTES])
    header = _headers.decode(value[HEADER_LENGTH_BYTES:end])
    state = value[end:]
    row = _states[aggregate_type](state) if state else None
    at = Version(header.epoch, header.number)
    if header.healed_at_s is False:
        return StoredRow(row, at)
    return StoredRow(row, at, is_streamed=False, healed_at_s=float(header.healed_at_s))


def listing_of(row: OrderRow) -> tuple[str, str, str]:
    """Whose list an order is in, under which status, and from when."""
    return row.customer_id, row.status.value, pack_time(row.placed_at)


def pack_time(at: datetime) -> str:
    """18 digits that sort as the instants do, in whatever time zone they were told."""
    # Subtracting works at both ends of the calendar, where changing the time zone does not.
    since = at - _TIME_ZERO
    return f"{(since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds + _DAY_US:018}"


def pack_place(place: ListingPosition) -> str:
    """Where an order stands in a listing, so that text compares as places do."""
    return f"{pack_time(place.placed_at)}\0{place.id}"


def unpack_positions(
    source: str, fields: Sequence[bytes]
) -> Iterator[tuple[Partition, SourcePosition]]:
    """The positions of one source, of a hash's fields and values in turn."""
    for index, value in zip(fields[::2], fields[1::2], strict=True):
        packed = _positions.decode(value)
        partition = Partition(source, int(index), packed.partition_count)
        yield partition, packed.unpacked(partition.index)

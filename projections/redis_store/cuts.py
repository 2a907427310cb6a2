"""The answer of the read script becomes cuts, one a read."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

import msgspec
from msgspec import Struct

from projections.events import UNREADABLE
from projections.positions import SourcePosition, join_positions
from projections.projector import StoredRow
from projections.redis_store.connections import Reply
from projections.redis_store.values import TYPES, unpack_positions, unpack_row
from projections.selection import PageKey, PageSelection
from projections.store import Cut, StoredPage
from projections.versions import AggregateKey

TYPE_OF_LETTER: Final = {ord(aggregate_type.value[0]): aggregate_type for aggregate_type in TYPES}


@dataclass(frozen=True, slots=True)
class Stamp:
    """When in the life of a server: its ``incarnation``, and how often it had been written to.

    News of the same incarnation with greater sequences tell all that came after.
    """

    incarnation: str
    sequence: int

    @property
    def next(self) -> "Stamp":
        """The stamp of the write that follows."""
        return Stamp(self.incarnation, self.sequence + 1)


@dataclass(frozen=True, slots=True)
class StampedCut:
    """A cut, and when it was taken; without a stamp, before the first write."""

    cut: Cut
    stamp: Stamp | None


class _Page(Struct, frozen=True, array_like=True):
    number: int
    customer_id: bytes
    has_more: int
    order_ids: list[bytes]
    is_suspect: int


class _Answer(Struct, frozen=True, array_like=True):
    """What the script answers. Rows are told once, whoever needs them; their numbers are places."""

    letters: bytes
    ids: list[bytes]
    values: list[bytes | None]
    suspects: list[int]
    owned: list[tuple[list[int], list[_Page]]]
    positions: list[list[bytes]]
    stamp: tuple[bytes | None, bytes | None]


class Cuts:
    """Makes cuts of answers. Remembers the positions of the last one: mostly they stand still."""

    def __init__(self) -> None:
        self._packed_positions: Sequence[Sequence[bytes]] | None = None
        self._positions: Mapping[str, SourcePosition] = {}

    def of(self, reply: Reply, pages: Sequence[PageSelection]) -> list[StampedCut]:
        """One cut a read, in order; ``pages`` are the selections that the script numbers."""
        answer = msgspec.convert(reply, _Answer)
        rows = [
            (AggregateKey(TYPE_OF_LETTER[letter], packed_id.decode()), value)
            for letter, packed_id, value in zip(
                answer.letters, answer.ids, answer.values, strict=True
            )
        ]
        suspects = {rows[place][0] for place in answer.suspects}
        stored = [(key, _stored(key, value, suspects)) for key, value in rows]
        positions, stamp = self._joined(answer.positions), _stamp(answer.stamp)
        return [
            StampedCut(_cut(stored, own_rows, own_pages, pages, suspects, positions), stamp)
            for own_rows, own_pages in answer.owned
        ]

    def _joined(self, packed: Sequence[Sequence[bytes]]) -> Mapping[str, SourcePosition]:
        if packed != self._packed_positions:
            self._positions = join_positions(
                {
                    partition: position
                    for aggregate_type, fields in zip(TYPES, packed, strict=True)
                    for partition, position in unpack_positions(aggregate_type.source, fields)
                }
            )
            self._packed_positions = packed
        return self._positions


def _stored(
    key: AggregateKey, value: bytes | None, suspects: set[AggregateKey]
) -> StoredRow | None:
    """The row; one that another release has written and this one cannot read becomes suspect."""
    try:
        return None if value is None else unpack_row(key.type, value)
    except UNREADABLE:
        suspects.add(key)
        return None


def _cut(
    stored: Sequence[tuple[AggregateKey, StoredRow | None]],
    own_rows: Sequence[int],
    own_pages: Sequence[_Page],
    pages: Sequence[PageSelection],
    suspects: AbstractSet[AggregateKey],
    positions: Mapping[str, SourcePosition],
) -> Cut:
    rows = dict([stored[place] for place in own_rows])
    own_suspects = suspects & rows.keys() if suspects else frozenset()
    return Cut(rows, dict(_page(p, pages) for p in own_pages), frozenset(own_suspects), positions)


def _page(packed: _Page, pages: Sequence[PageSelection]) -> tuple[PageKey, StoredPage]:
    key = PageKey.of(packed.customer_id.decode(), pages[packed.number])
    order_ids = tuple(packed_id.decode() for packed_id in packed.order_ids)
    return key, StoredPage(order_ids, packed.has_more == 1, packed.is_suspect == 1)


def _stamp(packed: tuple[bytes | None, bytes | None]) -> Stamp | None:
    incarnation, sequence = packed
    if incarnation is None or sequence is None:
        return None
    return Stamp(incarnation.decode(), int(sequence))

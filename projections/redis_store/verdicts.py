"""Events as the scripts judge them, and the verdicts they come back with."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

import msgspec

from projections.events import Heartbeat, ParsedEvent, PoisonEvent, StateChange, UnknownEvent
from projections.projector import Applied, Duplicate, Parked, StoredRow, Verdict
from projections.redis_store.connections import Reply
from projections.redis_store.values import (
    NUMBERS,
    listing_of,
    numbers_of,
    pack_row,
    unpack_row,
)
from projections.versions import AggregateType, Version
from projections.views import OrderRow, Row

PackedEvent: TypeAlias = Sequence[object]

GAP: Final = ord("G")
APPLIED: Final = ord("A")
STREAMED: Final = ord("S")


class PackedEvents:
    """Those events of a batch that get a verdict, each with its value.

    Everything is checked and packed here, so a batch that no script could judge fails before it is
    sent, as a whole.
    """

    def __init__(self, events: Iterable[ParsedEvent]) -> None:
        self.events: list[PackedEvent] = []
        self.values: list[bytes] = []
        self._judged: list[StateChange | PoisonEvent] = []
        for event in events:
            match event:
                case StateChange(key, at, previous_number, row):
                    self._judged.append(event)
                    self.events.append(_packed_change(key.type, key.id, at, previous_number, row))
                    self.values.append(pack_row(row, at))
                case PoisonEvent(raw=raw):
                    self._judged.append(event)
                    self.events.append(_packed_poison(event))
                    self.values.append(raw)
                case UnknownEvent() | Heartbeat():
                    pass

    def verdicts(self, reply: Reply) -> list[Verdict]:
        """One verdict for each of the events, in order."""
        codes, numbers, streamed = msgspec.convert(reply, tuple[bytes, list[int], list[bytes]])
        untils = map(Version, numbers[::2], numbers[1::2])
        return list(self._verdicts(codes, untils, iter(streamed)))

    def _verdicts(
        self, codes: bytes, untils: Iterator[Version], streamed: Iterator[bytes]
    ) -> Iterator[Verdict]:
        for code, event in zip(codes, self._judged, strict=True):
            key = event.key
            if isinstance(event, PoisonEvent):
                yield Parked(key, event.reason, next(untils), event.raw)
            elif code in {APPLIED, GAP}:
                yield Applied(key, StoredRow(event.row, event.at), has_gap=code == GAP)
            elif code == STREAMED:
                yield Duplicate(key, unpack_row(key.type, next(streamed)))
            else:
                yield Duplicate(key)


class PackedHealing:
    """Live answers, the newest of each aggregate, each with its value."""

    def __init__(self, rows: Iterable[Row], healed_at_s: float) -> None:
        newest = {row.key: row for row in sorted(rows, key=lambda row: row.at)}
        self.events = [
            _packed_change(row.aggregate_type, row.id, row.at, None, row) for row in newest.values()
        ]
        self.values = [pack_row(row, row.at, healed_at_s) for row in newest.values()]


def _packed_change(
    aggregate_type: AggregateType,
    aggregate_id: str,
    at: Version,
    previous_number: int | None,
    row: Row | None,
) -> PackedEvent:
    epoch, number = numbers_of(at)
    previous = False if previous_number is None else previous_number
    event = NUMBERS[aggregate_type], aggregate_id, epoch, number, previous
    return (*event, *listing_of(row)) if isinstance(row, OrderRow) else event


def _packed_poison(event: PoisonEvent) -> PackedEvent:
    epoch, number = (False, False) if event.at is None else numbers_of(event.at)
    # A reason quotes what nobody could read.
    reason = event.reason.encode(errors="replace").decode()
    return -NUMBERS[event.key.type], event.key.id, epoch, number, reason

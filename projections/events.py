"""Event envelopes: bytes from a source become state changes; whatever else came becomes a value.

The rule: nothing in here raises on a bad event. An event of an unknown type is `UnknownEvent`, one
whose state cannot be read is `PoisonEvent`, one that does not even name its aggregate is
`UnreadableEvent`; who holds the stream decides what follows. Envelope: CloudEvents 1.0
with the extensions of `docs/contract.md`; `data` is the full public state after the change.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

from projections.upcasters import upcast
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import CustomerRow, OrderRow, ProductRow, Row
from projections.views.aggregate import Id

ROW_TYPES: dict[AggregateType, type[OrderRow] | type[CustomerRow] | type[ProductRow]] = {
    AggregateType.ORDER: OrderRow,
    AggregateType.CUSTOMER: CustomerRow,
    AggregateType.PRODUCT: ProductRow,
}

NOUNS: dict[str, AggregateType] = {
    "order": AggregateType.ORDER,
    "customer": AggregateType.CUSTOMER,
    "product": AggregateType.PRODUCT,
}
"""The whole routing table. An event type is ``noun.verb``; every event of a noun carries its full
state, so the verb (placed, updated, shipped …) says why the row changed, not how to change it."""


class Envelope(Struct, frozen=True):
    """The attributes of a CloudEvent that readers need; others are ignored."""

    id: str
    source: str
    type: str
    subject: Id
    time: Annotated[datetime, Meta(tz=True)]
    aggregateversion: Annotated[int, Meta(ge=1, lt=2**53)]
    sourceepoch: Annotated[int, Meta(ge=0, lt=2**53)]
    data: Raw = Raw(b"null")
    previousversion: Annotated[int, Meta(ge=0, lt=2**53)] | None = None
    schemaversion: Annotated[int, Meta(ge=1)] = 1
    tombstone: bool = False


@dataclass(frozen=True, slots=True)
class StateChange:
    """An aggregate's full state after one committed change; ``row`` is None for a tombstone."""

    key: AggregateKey
    at: Version
    previous_number: int | None
    row: Row | None
    committed_at: datetime


@dataclass(frozen=True, slots=True)
class UnknownEvent:
    """A well-formed event of a type this gateway does not project: counted, otherwise ignored."""

    type: str


@dataclass(frozen=True, slots=True)
class PoisonEvent:
    """An event of a known aggregate whose state will never be readable: set it aside.

    ``at`` is the version it would have brought; None when the envelope does not tell that either.
    ``raw`` is the event as it came, for whoever looks into it later.
    """

    key: AggregateKey
    reason: str
    at: Version | None = None
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """All that its service had committed before ``committed_at`` comes before it in its partition.

    It travels the way of every event, so its age is the whole delay from a commit to here.
    """

    committed_at: datetime


@dataclass(frozen=True, slots=True)
class UnreadableEvent:
    """Not an event at all: any aggregate may be meant, so the source must not go on past it."""

    reason: str


ParsedEvent = StateChange | UnknownEvent | PoisonEvent | Heartbeat

HEARTBEAT = "outbox.heartbeat"
"""The type of the event that only says: up to here."""


class _Kind(Struct, frozen=True):
    """The least an event must tell to be ignored."""

    type: str


class _Address(_Kind, frozen=True):
    """The least an event must tell to be set aside alone."""

    subject: Id


class _Beat(_Kind, frozen=True):
    """What a heartbeat tells."""

    time: Annotated[datetime, Meta(tz=True)]


_envelopes = msgspec.json.Decoder(Envelope)
_kinds = msgspec.json.Decoder(_Kind)
_addresses = msgspec.json.Decoder(_Address)
_beats = msgspec.json.Decoder(_Beat)
_rows = {of_type: msgspec.json.Decoder(row_type) for of_type, row_type in ROW_TYPES.items()}

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding raises for bad bytes; the last one for brackets nested a thousand deep."""


def parse_event(raw: bytes | Raw) -> ParsedEvent | UnreadableEvent:
    """Read one structured-mode CloudEvent. Never raises."""
    try:
        envelope = _envelopes.decode(raw)
    except UNREADABLE as error:
        return _set_aside(raw, str(error))
    aggregate_type = _noun_of(envelope.type)
    if aggregate_type is None:
        return UnknownEvent(envelope.type)
    key = AggregateKey(aggregate_type, envelope.subject)
    at = Version(envelope.sourceepoch, envelope.aggregateversion)
    try:
        row = _read_row(aggregate_type, envelope)
    except (*UNREADABLE, LookupError) as error:
        return PoisonEvent(key, f"data: {error}", at, bytes(raw))
    if row is not None and (row.key, row.at) != (key, at):
        reason = f"data: state of {row.key} at {row.at} in an event of {key} at {at}"
        return PoisonEvent(key, reason, at, bytes(raw))
    return StateChange(key, at, envelope.previousversion, row, envelope.time)


def _set_aside(
    raw: bytes | Raw, reason: str
) -> UnknownEvent | PoisonEvent | Heartbeat | UnreadableEvent:
    """No envelope of a change: find out whose event it is, so that only its aggregate suffers."""
    try:
        event_type = _kinds.decode(raw).type
        if event_type == HEARTBEAT:
            return Heartbeat(_beats.decode(raw).time)
        aggregate_type = _noun_of(event_type)
        if aggregate_type is None:
            return UnknownEvent(event_type)
        address = _addresses.decode(raw)
    except UNREADABLE:
        return UnreadableEvent(reason)
    key = AggregateKey(aggregate_type, address.subject)
    return PoisonEvent(key, f"envelope: {reason}", raw=bytes(raw))


def _noun_of(event_type: str) -> AggregateType | None:
    return NOUNS.get(event_type.partition(".")[0])


def _read_row(aggregate_type: AggregateType, envelope: Envelope) -> Row | None:
    if envelope.tombstone:
        return None
    state = upcast(aggregate_type, envelope.schemaversion, envelope.data)
    return _rows[aggregate_type].decode(state)

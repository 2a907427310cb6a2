"""What a record of a topic says: its value is an event, its key the aggregate's id.

The rule: a record that cannot be read costs its aggregate, not its partition, as long as the key
tells whose it is. What belongs to nobody stops the partition, for it may be anybody's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from projections.events import (
    Heartbeat,
    ParsedEvent,
    PoisonEvent,
    StateChange,
    UnknownEvent,
    UnreadableEvent,
    parse_event,
)
from projections.kafka.cursor import Record
from projections.positions import NEVER_S
from projections.versions import AggregateKey, AggregateType
from projections.views.aggregate import is_id

HEARTBEAT_KEY: Final = b"~heartbeat"
"""The key under which heartbeats lie, so that compaction keeps but one of them. It is no id."""

TYPES: Final = {of_type.source: of_type for of_type in AggregateType}
"""Whose events the topic of a source holds."""

SHOWN_BYTES: Final = 64


@dataclass(frozen=True, slots=True)
class Blocked:
    """A record that must not be passed, and why."""

    offset: int
    reason: str


@dataclass(slots=True)
class Reading:
    """What consecutive records said.

    ``next_offset`` is behind the last record read, None if the first is blocked already;
    ``marked`` the last one that stays in a compacted log. ``proven_at_s`` is the latest instant
    that a heartbeat among them proves.
    """

    events: list[ParsedEvent]
    next_offset: int | None = None
    marked: Record | None = None
    proven_at_s: float = NEVER_S
    blocked: Blocked | None = None


def read_records(records: Sequence[Record], source: str, record_limit_bytes: int) -> Reading:
    """Read records of one partition in order, up to the first that must not be passed."""
    reading = Reading([])
    of_type = TYPES.get(source)
    for record in records:
        value = record.value
        if value is not None:
            size_bytes = len(value) + len(record.key or b"")
            if size_bytes > record_limit_bytes:
                reading.blocked = _too_large(record, size_bytes, record_limit_bytes)
                break
            event = parse_record(of_type, record.key, value)
            if isinstance(event, UnreadableEvent):
                reading.blocked = Blocked(record.offset, f"no event: {event.reason}")
                break
            if isinstance(event, Heartbeat):
                # A relay that starts again repeats: the older proof does not undo the newer.
                reading.proven_at_s = max(reading.proven_at_s, event.committed_at.timestamp())
            else:
                reading.events.append(event)
                reading.marked = record
        # Without a value it is only the end of its key: compaction may drop all before it.
        reading.next_offset = record.offset + 1
    return reading


def parse_record(
    of_type: AggregateType | None, key: bytes | None, value: bytes
) -> ParsedEvent | UnreadableEvent:
    """The event in a record of the topic of this type. Never raises.

    A change under a key other than its aggregate's id is poison, though it can be read: partitions
    and compaction go by the key, so newer states of that aggregate may be out of order or gone.
    """
    event = parse_event(value)
    match event:
        case StateChange(key=aggregate, at=at):
            if aggregate.type is of_type and aggregate.id.encode() == key:
                return event
            reason = f"record: {aggregate} under key {_shown(key)} among changes of {of_type}"
            return PoisonEvent(aggregate, reason, at, value)
        case UnreadableEvent() if key == HEARTBEAT_KEY:
            return UnknownEvent("unreadable heartbeat")  # nobody's change, and it proves nothing
        case UnreadableEvent(reason=reason):
            aggregate_id = (key or b"").decode(errors="replace")
            if of_type is None or not is_id(aggregate_id):
                return event
            owner = AggregateKey(of_type, aggregate_id)
            return PoisonEvent(owner, f"record: {reason}", raw=value)
        case PoisonEvent() | UnknownEvent() | Heartbeat():
            return event


def _too_large(record: Record, size_bytes: int, record_limit_bytes: int) -> Blocked:
    reason = (
        f"{size_bytes} bytes under key {_shown(record.key)} are more than {record_limit_bytes}:"
        " raise the record limit, or mend its producer and delete the records up to it"
    )
    return Blocked(record.offset, reason)


def _shown(key: bytes | None) -> str:
    return "none" if key is None else repr(key[:SHOWN_BYTES])

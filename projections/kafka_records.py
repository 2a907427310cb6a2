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
from projections.kafka_cursor import Record
from projections.versions import AggregateKey, AggregateType
from projections.views.aggregate import is_id

HEARTBEAT_KEY: Final = b"~heartbeat"
"""The key under which heartbeats lie, so that compaction keeps but one of them. It is no id."""

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
    ``marked`` the last one that stays in a compacted log. ``proven_at_s`` is what the last
    heartbeat proves.
    """

    events: list[ParsedEvent]
    next_offset: int | None = None
    marked: Record | None = None
    proven_at_s: float | None = None
    blocked: Blocked | None = None


def read_records(records: Sequence[Record], source: str, record_limit_bytes: int) -> Reading:
    """Read records of one partition in order, up to the first that must not be passed."""
    reading = Reading([])
    for record in records:
        value = record.value
        if value is not None:
            size_bytes = len(value) + len(record.key or b"")
            if size_bytes > record_limit_bytes:
                reading.blocked = _too_large(record, size_bytes, record_limit_bytes)
                break
            event = parse_record(source, record.key, value)
            if isinstance(event, UnreadableEvent):
                reading.blocked = Blocked(record.offset, f"no event: {event.reason}")
                break
            if isinstance(event, Heartbeat):
                reading.proven_at_s = event.committed_at.timestamp()
            else:
                reading.events.append(event)
                reading.marked = record
        # Without a value it is only the end of its key: compaction may drop all before it.
        reading.next_offset = record.offset + 1
    return reading


def parse_record(source: str, key: bytes | None, value: bytes) -> ParsedEvent | UnreadableEvent:
    """The event in a record of the source's topic. Never raises.

    A change under a key other than its aggregate's id is poison, though it can be read: partitions
    and compaction go by the key, so newer states of that aggregate may be out of order or gone.
    """
    event = parse_event(value)
    match event:
        case StateChange(key=aggregate, at=at):
            if aggregate.id.encode() == key and aggregate.type.source == source:
                return event
            reason = f"record: key {_shown(key)} in the topic of {source} for {aggregate}"
            return PoisonEvent(aggregate, reason, at, value)
        case UnreadableEvent() if key == HEARTBEAT_KEY:
            return UnknownEvent("unreadable heartbeat")  # nobody's change, and it proves nothing
        case UnreadableEvent(reason=reason):
            owner = _owner(source, key)
            return event if owner is None else PoisonEvent(owner, f"record: {reason}", raw=value)
        case PoisonEvent() | UnknownEvent() | Heartbeat():
            return event


def _owner(source: str, key: bytes | None) -> AggregateKey | None:
    """The aggregate that a key names; None if it names none."""
    aggregate_id = (key or b"").decode(errors="replace")
    if not is_id(aggregate_id):
        return None
    types = (of_type for of_type in AggregateType if of_type.source == source)
    return next((AggregateKey(of_type, aggregate_id) for of_type in types), None)


def _too_large(record: Record, size_bytes: int, record_limit_bytes: int) -> Blocked:
    reason = (
        f"{size_bytes} bytes under key {_shown(record.key)} are more than {record_limit_bytes}:"
        " raise the record limit, or mend its producer and delete the records up to it"
    )
    return Blocked(record.offset, reason)


def _shown(key: bytes | None) -> str:
    return "none" if key is None else repr(key[:SHOWN_BYTES])

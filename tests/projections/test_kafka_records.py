"""What records say, and which of them must not be passed."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pytest

from projections.events import PoisonEvent, StateChange, UnknownEvent
from projections.kafka.records import Reading, read_records
from projections.positions import NEVER_S
from projections.views import Row
from tests.builders.kafka_logs import heartbeat
from tests.builders.rows import (
    cloud_event,
    customer_key,
    customer_row,
    order_key,
    order_row,
    to_bytes,
    tombstone,
)

LIMIT_BYTES = 2_000


@dataclass(frozen=True)
class Lying:
    """A record as it lies in a log."""

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = 1_741_000_000_000


def lying(offset: int, row: Row) -> Lying:
    return Lying(offset, row.id.encode(), to_bytes(cloud_event(row)))


def read(*records: Lying, source: str = "customers") -> Reading:
    return read_records(records, source, LIMIT_BYTES)


class TestWhatTheySay:
    def test_changes_come_in_order(self) -> None:
        """Each value is an event, and the next place is behind the last of them."""
        rows = [customer_row("c-1"), customer_row("c-2"), customer_row("c-1", 2)]

        reading = read(*(lying(offset, row) for offset, row in enumerate(rows, 5)))

        assert [event.row for event in reading.events if isinstance(event, StateChange)] == rows
        assert reading.next_offset == 8
        assert reading.marked == lying(7, rows[2])

    def test_deletion_of_an_aggregate_is_a_change(self) -> None:
        """A tombstone event has a value: the event that says so."""
        deleted = cloud_event(customer_row("c-1", 2), tombstone=True, data=None)

        reading = read(Lying(0, b"c-1", to_bytes(deleted)))

        assert reading.events == [tombstone(customer_key(), 2)]

    def test_record_without_a_value_says_nothing(self) -> None:
        """It tells compaction that nothing is left of a key; it is passed, and is no mark."""
        kept = lying(3, customer_row())

        reading = read(kept, Lying(4, b"c-2", None))

        assert len(reading.events) == 1
        assert (reading.next_offset, reading.marked) == (5, kept)

    def test_heartbeat_is_a_proof_and_no_event(self) -> None:
        """Its time is told; the mark stays on what compaction keeps."""
        told_at = datetime(2025, 3, 1, 12, tzinfo=UTC)
        kept, beat = lying(3, customer_row()), heartbeat(told_at)

        reading = read(kept, Lying(4, beat.key, beat.value))

        assert len(reading.events) == 1
        assert reading.proven_at_s == told_at.timestamp()
        assert (reading.next_offset, reading.marked) == (5, kept)

    def test_unreadable_heartbeat_is_passed(self) -> None:
        """It is nobody's change, and it proves nothing."""
        reading = read(Lying(0, b"~heartbeat", b"thump"))

        assert reading.events == [UnknownEvent("unreadable heartbeat")]
        assert (reading.proven_at_s, reading.blocked) == (NEVER_S, None)


class TestPoison:
    def test_key_tells_whose_an_unreadable_value_is(self) -> None:
        """Only that aggregate is set aside; the ones behind it are read."""
        reading = read(Lying(0, b"c-1", b"{"), lying(1, customer_row("c-2")))

        poison, change = reading.events
        assert isinstance(poison, PoisonEvent)
        assert (poison.key, poison.at, poison.raw) == (customer_key("c-1"), None, b"{")
        assert isinstance(change, StateChange)
        assert reading.blocked is None

    @pytest.mark.parametrize("key", [b"c-2", None, b"\xff"])
    def test_change_under_another_key_is_set_aside(self, key: bytes | None) -> None:
        """Partitions and compaction go by the key: newer states may come before it, or be gone."""
        reading = read(replace(lying(0, customer_row("c-1")), key=key))

        [poison] = reading.events
        assert isinstance(poison, PoisonEvent)
        assert poison.key == customer_key("c-1")
        assert poison.at == customer_row("c-1").at

    def test_change_in_a_foreign_topic_is_set_aside(self) -> None:
        """Nothing is known of its aggregates from where this topic was read to."""
        reading = read(lying(0, order_row()), source="customers")

        [poison] = reading.events
        assert isinstance(poison, PoisonEvent)
        assert poison.key == order_key()


class TestWhatMustNotBePassed:
    @pytest.mark.parametrize("key", [None, b"", b"\xff", b"~else", b"c" * 65])
    def test_what_may_be_anybodys(self, key: bytes | None) -> None:
        """An unreadable value without an id as its key may be a change of any aggregate."""
        reading = read(lying(0, customer_row()), Lying(1, key, b"{"), lying(2, customer_row("c-2")))

        assert len(reading.events) == 1
        assert reading.next_offset == 1
        assert reading.blocked is not None
        assert reading.blocked.offset == 1

    def test_what_is_too_large(self) -> None:
        """It is told with its place, its size, its key, and what is to be done."""
        large = Lying(3, b"c-1", b"x" * LIMIT_BYTES)

        reading = read(large)

        assert reading.next_offset is None
        assert reading.blocked is not None
        assert reading.blocked.offset == 3
        for told in ("2003 bytes", "2000", "c-1", "raise the record limit"):
            assert told in reading.blocked.reason

    def test_what_is_just_small_enough_is_read(self) -> None:
        """The control: the limit itself is allowed."""
        padded = lying(0, customer_row())
        assert padded.value is not None
        padded = replace(padded, value=padded.value.ljust(LIMIT_BYTES - len(b"c-1")))

        reading = read(padded)

        assert (len(reading.events), reading.blocked) == (1, None)

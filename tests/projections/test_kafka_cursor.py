from dataclasses import dataclass, replace

import pytest

from projections.kafka.cursor import START, Place, mark_of, new_lineage, parse_place
from projections.positions import LogPlace


@dataclass(frozen=True)
class Lying:
    """A record as it lies in a log."""

    offset: int = 7
    timestamp: int = 1_741_000_000_000
    key: bytes | None = b"c-1"
    value: bytes | None = b"{}"


RECORD = Lying()


def test_cursor_names_its_place() -> None:
    """What a place is written as is read as that place."""
    place = Place(next_offset=42, marked_offset=17, mark=mark_of(RECORD), lineage=new_lineage())

    assert parse_place(str(place)) == place


def test_start_names_no_place() -> None:
    """Where nothing was read there is nothing to know the log by."""
    assert parse_place(START) is None


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "17",
        "log1-3",
        "3-2",
        "3-2-abc",
        "3-2-00ff00ff00ff00ff",
        "3-2-00ff00ff00ff00ff-12345",
        "3-3-00ff00ff00ff00ff-0000abcd",
        "-1-2-00ff00ff00ff00ff-0000abcd",
    ],
)
def test_what_was_never_given_is_refused(cursor: str) -> None:
    """A cursor of another kind of source, or one that was tampered with, names no place."""
    with pytest.raises(ValueError, match="no cursor of a Kafka partition"):
        parse_place(cursor)


def test_lineage_is_the_log_that_readers_compare_in() -> None:
    """Its eight digits are the log's number, and the next offset is the place in it."""
    place = Place(next_offset=42, marked_offset=17, mark=mark_of(RECORD), lineage="ffffabcd")

    assert place.in_log == LogPlace(0xFFFFABCD, 42)


def test_lineages_are_drawn_by_lot() -> None:
    """Two histories have two, also when their records are the same."""
    assert len({new_lineage() for _ in range(100)}) == 100


@pytest.mark.parametrize(
    "other",
    [
        replace(RECORD, offset=8),
        replace(RECORD, timestamp=RECORD.timestamp + 1),
        replace(RECORD, key=b"c-2"),
        replace(RECORD, value=b"{ }"),
        replace(RECORD, key=b"c-1{", value=b"}"),
        replace(RECORD, key=None),
    ],
)
def test_marks_tell_records_apart(other: Lying) -> None:
    """Another place, time, key or value is another mark."""
    assert mark_of(other) != mark_of(RECORD)


def test_mark_stays() -> None:
    """A record has the same mark in every process and every version of this code."""
    assert mark_of(RECORD) == "0c4692010fef5d62"

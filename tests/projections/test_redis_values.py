"""Rows, times and positions in Redis: what is packed is found again, and sorts as it should."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.positions import LogPlace, Partition
from projections.projector import StoredRow
from projections.redis_store.values import (
    MAX_NUMBER,
    PackedPosition,
    numbers_of,
    pack,
    pack_row,
    pack_time,
    unpack_positions,
    unpack_row,
)
from projections.versions import Version
from projections.views import Row
from tests.builders.rows import customer_row, order_row, position, product_row

time_zones = st.integers(-23 * 60, 23 * 60).map(lambda m: timezone(timedelta(minutes=m)))
instants = st.datetimes(timezones=time_zones | st.just(UTC))


@given(instants, instants)
def test_packed_times_sort_as_the_instants(one: datetime, other: datetime) -> None:
    """Over the whole calendar and in any time zone, text and time compare alike."""
    packed, packed_other = pack_time(one), pack_time(other)

    assert len(packed) == len(packed_other) == 18
    assert (packed < packed_other) == (one < other)
    assert (packed == packed_other) == (one == other)


@pytest.mark.parametrize("edge", ["0001-01-01T00:00:00", "9999-12-31T23:59:59.999999"])
@pytest.mark.parametrize("zone", ["-23:00", "+23:00"])
def test_ends_of_the_calendar_can_be_packed(edge: str, zone: str) -> None:
    """Where no time zone can be changed any more, a time still has its place."""
    packed = pack_time(datetime.fromisoformat(edge + zone))

    assert len(packed) == 18
    assert packed.isdigit()


@pytest.mark.parametrize(
    "row",
    [
        order_row(product_ids=("p-1", "p-2"), note="Grüße\n\0"),
        order_row(product_ids=()),
        customer_row(name='"Ada"'),
        product_row(stock=-3),
    ],
    ids=["order", "order without lines", "customer", "product"],
)
@pytest.mark.parametrize("healed_at_s", [None, 0.0, 5_000.0, 1_700_000_000.123])
def test_packed_row_is_found_again(row: Row, healed_at_s: float | None) -> None:
    """The row, its version, and whether a live answer or the stream has brought it."""
    value = pack_row(row, row.at, healed_at_s)

    assert unpack_row(row.aggregate_type, value) == StoredRow(
        row, row.at, is_streamed=healed_at_s is None, healed_at_s=healed_at_s
    )


def test_packed_tombstone_is_found_again() -> None:
    """What is gone has its version and no state."""
    at = Version(2, MAX_NUMBER)

    assert unpack_row(order_row().aggregate_type, pack_row(None, at)) == StoredRow(None, at)


@pytest.mark.parametrize("remaining_count", [None, 0, 7])
@pytest.mark.parametrize("places", [{}, {2: LogPlace(0, 0)}, {2: LogPlace(2**32 - 1, MAX_NUMBER)}])
def test_packed_position_is_found_again(
    remaining_count: int | None, places: dict[int, LogPlace]
) -> None:
    """Cursor, proof, lag and place, also where they are not told, and the partition's count."""
    partition = Partition("orders", 2, 6)
    at = position("7-ff", proven_at_s=1_700_000_000.123, remaining_count=remaining_count)
    at = replace(at, places=places)

    packed = [b"2", pack(PackedPosition.of(partition, at))]

    assert dict(unpack_positions("orders", packed)) == {partition: at}


@pytest.mark.parametrize("at", [Version(0, 0), Version(MAX_NUMBER, MAX_NUMBER)])
def test_version_that_a_double_holds_is_comparable(at: Version) -> None:
    """Up to 2^53 nothing is lost where numbers are doubles."""
    assert numbers_of(at) == (at.epoch, at.number)
    assert float(at.number + 1) != float(at.number)


@pytest.mark.parametrize("at", [Version(0, -1), Version(1, MAX_NUMBER + 1), Version(2**60, 1)])
def test_version_that_no_script_can_compare_is_refused(at: Version) -> None:
    """It is refused here, where nothing is written yet."""
    with pytest.raises(ValueError, match="compare"):
        numbers_of(at)

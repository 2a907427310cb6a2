"""Every event that a service ever published stays readable: one golden file a type and version.

Optional fields came to some types without a new version; each has a file beside the one without it.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from projections.events import StateChange, parse_event
from projections.upcasters import CURRENT_VERSIONS
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import CustomerRow, OrderItemRow, OrderRow, OrderStatus, ProductRow, Row

GOLDEN_DIR = Path(__file__).parent / "golden"
GOLDEN_NAME = re.compile(r"(?P<noun>[a-z]+)\.[a-z.]+\.v(?P<version>[0-9]+)")
GOLDEN_FILES = {path.stem: path for path in GOLDEN_DIR.iterdir()}

ORDER_ID = "o-01jn8q2x5kr3b7f2"


def march_1st(millisecond: int) -> datetime:
    return datetime(2025, 3, 1, 9, 30, 0, millisecond * 1000, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Expected:
    row: Row | None
    previous_number: int | None
    committed_at: datetime


def the_order(
    *, version: int, status: OrderStatus, note: str, causal_deps: tuple[str, ...] = ()
) -> OrderRow:
    return OrderRow(
        id=ORDER_ID,
        version=version,
        epoch=1,
        customer_id="c-1",
        status=status,
        note=note,
        currency="EUR",
        total=Decimal("309.98"),
        placed_at=march_1st(888),
        items=(
            OrderItemRow(product_id="p-1", quantity=2, unit_price=Decimal("105.49")),
            OrderItemRow(product_id="p-2", quantity=1, unit_price=Decimal("99.00")),
        ),
        causal_deps=causal_deps,
    )


EXPECTED = {
    "order.placed.v1": Expected(
        the_order(version=1, status=OrderStatus.PLACED, note="Ring twice"), None, march_1st(889)
    ),
    "order.updated.v1": Expected(
        the_order(version=2, status=OrderStatus.PLACED, note="Leave at the door"),
        1,
        march_1st(892),
    ),
    "order.updated.causal.v1": Expected(
        the_order(
            version=2,
            status=OrderStatus.PLACED,
            note="Leave at the door",
            causal_deps=("customer:c-1@1.3", "product:p-1@1.9", "product:p-2@2.1"),
        ),
        1,
        march_1st(892),
    ),
    "order.cancelled.v1": Expected(
        the_order(version=3, status=OrderStatus.CANCELLED, note="Leave at the door"),
        2,
        march_1st(895),
    ),
    "order.deleted.v1": Expected(None, 3, march_1st(895)),
    "customer.created.v1": Expected(
        CustomerRow(
            id="c-10", version=1, epoch=1, name="Carla Abel", email="carla.abel@example.com"
        ),
        None,
        datetime(2025, 1, 6, 8, 0, 9, tzinfo=UTC),
    ),
    "customer.updated.v1": Expected(
        CustomerRow(id="c-1", version=2, epoch=1, name="Ada King", email="ada.abel@example.com"),
        1,
        march_1st(897),
    ),
    "product.created.v1": Expected(
        ProductRow(
            id="p-8",
            version=1,
            epoch=1,
            name="Ceramic Cushion",
            price=Decimal("177.49"),
            currency="EUR",
            stock=306,
        ),
        None,
        datetime(2025, 1, 6, 8, 0, 7, tzinfo=UTC),
    ),
    "product.updated.v1": Expected(
        ProductRow(
            id="p-1",
            version=2,
            epoch=1,
            name="Wool Notebook",
            price=Decimal("12.50"),
            currency="EUR",
            stock=7,
        ),
        1,
        march_1st(900),
    ),
}


def read_golden(name: str) -> bytes:
    return GOLDEN_FILES[name].read_bytes()


@pytest.mark.parametrize("name", [name for name, expected in EXPECTED.items() if expected.row])
def test_golden_event_brings_the_state_that_its_service_committed(name: str) -> None:
    """A published event means today what it meant on the day it was published."""
    expected = EXPECTED[name]

    change = parse_event(read_golden(name))

    assert expected.row is not None
    assert change == StateChange(
        expected.row.key,
        expected.row.at,
        expected.previous_number,
        expected.row,
        expected.committed_at,
    )


def test_golden_tombstone_brings_a_version_without_a_row() -> None:
    """A deletion is a change like any other: it has a version, but no state."""
    expected = EXPECTED["order.deleted.v1"]

    change = parse_event(read_golden("order.deleted.v1"))

    key = AggregateKey(AggregateType.ORDER, ORDER_ID)
    assert change == StateChange(
        key, Version(1, 4), expected.previous_number, None, expected.committed_at
    )


def test_no_golden_file_is_without_its_expectation() -> None:
    """A golden file that nothing reads would prove nothing."""
    assert GOLDEN_FILES.keys() == EXPECTED.keys()


def test_every_version_of_every_type_has_a_golden_file() -> None:
    """Whoever raises a schema version leaves a golden file of it behind."""
    covered = {
        (match["noun"], int(match["version"]))
        for name in GOLDEN_FILES
        if (match := GOLDEN_NAME.fullmatch(name))
    }

    published = {
        (aggregate_type.value, version)
        for aggregate_type, current in CURRENT_VERSIONS.items()
        for version in range(1, current + 1)
    }
    assert covered == published

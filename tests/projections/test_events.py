"""What `parse_event` makes of bytes: a change, or a value that says what else it was."""

import json

import msgspec
import pytest

from projections.events import (
    PoisonEvent,
    StateChange,
    UnknownEvent,
    UnreadableEvent,
    parse_event,
)
from projections.versions import AggregateType, Version
from projections.views import Row
from tests.builders.rows import (
    cloud_event,
    customer_key,
    customer_row,
    order_key,
    order_row,
    product_row,
    to_bytes,
)

NESTED_TOO_DEEPLY = "[" * 100_000 + "]" * 100_000


def parsed(event: object) -> object:
    return parse_event(to_bytes(event))


def data_of(row: Row) -> dict[str, object]:
    state: dict[str, object] = msgspec.to_builtins(row)
    return state


def without(event: dict[str, object], *names: str) -> dict[str, object]:
    return {name: value for name, value in event.items() if name not in names}


class TestReadableEvents:
    @pytest.mark.parametrize("row", [order_row(), customer_row(), product_row()])
    def test_event_carries_the_full_state(self, row: Row) -> None:
        """The data of an event is the row that a read of the same resource gives."""
        change = parsed(cloud_event(row))

        assert isinstance(change, StateChange)
        assert (change.key, change.at, change.row) == (row.key, row.at, row)

    @pytest.mark.parametrize("verb", ["placed", "updated", "teleported", "status.changed"])
    def test_verb_changes_nothing(self, verb: str) -> None:
        """A new verb for a known noun is read like an old one: the state says it all."""
        assert parsed(cloud_event(order_row(), verb=verb)) == parsed(cloud_event(order_row()))

    def test_noun_alone_is_enough(self) -> None:
        """An event type without a verb still says what its data is."""
        change = parsed(cloud_event(order_row(), type="order"))

        assert isinstance(change, StateChange)

    def test_unknown_attributes_are_ignored(self) -> None:
        """A service may add attributes and fields; nobody here breaks on them."""
        data = {**data_of(customer_row()), "nickname": "Ada"}

        change = parsed(cloud_event(customer_row(), data=data, traceparent="00-1-1-01"))

        assert isinstance(change, StateChange)
        assert change.row == customer_row()

    def test_first_event_has_no_previous_version(self) -> None:
        """Absent and null both say: nothing came before."""
        absent = parsed(cloud_event(order_row()))
        null = parsed(cloud_event(order_row(), previousversion=None))

        assert isinstance(absent, StateChange)
        assert absent.previous_number is None
        assert null == absent

    def test_missing_schema_version_is_the_first(self) -> None:
        """A service that never changed its shape need not number it."""
        event = without(cloud_event(order_row()), "schemaversion", "tombstone")

        assert parsed(event) == parsed(cloud_event(order_row()))

    def test_order_without_causal_dependencies_depends_on_nothing(self) -> None:
        """A service that keeps none leaves the member out."""
        data = without(data_of(order_row()), "causalDeps")

        assert parsed(cloud_event(order_row(), data=data)) == parsed(cloud_event(order_row()))

    @pytest.mark.parametrize("remains", [{}, {"data": None}, {"data": {"id": "o-1"}}])
    def test_tombstone_has_a_version_and_no_row(self, remains: dict[str, object]) -> None:
        """A deletion is read whatever its data is, even in a shape of the future."""
        event = without(cloud_event(order_row(version=3), verb="deleted"), "data")

        change = parsed({**event, "tombstone": True, "schemaversion": 99, **remains})

        assert isinstance(change, StateChange)
        assert (change.key, change.at, change.row) == (order_key(), Version(1, 3), None)


class TestUnknownEvents:
    def test_unknown_noun_is_a_value(self) -> None:
        """An event of a type that is not projected is named, not refused."""
        assert parsed(cloud_event(order_row(), type="invoice.sent")) == UnknownEvent("invoice.sent")

    @pytest.mark.parametrize(
        "event",
        [
            {"type": "invoice.sent"},
            {"type": "invoice.sent", "subject": None},
            {"type": "invoice.sent", "subject": "not an id of ours"},
            {"type": "orders.placed", "subject": "o-1"},
            {"type": ""},
        ],
    )
    def test_unknown_noun_owes_us_no_shape(self, event: dict[str, object]) -> None:
        """Extensions and subject are our agreement on known nouns; of others the type is read."""
        assert parsed(event) == UnknownEvent(str(event["type"]))


class TestPoisonEvents:
    @pytest.mark.parametrize(
        "data",
        [
            None,
            "text",
            [],
            {},
            {"id": "o-1"},
            without(data_of(order_row(version=7)), "status"),
            {**data_of(order_row(version=7)), "status": "LOST"},
            {**data_of(order_row(version=7)), "total": "much"},
            {**data_of(order_row(version=7)), "placedAt": "yesterday"},
            {**data_of(order_row(version=7)), "causalDeps": None},
            {**data_of(order_row(version=7)), "causalDeps": ["customer:c-1"]},
        ],
    )
    def test_unreadable_state_is_poison_of_its_aggregate_alone(self, data: object) -> None:
        """Broken data set aside one aggregate, and say which version of it is missing."""
        event = parsed(cloud_event(order_row(version=7), data=data))

        assert isinstance(event, PoisonEvent)
        assert (event.key, event.at) == (order_key(), Version(1, 7))
        assert event.reason.startswith("data: ")

    @pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-Infinity"])
    def test_amount_that_is_no_amount_is_poison(self, amount: str) -> None:
        """What a decimal can be and money cannot is no state of an aggregate."""
        event = cloud_event(product_row())
        data = {**json.loads(to_bytes(event))["data"], "price": amount}

        assert isinstance(parsed({**event, "data": data}), PoisonEvent)

    def test_missing_data_is_poison(self) -> None:
        """Only a tombstone may come without data."""
        event = parsed(without(cloud_event(order_row()), "data"))

        assert isinstance(event, PoisonEvent)

    @pytest.mark.parametrize(
        ("attribute", "value"),
        [("subject", "o-2"), ("aggregateversion", 2), ("sourceepoch", 2)],
    )
    def test_state_of_another_version_or_aggregate_is_poison(
        self, attribute: str, value: object
    ) -> None:
        """What the envelope says is what the data must be; who is right cannot be known."""
        event = parsed({**cloud_event(order_row()), attribute: value})

        assert isinstance(event, PoisonEvent)

    def test_state_of_another_noun_is_poison(self) -> None:
        """A customer in an order's event is not taken for an order."""
        event = parsed(cloud_event(customer_row(), type="order.updated"))

        assert isinstance(event, PoisonEvent)
        assert event.key.type is AggregateType.ORDER

    def test_schema_version_from_the_future_is_poison(self) -> None:
        """A shape that is not known yet is never guessed at, even if it seems to fit."""
        event = parsed(cloud_event(order_row(), schemaversion=2))

        assert isinstance(event, PoisonEvent)
        assert event.reason == "data: schema version 2 is newer than 1"

    @pytest.mark.parametrize(
        "damage",
        [
            {"aggregateversion": "1"},
            {"aggregateversion": 0},
            {"aggregateversion": 1.5},
            {"aggregateversion": 2**53},
            {"sourceepoch": -1},
            {"schemaversion": 0},
            {"tombstone": "no"},
            {"time": "2025-03-01T09:30:01"},
            {"id": None},
        ],
    )
    def test_broken_envelope_with_a_subject_is_poison(self, damage: dict[str, object]) -> None:
        """As long as an event names its aggregate, nothing else has to suffer."""
        event = parsed({**cloud_event(customer_row()), **damage})

        assert isinstance(event, PoisonEvent)
        assert (event.key, event.at) == (customer_key(), None)
        assert event.reason.startswith("envelope: ")


class TestUnreadableEvents:
    @pytest.mark.parametrize(
        "event",
        [
            without(cloud_event(order_row()), "subject"),
            without(cloud_event(order_row()), "type"),
            cloud_event(order_row(), subject=""),
            cloud_event(order_row(), subject="../o-1"),
            cloud_event(order_row(), subject="o-1\n"),
            cloud_event(order_row(), subject="o" * 65),
            cloud_event(order_row(), subject=1),
            cloud_event(order_row(), type=None),
            None,
            [],
        ],
    )
    def test_event_of_nobody_is_unreadable(self, event: object) -> None:
        """Whose state would be missing cannot be told, so it must not pass for poison."""
        assert isinstance(parsed(event), UnreadableEvent)

    @pytest.mark.parametrize(
        "raw", [b"", b"{", b"\xff\xfe", b'{"type": "\xff"}', NESTED_TOO_DEEPLY.encode()]
    )
    def test_bytes_that_are_no_json_are_unreadable(self, raw: bytes) -> None:
        """Garbage is a value too."""
        assert isinstance(parse_event(raw), UnreadableEvent)

    def test_nesting_without_end_is_unreadable(self) -> None:
        """Brackets nested deeper than a reader can follow do not blow it up."""
        raw = to_bytes(cloud_event(order_row(), data="?")).replace(
            b'"?"', NESTED_TOO_DEEPLY.encode()
        )

        assert isinstance(parse_event(raw), UnreadableEvent)

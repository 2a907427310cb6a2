"""Whatever bytes a source sends, `parse_event` answers with a value."""

import json

from hypothesis import given
from hypothesis import strategies as st

from projections.events import (
    PoisonEvent,
    StateChange,
    UnknownEvent,
    UnreadableEvent,
    parse_event,
)
from projections.views import Row
from tests.builders.rows import cloud_event, customer_row, order_row, product_row

VALUES = StateChange | UnknownEvent | PoisonEvent | UnreadableEvent
ORDER_EVENT = cloud_event(order_row(version=3))

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8)
    | st.sampled_from(["order.x", "o-1", "2025-03-01T09:30:01Z", "NaN", "1e9", ""])
)
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=8,
)
rows: st.SearchStrategy[Row] = st.sampled_from(
    [order_row(version=3), customer_row(version=3), product_row(version=3)]
)


def is_sound(value: object) -> bool:
    """A change says the same in envelope and state."""
    if isinstance(value, StateChange) and value.row is not None:
        return (value.row.key, value.row.at) == (value.key, value.at)
    return isinstance(value, VALUES)


@given(st.binary(max_size=200))
def test_any_bytes_are_answered(raw: bytes) -> None:
    """No garbage raises."""
    assert isinstance(parse_event(raw), VALUES)


@given(json_values)
def test_any_json_is_answered(value: object) -> None:
    """No document raises, and none that is not an object passes for an event."""
    parsed = parse_event(json.dumps(value).encode())

    assert isinstance(parsed, UnreadableEvent | UnknownEvent)


@given(rows, st.dictionaries(st.sampled_from(sorted(ORDER_EVENT)), json_values, max_size=3))
def test_any_damage_to_the_envelope_is_answered(row: Row, damage: dict[str, object]) -> None:
    """An event in which any attributes were replaced is still a value, and a sound one."""
    parsed = parse_event(json.dumps({**cloud_event(row), **damage}).encode())

    assert is_sound(parsed)


@given(rows, st.data())
def test_any_damage_to_the_state_is_of_its_aggregate(row: Row, draw: st.DataObject) -> None:
    """Whatever stands in the data, an intact envelope says whose state it is."""
    state = cloud_event(row)["data"]
    assert isinstance(state, dict)
    damage = draw.draw(st.dictionaries(st.sampled_from(sorted(state)), scalars))

    parsed = parse_event(json.dumps(cloud_event(row, data={**state, **damage})).encode())

    assert isinstance(parsed, StateChange | PoisonEvent)
    assert (parsed.key, parsed.at) == (row.key, row.at)


@given(st.binary(min_size=1, max_size=3), st.integers(0, 2**16))
def test_any_flipped_bytes_are_answered(flips: bytes, place: int) -> None:
    """Bytes that were damaged on their way never raise."""
    raw = bytearray(json.dumps(ORDER_EVENT).encode())
    place %= len(raw)

    raw[place : place + len(flips)] = flips

    assert is_sound(parse_event(bytes(raw)))

"""One state, written alike from both sides: as an event tells it and as GraphQL shows it. Pure.

Amounts are `Decimal`, times are instants, lines are pairs; so two texts for one value are equal,
and what differs really does.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from projections.versions import AggregateType
from tests.laws.proof.history import Fields

Json = Mapping[str, Any]

PLAIN_FIELDS: Final = {
    AggregateType.ORDER: ("status", "note", "currency", "total", "placedAt"),
    AggregateType.CUSTOMER: ("name", "email"),
    AggregateType.PRODUCT: ("name", "price", "currency", "stock"),
}


def instant_of(text: str) -> datetime:
    """The instant that a time names, in whatever zone it is written."""
    return datetime.fromisoformat(text).astimezone(UTC)


_READ: Final[Mapping[str, Callable[[str], object]]] = {
    "total": Decimal,
    "price": Decimal,
    "placedAt": instant_of,
}


def committed_fields(of: AggregateType, state: Json) -> Fields:
    """The public fields of a state as its owner publishes it."""
    fields = _plain_fields(of, state)
    if of is AggregateType.ORDER:
        fields["customerId"] = state["customerId"]
        fields["productIds"] = tuple(item["productId"] for item in state["items"])
        fields["items"] = _lines(state)
    return fields


def shown_fields(of: AggregateType, state: Json) -> Fields:
    """The public fields of a state as far as an answer shows them."""
    fields = _plain_fields(of, state)
    if customer := state.get("customer"):
        fields["customerId"] = customer["id"]
    if (items := state.get("items")) is not None:
        fields["items"] = _lines(state)
        if all(item["product"] for item in items):
            fields["productIds"] = tuple(item["product"]["id"] for item in items)
    return fields


def _plain_fields(of: AggregateType, state: Json) -> dict[str, object]:
    return {
        name: _READ.get(name, str)(state[name]) if isinstance(state[name], str) else state[name]
        for name in PLAIN_FIELDS[of]
        if name in state
    }


def _lines(state: Json) -> tuple[tuple[int, Decimal], ...]:
    return tuple((item["quantity"], Decimal(item["unitPrice"])) for item in state["items"])

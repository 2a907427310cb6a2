"""What a read of a page came to while services fail: what was shown, and what was said instead.

Pure: an answer's body in, a sample out. A part that is shown in place of a failure counts as shown;
whose circuit was open is told by the error, or by the part that stands in for it.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from benchmarks.processes import Json

OPEN: Final = "CIRCUIT_OPEN"
SERVICE_OF: Final = {
    "order": "orders",
    "order.customer": "customers",
    "customer": "customers",
    "order.items.product": "products",
    "product": "products",
}
"""Whose part of an answer is at this path."""

MS: Final = 1_000


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """One read: when it began (wall clock, s), what it took (s), the codes of its errors.

    ``shown``: the services whose parts are there as a whole; ``refused``: those whose circuit was
    open. ``retry_after_s``: when it may be asked again, as far as that was told; else 0.
    """

    began_at_s: float
    took_s: float
    codes: tuple[str, ...]
    shown: tuple[str, ...]
    refused: tuple[str, ...] = ()
    retry_after_s: float = 0.0

    @property
    def ended_at_s(self) -> float:
        return self.began_at_s + self.took_s


def sample_of(body: Json, began_at_s: float, took_s: float) -> Sample:
    """The sample of an answer. Raises KeyError for an error without a code."""
    errors = [error["extensions"] for error in body.get("errors", ())]
    refused = {error["service"] for error in errors if error["code"] == OPEN}
    waits_ms = [error.get("retryAfterMs", 0) for error in errors]
    return Sample(
        began_at_s,
        took_s,
        tuple(sorted({error["code"] for error in errors})),
        tuple(sorted(_shown(body.get("data") or {}))),
        tuple(sorted(refused | set(_refused_behind(body)))),
        max(waits_ms, default=0) / MS,
    )


def samples_of(told: Json) -> list[Sample]:
    """The samples of a reader's account, in the order of their beginning."""
    samples = msgspec.convert(told["samples"], list[Sample])
    return sorted(samples, key=lambda sample: sample.began_at_s)


def _shown(data: Json) -> Iterator[str]:
    order = data.get("order")
    if order is not None:
        yield "orders"
    if _is_there("customer", order, data):
        yield "customers"
    items: Sequence[Json] = (order or {}).get("items", ())
    if _is_there("product", data) or (items and all(_is_there("product", one) for one in items)):
        yield "products"


def _is_there(name: str, *places: Json | None) -> bool:
    return any(place is not None and place.get(name) is not None for place in places)


def _refused_behind(body: Json) -> Iterator[str]:
    """The services for which something stands in because their circuit was open."""
    consistency = body.get("extensions", {}).get("consistency", {})
    for component in consistency.get("components", ()):
        if component.get("insteadOf") == OPEN:
            yield SERVICE_OF[component["path"]]

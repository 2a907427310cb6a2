"""Causes: what the writer of an order had seen of its customer and products.

The rule: causes only grow. A write joins its own with those the order carries, of each aggregate
the greatest version, so whoever honours them shows no order with an older world than any of its
writers saw. The writer is taken at her word: no other service is asked.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from upstream_stubs.resources import ID_PATTERN, Order

MAX_DEP_COUNT: Final = 51
"""The customer, and the products of the longest order."""

NUMBER_LIMIT: Final = 2**53
"""Readers in JavaScript and Lua count in doubles."""

DEP_PATTERN: Final = re.compile(
    rf"((?:customer|product):{ID_PATTERN.strip('^$')})@(0|[1-9][0-9]{{0,15}})\.([1-9][0-9]{{0,15}})"
)


class Seen(NamedTuple):
    """A version, as one can be seen: the epoch dominates the number."""

    epoch: int
    number: int


CausalDeps = Mapping[str, Seen]
"""By aggregate, ``customer:c-1``, the version that was seen."""


def parse_causal_deps(header: str) -> dict[str, Seen]:
    """What a writer says she has seen, ``customer:c-1@1.3, product:p-7@1.9``. Raises ValueError."""
    deps = [dep.strip(" \t") for dep in header.split(",")]
    if len(deps) > MAX_DEP_COUNT:
        raise ValueError(f"at most {MAX_DEP_COUNT} versions")
    return newest(map(parse_dep, deps))


def parse_dep(dep: str) -> tuple[str, Seen]:
    """The aggregate and the version in ``customer:c-1@1.3``. Raises ValueError."""
    match = DEP_PATTERN.fullmatch(dep)
    if match is None:
        raise ValueError(f"not a version of a customer or product: {dep[:64]!r}")
    seen = Seen(int(match[2]), int(match[3]))
    if max(seen) >= NUMBER_LIMIT:
        raise ValueError("epochs and versions are below 2^53")
    return match[1], seen


def newest(deps: Iterable[tuple[str, Seen]]) -> dict[str, Seen]:
    """Of each aggregate the greatest version."""
    found: dict[str, Seen] = {}
    for key, seen in deps:
        found[key] = max(seen, found.get(key, seen))
    return found


def with_causes(order: Order, told: CausalDeps) -> Order:
    """The order, carrying what this writer and those before had seen of its own aggregates.

    What she has seen of others says nothing about this order, and is left out.
    """
    own = {f"customer:{order.customer_id}", *(f"product:{item.product_id}" for item in order.items)}
    known = map(parse_dep, order.causal_deps)
    causes = newest([*known, *((key, seen) for key, seen in told.items() if key in own)])
    deps = sorted(f"{key}@{seen.epoch}.{seen.number}" for key, seen in causes.items())
    return order.model_copy(update={"causal_deps": tuple(deps)})


def caused(change: Callable[[Order], Order], told: CausalDeps) -> Callable[[Order], Order]:
    """``change`` with what its writer had seen; a change that changes nothing has no causes."""

    def change_with_causes(order: Order) -> Order:
        changed = change(order)
        return order if changed == order else with_causes(changed, told)

    return change_with_causes

"""How a twin keeps what the writers of an order had seen, as the contract has it."""

from collections.abc import Callable, Mapping

import httpx
import msgspec

from projections.versions import AggregateKey, AggregateType, Version
from projections.views import OrderRow
from projections.views.causal_deps import parse_causal_deps, render_causal_deps


def seen_by_writer(request: httpx.Request) -> Mapping[AggregateKey, Version]:
    header = request.headers.get("X-Causal-Deps")
    return {} if header is None else parse_causal_deps(header.split(", "))


def with_causes(order: OrderRow, told: Mapping[AggregateKey, Version]) -> OrderRow:
    """Join what is told of the order's own customer and products with what it carries."""
    own = {
        AggregateKey(AggregateType.CUSTOMER, order.customer_id),
        *(AggregateKey(AggregateType.PRODUCT, item.product_id) for item in order.items),
    }
    causes = dict(order.depends_on)
    for key in own & told.keys():
        causes[key] = max(told[key], causes.get(key, told[key]))
    return msgspec.structs.replace(order, causal_deps=render_causal_deps(causes))


def caused(
    change: Callable[[OrderRow], OrderRow], told: Mapping[AggregateKey, Version]
) -> Callable[[OrderRow], OrderRow]:
    """Let `change` leave its causes behind, if it changes anything."""

    def change_with_causes(order: OrderRow) -> OrderRow:
        changed = change(order)
        return order if changed == order else with_causes(changed, told)

    return change_with_causes

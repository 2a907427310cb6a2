"""The read models: rows as readers need them, one module an aggregate type.

A row is the owner's full public state (event-carried state transfer), so the JSON of its REST
resource and the `data` of its events decode into the same struct, and applying an event is
replacing a row. Rows are immutable; they are joined at read, never copied into each other.

Each read model declares its staleness budget: how old the proof that it is current may be before
plain reads ask the owner instead.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from projections.versions import AggregateType
from projections.views.customers import CustomerRow
from projections.views.orders import OrderItemRow, OrderRow, OrderStatus
from projections.views.products import ProductRow

Row = OrderRow | CustomerRow | ProductRow

STALENESS_BUDGETS_S: Final[Mapping[AggregateType, float]] = MappingProxyType(
    {
        AggregateType.ORDER: 2.5,
        AggregateType.CUSTOMER: 2.5,
        AggregateType.PRODUCT: 2.5,
    }
)
"""The staleness budget (s) of each read model; settings may choose others (0.5–600).

A quiet source is proven current once a second, by a heartbeat of its relay or by an answer of its
feed. That proof is on its way, or at hand in a reader's memory, for a second at most. Half a second
is left for a busy machine. A part that dies then shows within three seconds, and one that is well
never does.
"""

__all__ = [
    "STALENESS_BUDGETS_S",
    "CustomerRow",
    "OrderItemRow",
    "OrderRow",
    "OrderStatus",
    "ProductRow",
    "Row",
]

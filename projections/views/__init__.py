"""The read models: rows as readers need them, one module an aggregate type.

A row is the owner's full public state (event-carried state transfer), so the JSON of its REST
resource and the `data` of its events decode into the same struct, and applying an event is
replacing a row. Rows are immutable; they are joined at read, never copied into each other.
"""

from projections.views.customers import CustomerRow
from projections.views.orders import OrderItemRow, OrderRow, OrderStatus
from projections.views.products import ProductRow

Row = OrderRow | CustomerRow | ProductRow

__all__ = ["CustomerRow", "OrderItemRow", "OrderRow", "OrderStatus", "ProductRow", "Row"]

"""Who may follow what: the one place where subscriptions ask the rule of who may see what.

An order is shown to a follower by the query of that order, which has the rule itself: one that is
not hers is null, and stays so. Whether she may ask for orders, or for those of this customer, is
asked here, before anything is read.
"""

from projections.selection import OrderRoot
from resolvers.ownership import require_asking, require_naming
from resolvers.viewer import Viewer


def require_may_follow(viewer: Viewer, order_id: str | None, customer_id: str | None) -> None:
    """Raise what the query `order(id)`, or `orders(customerId)`, would raise."""
    if order_id is not None:
        require_asking(viewer, OrderRoot(order_id))
    if customer_id is not None:
        require_naming(viewer, customer_id)

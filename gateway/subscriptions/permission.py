"""Who may follow what: the one place where subscriptions ask the rule of who may see what.

An order is shown to a follower by the query of that order, which has the rule itself: one that is
not hers is null, and stays so. Only whose orders are followed has to be asked here, before anything
is read.
"""

from resolvers.ownership import require_naming
from resolvers.viewer import Viewer


def require_may_follow(viewer: Viewer, customer_id: str | None) -> None:
    """Raise what the query `orders(customerId)` would raise, where a list is followed."""
    if customer_id is not None:
        require_naming(viewer, customer_id)

"""Pages of a customer's orders: cursors, and a page brought up to what is known of them. Pure.

A page is read from one place (the projection, or the order service) and some of its orders may be
known newer from another. `revise` puts both together, so a list never shows an older world than the
single orders it is made of.
"""

import base64
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from projections.selection import PageKey
from projections.views import OrderRow
from projections.views.aggregate import is_id
from projections.views.orders import ListingPosition
from resolvers.errors import BadInput

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
"""Orders on one page, at most: one batched call for all their customers, one for their products
while orders have few lines."""


def render_cursor(position: ListingPosition) -> str:
    """The connection cursor of an order: opaque to clients, the same from every source."""
    text = f"{position.placed_at.astimezone(UTC).isoformat()}_{position.id}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def parse_cursor(cursor: str) -> ListingPosition:
    """Raises `BadInput` naming ``after`` for anything `render_cursor` did not make."""
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode()
        placed_at, _, order_id = text.partition("_")
        position = ListingPosition(datetime.fromisoformat(placed_at), order_id)
        # Rendered again it must be the same: neither another spelling nor a time without a zone is.
        is_ours = render_cursor(position) == cursor and is_id(order_id)
    except (ValueError, OverflowError) as error:
        raise BadInput("after", "not a cursor of this connection") from error
    if not is_ours:
        raise BadInput("after", "not a cursor of this connection")
    return position


def with_seen(cursor: str, seen: str | None) -> str:
    """The cursor with the sealed token of what its page has shown, which the next must not undo."""
    return cursor if seen is None else f"{cursor}.{seen}"


def split_seen(cursor: str) -> tuple[str, str | None]:
    """What `with_seen` joined; a dot is in neither part."""
    position, dot, seen = cursor.partition(".")
    return position, seen if dot else None


def check_page_size(first: int) -> int:
    """``first`` if it is a page size, else `BadInput`."""
    if not 1 <= first <= MAX_PAGE_SIZE:
        raise BadInput("first", f"must be between 1 and {MAX_PAGE_SIZE}")
    return first


def revise(
    key: PageKey,
    listed: Iterable[OrderRow],
    known: Iterable[OrderRow],
    *,
    has_more: bool,
    ends_at: ListingPosition | None,
) -> tuple[tuple[str, ...], bool]:
    """The order ids of the page, newest first, and whether the list goes on.

    ``listed`` are the page's orders as it was read down to ``ends_at``, less those known to be
    deleted; ``known`` are orders demanded by the caller, at versions at least as new. A known order
    joins the page when it belongs there and leaves it when it does not any more.
    """
    by_id = {order.id: order for order in listed}
    for order in known:
        is_past_the_end = has_more and ends_at is not None and order.listed_at < ends_at
        if order.id in by_id or not is_past_the_end:
            by_id[order.id] = order
    belonging = [order for order in by_id.values() if _belongs(order, key)]
    belonging.sort(key=lambda order: order.listed_at, reverse=True)
    shown = tuple(order.id for order in belonging[: key.first])
    return shown, has_more or len(belonging) > key.first


@dataclass(frozen=True, slots=True)
class Listed:
    """A page as the projection has it, newest order first."""

    orders: Sequence[OrderRow]
    has_more: bool

    def is_within(self, live: Collection[str], ends_at: ListingPosition | None) -> bool:
        """Is all that it lists on a later page too, as far as that goes?

        ``ends_at`` is where the later page ends, None at the end of the list. An order that has
        left a list has changed since it was in it.
        """
        is_told = not self.has_more or (
            ends_at is not None and any(order.listed_at <= ends_at for order in self.orders)
        )
        return is_told and all(
            order.id in live or (ends_at is not None and order.listed_at < ends_at)
            for order in self.orders
        )


def _belongs(order: OrderRow, key: PageKey) -> bool:
    return (
        order.customer_id == key.customer_id
        and key.status in (None, order.status)
        and (key.after is None or order.listed_at < key.after)
    )

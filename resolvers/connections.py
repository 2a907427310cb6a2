"""What a connection shows of a page that was found: its orders, their cursors, where it ends."""

from typing import NamedTuple

from projections.selection import PageKey
from projections.token import merge
from projections.versions import ORDER, AggregateKey
from projections.views.orders import ListingPosition
from resolvers.answer import Absent, Answer, FoundPage
from resolvers.pages import render_cursor, with_seen
from resolvers.tokens import TokenDesk


class PageEnds(NamedTuple):
    """The fields of `PageInfo`."""

    has_next_page: bool
    has_previous_page: bool
    start_cursor: str | None
    end_cursor: str | None


def listed_on(page: FoundPage, answer: Answer) -> list[ListingPosition]:
    """Where the orders stand that there are, or that nobody could tell of."""
    return [
        page.listed_at[order_id]
        for order_id in page.order_ids
        if not isinstance(answer.components[AggregateKey(ORDER, order_id)], Absent)
    ]


def sealed_seen(page: FoundPage, answer: Answer, tokens: TokenDesk) -> str | None:
    """What the next page must not fall behind, as each cursor of this one says it."""
    return tokens.seal_seen(merge(page.seen, answer.shown))


def cursor_of(listed_at: ListingPosition, seen: str | None) -> str:
    """The cursor of one order; ``seen`` as `sealed_seen` says it."""
    return with_seen(render_cursor(listed_at), seen)


def ends_of(key: PageKey, page: FoundPage, answer: Answer, seen: str | None) -> PageEnds:
    """Where the page begins and ends."""
    shown = listed_on(page, answer)
    goes_on_at = page.ends_at if page.has_more else None
    end = shown[-1] if shown else goes_on_at
    return PageEnds(
        has_next_page=page.has_more,
        has_previous_page=key.after is not None,
        start_cursor=cursor_of(shown[0], seen) if shown else None,
        end_cursor=cursor_of(end, seen) if end else None,
    )

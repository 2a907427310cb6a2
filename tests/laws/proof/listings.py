"""Which orders a page ought to show, and what explains that one is not on it. Pure."""

from collections.abc import Callable, Iterator

from projections.versions import AggregateType, Version
from projections.views.orders import ListingPosition
from tests.laws.proof.history import Commit, Key, Listed
from tests.laws.proof.owners import Owners


def left_out(page: Listed, is_known: Callable[[Key], bool], owners: Owners) -> list[Key]:
    """The known orders that stand where the page reaches, and are not on it.

    A list runs from the greatest position down. Of a page that goes on only what lies before its
    last order is known, and of one with nulls nothing: each may be any of them.
    """
    if page.null_count:
        return []
    shown = set(page.order_ids)
    left = (key for key in _reached(page, owners) if key.id not in shown)
    return [key for key in left if is_known(key)]


def _reached(page: Listed, owners: Owners) -> Iterator[Key]:
    """Every order of the customer between the beginning and the end of this page."""
    ends_at = min(positions(page, owners), default=None)
    if page.has_more and ends_at is None:
        return
    for key in owners.orders_of(page.customer_id):
        position = owners.position_of(key)
        if position is None or (page.has_more and ends_at is not None and position <= ends_at):
            return
        if page.after is None or position < page.after:
            yield key


def why_gone(
    key: Key, least: Version | None, owners: Owners, by_s: float, *, page: Listed | None = None
) -> Version | None:
    """The first commit from ``least`` on by which the thing is not there, or not on this page.

    None if nothing explains it, or where nothing is left that would have to be there.
    """
    kept = None if least is None else owners.surviving(key, least, by_s)
    if kept is None:
        return None
    gone = owners.first_from(key, kept, by_s, lambda commit: not belongs(commit, page))
    return None if gone is None else gone.at


def belongs(commit: Commit, page: Listed | None) -> bool:
    """Is there such a thing, and if a page is given, is it listed there?"""
    if commit.state is None or page is None:
        return commit.state is not None
    listing = commit.listing
    return (
        listing is not None
        and listing.customer_id == page.customer_id
        and page.status in (None, listing.status)
    )


def positions(page: Listed, owners: Owners) -> Iterator[ListingPosition]:
    """Where the orders of a page stand, as it shows them."""
    for order_id in page.order_ids:
        position = owners.position_of(Key(AggregateType.ORDER, order_id))
        if position is not None:
            yield position

"""Which orders a page ought to show, and what explains that one is not on it. Pure."""

from collections.abc import Collection, Iterator

from projections.versions import AggregateType, Version
from projections.views.orders import ListingPosition
from tests.laws.proof.history import Commit, Key, Listed
from tests.laws.proof.owners import Owners


def left_out(page: Listed, known: Collection[Key], owners: Owners) -> list[Key]:
    """Those of the orders that stand where the page reaches, and are not on it.

    Nothing is known of a page with nulls: each may be any of them.
    """
    if page.null_count:
        return []
    shown = set(page.order_ids)
    ends_at = min(positions(page, owners), default=None)
    return sorted(
        key for key in known if key.id not in shown and _reaches(page, ends_at, key, owners)
    )


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


def position_of(key: Key, owners: Owners) -> ListingPosition | None:
    """Where an order stands in every list that it is in; None if there never was such an order."""
    first = owners.first_listed(key)
    return None if first is None or first.listing is None else first.listing.position


def _reaches(page: Listed, ends_at: ListingPosition | None, key: Key, owners: Owners) -> bool:
    """Does the order stand between the beginning and the end of this page?

    A list runs from the greatest position down. Of a page that goes on only what lies before its
    last order is known.
    """
    first = owners.first_listed(key)
    if first is None or first.listing is None or first.listing.customer_id != page.customer_id:
        return False
    position = first.listing.position
    if page.after is not None and position >= page.after:
        return False
    if not page.has_more:
        return True
    return ends_at is not None and position > ends_at


def positions(page: Listed, owners: Owners) -> Iterator[ListingPosition]:
    """Where the orders of a page stand, as it shows them."""
    for order_id in page.order_ids:
        position = position_of(Key(AggregateType.ORDER, order_id), owners)
        if position is not None:
            yield position

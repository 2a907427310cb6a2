"""The ownership rule: which customer a viewer may name, which rows she may see, what she may write.

    who        names whom   sees                                         writes
    STAFF      everybody    all rows                                     everything
    CUSTOMER   herself      herself, her own orders, all products        her own orders, herself
    VISITOR    nobody       products                                     nothing

The rule: who names somebody else hears so (`Forbidden`) before anything is read. An order id that
is not hers is told exactly as one that does not exist: so rows that are not hers are taken out
where rows come in, of a cut and of an owner's answers (`own_rows`), and nothing behind that knows
of them. Whose an order is never changes, so any version of it tells. Pure.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from projections.projector import StoredRow
from projections.selection import (
    CustomerRoot,
    OrderLinks,
    OrderRoot,
    OrdersRoot,
    PageKey,
    ProductRoot,
    Reach,
    Root,
    reach,
)
from projections.store import Cut
from projections.versions import AggregateKey, AggregateType
from projections.views import CustomerRow, OrderRow, ProductRow, Row
from resolvers.errors import Forbidden
from resolvers.viewer import Role, Viewer

NOTHING_KNOWN: Final[frozenset[AggregateKey]] = frozenset()


def sees_all(viewer: Viewer) -> bool:
    """Is there nothing that she may not see?"""
    return viewer.role is Role.STAFF


def may_name(viewer: Viewer, customer_id: str) -> bool:
    """May she ask for what is this customer's, or write in her name?"""
    match viewer.role:
        case Role.STAFF:
            return True
        case Role.CUSTOMER:
            return viewer.customer_id == customer_id
        case Role.VISITOR:
            return False


def may_see(viewer: Viewer, row: Row) -> bool:
    """May she be shown this row?"""
    match row:
        case ProductRow():
            return True
        case OrderRow(customer_id=customer_id):
            return may_name(viewer, customer_id)
        case CustomerRow(id=customer_id):
            return may_name(viewer, customer_id)


def may_ask(viewer: Viewer, root: Root) -> bool:
    """May she ask that at all?

    A customer may ask for any order: one that is not hers is told as if it did not exist.
    """
    match root:
        case ProductRoot():
            return True
        case OrderRoot():
            return viewer.role is not Role.VISITOR
        case OrdersRoot(customer_id=customer_id) | CustomerRoot(id=customer_id):
            return may_name(viewer, customer_id)


def require_asking(viewer: Viewer, root: Root) -> None:
    """Raise `Forbidden` where she may not ask that."""
    if not may_ask(viewer, root):
        raise Forbidden


def require_naming(viewer: Viewer, customer_id: str) -> None:
    """Raise `Forbidden` where she may not write in the name of this customer."""
    if not may_name(viewer, customer_id):
        raise Forbidden


def require_ordering(viewer: Viewer) -> None:
    """Raise `Forbidden` for who has no orders to change: one that is not hers is not found."""
    if viewer.role is Role.VISITOR:
        raise Forbidden


def require_staff(viewer: Viewer) -> None:
    """Raise `Forbidden` where what is written is the shop's own."""
    if not sees_all(viewer):
        raise Forbidden


def visible_part(
    viewer: Viewer,
    cut: Cut,
    roots: Sequence[Root],
    known: Collection[AggregateKey] = NOTHING_KNOWN,
) -> Cut:
    """``cut`` as it would be if what is not hers did not exist; itself where all of it is hers.

    ``known`` are what her tokens name, which she has been shown or has written: of those she is
    told that they are gone, or in doubt. Of others nobody can tell any more whose they were.
    """
    if sees_all(viewer):
        return cut
    hidden = {
        key
        for key, stored in cut.rows.items()
        if key not in known and not _may_know(viewer, key, stored, is_suspect=key in cut.suspects)
    }
    if not hidden:
        return cut
    reached = _reached(cut, roots, hidden)
    return Cut(
        {key: None if key in hidden else cut.rows[key] for key in reached.keys if key in cut.rows},
        {key: cut.pages[key] for key in reached.pages if key in cut.pages},
        cut.suspects & (reached.keys.keys() - hidden),
        cut.positions,
        cut.is_available,
    )


def _may_know(
    viewer: Viewer, key: AggregateKey, stored: StoredRow | None, *, is_suspect: bool
) -> bool:
    """May she be told what the projection has of it?"""
    match key.type:
        case AggregateType.PRODUCT:
            return True
        case AggregateType.CUSTOMER:
            return may_name(viewer, key.id)
        case AggregateType.ORDER if stored is None:
            return not is_suspect
        case AggregateType.ORDER:
            return stored.row is not None and may_see(viewer, stored.row)


def _reached(cut: Cut, roots: Sequence[Root], hidden: Collection[AggregateKey]) -> Reach:
    """What ``roots`` lead to where nothing is known of the hidden ones."""

    def row_of(key: AggregateKey) -> Row | None:
        stored = None if key in hidden else cut.rows.get(key)
        return None if stored is None else stored.row

    def page_of(key: PageKey) -> Sequence[str] | None:
        page = cut.pages.get(key)
        return None if page is None else page.order_ids

    whole = Reach()
    for root in roots:
        reached = reach(root, row_of, page_of)
        whole.keys.update(reached.keys)
        whole.pages.update(reached.pages)
    return whole


class Links(Protocol):
    """Whom orders lead to, as far as somebody knows."""

    def of(self, key: AggregateKey) -> OrderLinks | None: ...


@dataclass(frozen=True, slots=True)
class OwnLinks:
    """Those of the orders that a viewer may see: a guess tells whom an order leads to."""

    links: Links
    viewer: Viewer

    def of(self, key: AggregateKey) -> OrderLinks | None:
        links = self.links.of(key)
        is_hers = links is not None and may_name(self.viewer, links.customer_id)
        return links if is_hers else None

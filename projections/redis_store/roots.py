"""What reads ask for, as the script walks it: `projections.selection` in plain lists.

Pages are numbered: the answer says which page it is by its number, and not by all that names it.
"""

from collections.abc import Iterable, Sequence
from typing import Final, TypeAlias

from projections.redis_store.values import pack_place
from projections.selection import (
    CustomerRoot,
    CustomerSelection,
    OrderRoot,
    OrderSelection,
    OrdersRoot,
    PageSelection,
    ProductRoot,
    Root,
)

PackedSelection: TypeAlias = Sequence[object]

ANY_STATUS: Final = "*"


class PackedRoots:
    """The roots of several reads; ``pages`` are their page selections by number."""

    def __init__(self, reads: Iterable[Sequence[Root]]) -> None:
        self.pages: list[PageSelection] = []
        self.reads = [[self._root(root) for root in roots] for roots in reads]

    def _root(self, root: Root) -> PackedSelection:
        match root:
            case OrderRoot(id, selection):
                return 1, id, self._order(selection)
            case OrdersRoot(customer_id, page):
                return 2, customer_id, self._page(page)
            case CustomerRoot(id, selection):
                return 3, id, self._customer(selection)
            case ProductRoot(id):
                return 4, id

    def _order(self, selection: OrderSelection) -> PackedSelection:
        customer = selection.customer
        packed = False if customer is None else self._customer(customer)
        return packed, selection.has_products

    def _customer(self, selection: CustomerSelection) -> PackedSelection:
        return [self._page(page) for page in selection.orders]

    def _page(self, page: PageSelection) -> PackedSelection:
        self.pages.append(page)
        return (
            len(self.pages) - 1,
            page.first,
            ANY_STATUS if page.status is None else page.status.value,
            False if page.after is None else pack_place(page.after),
            self._order(page.node),
        )

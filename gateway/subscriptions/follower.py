"""One who follows an order, or a customer's orders: what it was told, and what it must look at.

Pure but for the event that wakes it. Memory is bounded: a version for each order told, of at most
`TOLD_LIMIT` orders, and the ids of those that changed and were not yet looked at.
"""

import asyncio
from collections import OrderedDict

from projections.versions import AggregateKey, AggregateType, Version
from projections.views.orders import ListingPosition

TOLD_LIMIT = 1_000
"""Orders of one customer whose versions are remembered, those told last; 200 bytes each."""

CHANGED_LIMIT = 1_000
"""Orders that changed and were not yet looked at; beyond it the list is looked at anew."""


class Follower:
    """Follows ``order_id``, or all orders of ``customer_id``.

    ``must_scan``: which of her orders have changed is to be found out: the newest, or, if
    ``is_scan_whole``, all of them, of which those up to ``scanned_to`` have been looked at.
    ``is_due``: it is going to be woken. ``is_blind``: what it follows is not its viewer's, and
    never will be.
    """

    __slots__ = (
        "_changed",
        "_is_awake",
        "_told",
        "customer_id",
        "is_blind",
        "is_due",
        "is_scan_whole",
        "key",
        "must_scan",
        "scanned_to",
    )

    def __init__(self, order_id: str | None, customer_id: str | None) -> None:
        self.key = AggregateKey(AggregateType.ORDER, order_id or "")
        self.customer_id = customer_id
        self.must_scan = customer_id is not None
        self.is_scan_whole = False
        self.scanned_to: ListingPosition | None = None
        self.is_due = False
        self.is_blind = False
        self._is_awake = asyncio.Event()
        self._changed: OrderedDict[str, None] = OrderedDict()
        self._told: OrderedDict[str, Version | None] = OrderedDict()
        if order_id is not None:
            self._changed[order_id] = None
        self._is_awake.set()

    def wake(self) -> None:
        """Let it look: an order's follower at its order, a customer's at what was noted."""
        self.is_due = False
        if self.customer_id is None:
            self._changed[self.key.id] = None
        self._is_awake.set()

    def note(self, order_id: str) -> None:
        """An order of its customer has changed."""
        if len(self._changed) < CHANGED_LIMIT:
            self._changed[order_id] = None
        else:
            self.scan_all()

    def scan_all(self) -> None:
        """Any of its customer's orders may have changed: all of them are to be looked at."""
        self.must_scan = self.is_scan_whole = True
        self.scanned_to = None

    def has_scanned(self, to: ListingPosition | None) -> None:
        """The orders up to ``to`` have been looked at; None: up to the last that matters."""
        if self.must_scan:  # since then all of them are to be looked at, from the first on
            return
        self.scanned_to = to
        self.must_scan = self.is_scan_whole = to is not None

    async def wait(self) -> None:
        """Wait until there is something to look at."""
        await self._is_awake.wait()

    def take(self) -> str | None:
        """The next order to look at; None when there is none, and it sleeps again."""
        if self._changed:
            return self._changed.popitem(last=False)[0]
        if not self.must_scan:
            self._is_awake.clear()
        return None

    def is_news(self, order_id: str, at: Version | None) -> bool:
        """Is this version later than what was told of the order?

        That there is no order (None) is news only to who has been told nothing of it.
        """
        if order_id not in self._told:
            return at is not None or self.customer_id is None
        told = self._told[order_id]
        return at is not None and (told is None or at > told)

    def is_behind(self, at: Version) -> bool:
        """Has the order that it follows come to this version without it?"""
        return not self.is_blind and self.is_news(self.key.id, at)

    def told_of(self, order_id: str) -> Version | None:
        """The version that was told of an order; None where none was."""
        return self._told.get(order_id)

    def tell(self, order_id: str, at: Version | None) -> None:
        """Remember what is told of an order, or known to be known."""
        self._told[order_id] = at
        self._told.move_to_end(order_id)
        if len(self._told) > TOLD_LIMIT:
            self._told.popitem(last=False)

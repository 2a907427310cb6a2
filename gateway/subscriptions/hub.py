"""Who follows what in this process, and who is woken by the news of the store.

The rule: news wake, and carry nothing. Whoever is woken looks for herself, when it is her turn, so
a change that comes while she is busy costs one bit however often it comes. Nothing is queued, and
nobody is shown an older state after a newer one because two messages overtook each other.

Announcements can be lost, and say so. Then, and now and then in any case, one read of versions
looks for all who follow an order; customers' lists are looked at less often. A few followers are
woken in each turn of the loop, so that an order with a thousand of them holds up nobody else.
"""

import asyncio
import random
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import islice
from typing import TypeVar

from gateway.live_options import LiveOptions
from gateway.metrics.live_counts import LiveCounts
from gateway.subscriptions.follower import Follower
from projections.errors import StoreUnavailable
from projections.selection import OrderRoot
from projections.store import Announcement, Cut, Store
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import OrderRow

UNPLACED_LIMIT = 10_000
"""Changed orders whose customers are not known yet; beyond it all lists are looked at."""

KEYS_PER_READ = 1_000

K = TypeVar("K")


class Hub:
    """All followers of one process. Open with `open` before anybody follows anything."""

    def __init__(self, store: Store, options: LiveOptions, counts: LiveCounts) -> None:
        self._store = store
        self._options = options
        self._counts = counts
        self._of_orders: dict[AggregateKey, set[Follower]] = {}
        self._of_customers: dict[str, set[Follower]] = {}
        self._unplaced: OrderedDict[AggregateKey, None] = OrderedDict()
        self._is_unplaced = asyncio.Event()
        self._missed = asyncio.Event()
        self._due: deque[Follower] = deque()
        self._is_turn_coming = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Hear the store's news while the context is open."""
        with self._store.listening(self._hear):
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(self._look_at_orders(), name="look for who follows an order"),
                    group.create_task(self._look_at_lists(), name="look at followed lists"),
                    group.create_task(
                        self._place_for_ever(), name="find whose orders have changed"
                    ),
                ]
                try:
                    yield
                finally:
                    for task in tasks:
                        task.cancel()

    @contextmanager
    def following(self, follower: Follower) -> Iterator[None]:
        """Wake ``follower`` for what it follows while the context is open."""
        customer_id = follower.customer_id
        listed = (
            _listed(self._of_orders, follower.key, follower)
            if customer_id is None
            else _listed(self._of_customers, customer_id, follower)
        )
        with listed:
            self._counts.following_count += 1
            try:
                yield
            finally:
                self._counts.following_count -= 1

    def _hear(self, announcement: Announcement) -> None:
        if announcement is None:
            self._missed.set()
            self._rescan_all()
            return
        for key in announcement:
            self._wake(self._of_orders.get(key, ()))
            if self._of_customers and key.type is AggregateType.ORDER:
                self._place(key)

    def _place(self, key: AggregateKey) -> None:
        """Tell the followers of this order's customer of it, as soon as she is known."""
        cut = self._store.at_hand([OrderRoot(key.id)])
        if cut is not None:
            self._tell_customer(key, cut)
        elif len(self._unplaced) < UNPLACED_LIMIT:
            self._unplaced[key] = None
            self._is_unplaced.set()
        else:
            self._rescan_all()

    def _tell_customer(self, key: AggregateKey, cut: Cut) -> None:
        stored = cut.rows.get(key)
        if stored is None or not isinstance(stored.row, OrderRow):
            return
        followers = self._of_customers.get(stored.row.customer_id, ())
        for follower in followers:
            follower.note(key.id)
        self._wake(followers)

    def _rescan_all(self) -> None:
        """Something may not have been told, of any order."""
        for followers in self._of_customers.values():
            for follower in followers:
                follower.scan_all()
            self._wake(followers)

    def _rescan(self) -> None:
        """Look at the newest orders, and at what could not be looked at before."""
        for followers in self._of_customers.values():
            for follower in followers:
                follower.must_scan = True
            self._wake(followers)

    def _wake(self, followers: Iterable[Follower]) -> None:
        for follower in followers:
            if follower.is_due:
                self._counts.conflated_count += 1
            else:
                follower.is_due = True
                self._due.append(follower)
        if self._due and not self._is_turn_coming:
            self._is_turn_coming = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _turn(self) -> None:
        for _ in range(min(self._options.wake_limit, len(self._due))):
            self._due.popleft().wake()
        self._is_turn_coming = bool(self._due)
        if self._due:
            asyncio.get_running_loop().call_soon(self._turn)

    async def _look_at_orders(self) -> None:
        """One read of versions for all who follow orders: when news may be missing, and anyway."""
        pause_s = self._options.first_look_s
        while True:
            await self._pause(pause_s)
            found = await self._look()
            first_s, longest_s = self._options.first_look_s, self._options.longest_look_s
            pause_s = first_s if found else min(2 * pause_s, longest_s)

    async def _pause(self, at_least_s: float) -> None:
        await asyncio.sleep(random.uniform(at_least_s / 2, at_least_s))
        with suppress(TimeoutError):
            async with asyncio.timeout(self._options.longest_look_s):
                await self._missed.wait()
        self._missed.clear()

    async def _look(self) -> bool:
        """Wake who is behind the store; was there anybody?"""
        keys, found = iter(tuple(self._of_orders)), False
        while some := list(islice(keys, KEYS_PER_READ)):
            with suppress(StoreUnavailable):  # the next look finds it back
                found |= self._compare(await self._store.versions(some))
        return found

    def _compare(self, versions: Mapping[AggregateKey, Version]) -> bool:
        behind = [
            follower
            for key, at in versions.items()
            for follower in self._of_orders.get(key, ())
            if follower.is_behind(at) and not follower.is_due
        ]
        self._wake(behind)
        return bool(behind)

    async def _look_at_lists(self) -> None:
        while True:
            await asyncio.sleep(self._options.list_look_s)
            self._rescan()

    async def _place_for_ever(self) -> None:
        """Read whose orders have changed, where that is not at hand."""
        while True:
            await self._is_unplaced.wait()
            keys = list(islice(self._unplaced, KEYS_PER_READ))
            try:
                cut = await self._store.read([OrderRoot(key.id) for key in keys])
            except StoreUnavailable:
                self._rescan()
                await asyncio.sleep(self._options.first_look_s)
                continue
            for key in keys:
                self._unplaced.pop(key, None)
                self._tell_customer(key, cut)
            if not self._unplaced:
                self._is_unplaced.clear()


@contextmanager
def _listed(index: dict[K, set[Follower]], name: K, follower: Follower) -> Iterator[None]:
    """Have ``follower`` in the index under this name."""
    index.setdefault(name, set()).add(follower)
    try:
        yield
    finally:
        index[name].discard(follower)
        if not index[name]:
            del index[name]

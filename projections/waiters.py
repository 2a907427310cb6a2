"""Who waits for which version. Woken by the store's announcement, never by polling.

Check, register, check again: the second check closes the race in which the version arrives between
the first check and the registration. A waiter that leaves (timeout or cancellation) takes its
registration along. Every other projection library polls here, for 25–800 ms.

A shared store's announcements can be lost. It says so when that may have happened, and then one
read looks for all who wait.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass

from projections.errors import StoreUnavailable
from projections.store import Announcement, Store
from projections.versions import AggregateKey, Version


@dataclass(frozen=True, slots=True)
class WaiterOptions:
    """Bounds on waiting.

    ``process_limit``: waiters in this process (count, default 10 000, ≥ 1): about 1 KB each.
    ``subject_limit``: waiters of one token subject (count, default 1 000, ≥ 1): one session cannot
    take all places, where sessions are told apart. Over a bound a read falls back at once.
    """

    process_limit: int = 10_000
    subject_limit: int = 1_000


class _Waiter:
    """One request's unmet versions; done when the last of them has been seen."""

    def __init__(self, unmet: Mapping[AggregateKey, Version]) -> None:
        self._unmet = dict(unmet)
        self.reached = asyncio.Event()

    def see(self, versions: Mapping[AggregateKey, Version]) -> None:
        for key in versions.keys() & self._unmet.keys():
            if versions[key] >= self._unmet[key]:
                del self._unmet[key]
        if not self._unmet:
            self.reached.set()


class Waiters:
    """All waits of this process on one store. Open with `open` before the first wait.

    ``waiting_count`` tells how many requests wait now.
    """

    def __init__(self, store: Store, options: WaiterOptions) -> None:
        self._store = store
        self._options = options
        self._waiting: dict[AggregateKey, set[_Waiter]] = {}
        self._count_by_subject: Counter[str] = Counter()
        self._missed = asyncio.Event()
        self.waiting_count = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Waiters"]:
        """Listen to the store's announcements while the context is open."""
        with self._store.listening(self._hear):
            async with asyncio.TaskGroup() as group:
                looking = group.create_task(self._look_for_missed(), name="look for missed news")
                try:
                    yield self
                finally:
                    looking.cancel()

    async def wait_for(
        self, unmet: Mapping[AggregateKey, Version], *, subject: str, timeout_s: float
    ) -> bool:
        """Wait until the store holds every version of ``unmet`` or a newer one.

        True as soon as it does; False after ``timeout_s``, or at once when too many wait already
        or the store cannot be asked.
        """
        if timeout_s <= 0 or not self._has_room(subject):
            return False
        with self._registered(unmet, subject) as waiter:
            try:
                async with asyncio.timeout(timeout_s):
                    waiter.see(await self._store.versions(unmet))
                    await waiter.reached.wait()
            except (TimeoutError, StoreUnavailable):
                return False
            return True

    async def _look_for_missed(self) -> None:
        """One read for all who wait, whenever an announcement may have been lost."""
        while True:
            await self._missed.wait()
            self._missed.clear()
            if self._waiting:
                with suppress(StoreUnavailable):  # the store says so again when it is back
                    self._hear(await self._store.versions(tuple(self._waiting)))

    def _has_room(self, subject: str) -> bool:
        return (
            self.waiting_count < self._options.process_limit
            and self._count_by_subject[subject] < self._options.subject_limit
        )

    @contextmanager
    def _registered(self, unmet: Mapping[AggregateKey, Version], subject: str) -> Iterator[_Waiter]:
        waiter = _Waiter(unmet)
        for key in unmet:
            self._waiting.setdefault(key, set()).add(waiter)
        self._count_by_subject[subject] += 1
        self.waiting_count += 1
        try:
            yield waiter
        finally:
            self._unregister(waiter, unmet, subject)

    def _unregister(
        self, waiter: _Waiter, unmet: Mapping[AggregateKey, Version], subject: str
    ) -> None:
        for key in unmet:
            waiting = self._waiting[key]
            waiting.discard(waiter)
            if not waiting:
                del self._waiting[key]
        self.waiting_count -= 1
        self._count_by_subject[subject] -= 1
        if not self._count_by_subject[subject]:
            del self._count_by_subject[subject]

    def _hear(self, announcement: Announcement) -> None:
        if announcement is None:
            self._missed.set()
            return
        for waiter in {w for key in announcement for w in self._waiting.get(key, ())}:
            waiter.see(announcement)

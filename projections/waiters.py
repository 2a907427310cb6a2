"""Who waits for which version, and how each wait ends. Woken by the store's announcement.

Check, register, check again: the second check closes the race in which the version arrives between
the first check and the registration. A waiter that leaves (timeout or cancellation) takes its
registration along. Every other projection library polls here, each waiter for itself, for
25–800 ms.

A shared store's announcements can be lost. It says so when that may have happened, and then one
read looks for all who wait. And since it may not know, one read looks for all of them now and then
in any case, for as long as anybody waits.
"""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from enum import StrEnum

from projections.errors import StoreUnavailable
from projections.store import Announcement, Store
from projections.versions import AggregateKey, Version


class WaitEnd(StrEnum):
    """How the wait for a version ended, or why there was none. Public: dashboards read it.

    The first five are told by `Waiters`. The others are found out by who wants to wait:
    ``STALLED``: its source has not been proven current within its staleness budget;
    ``NOT_WORTH_IT``: its source is behind by more than there is time; ``BUILDING``: it has never
    been read to its end; ``PARKED``: the event was set aside, or an earlier one of the aggregate;
    ``FOREIGN_EPOCH``: no row of that epoch is there; ``DOUBTED``: its owner has denied the version;
    ``UNCERTAIN``: nobody knows whether it was written.
    """

    REACHED = "REACHED"
    TIMED_OUT = "TIMED_OUT"
    NO_TIME = "NO_TIME"
    CROWDED = "CROWDED"
    STORE_LOST = "STORE_LOST"
    STALLED = "STALLED"
    NOT_WORTH_IT = "NOT_WORTH_IT"
    BUILDING = "BUILDING"
    PARKED = "PARKED"
    FOREIGN_EPOCH = "FOREIGN_EPOCH"
    DOUBTED = "DOUBTED"
    UNCERTAIN = "UNCERTAIN"


@dataclass(frozen=True, slots=True)
class WaiterOptions:
    """Bounds on waiting, and how often one look is taken for all who wait.

    ``process_limit``: waiters in this process (count, default 10 000, ≥ 1): about 1.3 KB each,
    beside the task that waits.
    ``subject_limit``: waiters of one token subject (count, default 1 000, ≥ 1): one session cannot
    take all places, where sessions are told apart. Over a bound a read falls back at once.
    ``first_look_s`` (default 0.025, > 0) after somebody has begun to wait, then twice as late each
    time, up to ``longest_look_s`` (default 0.2): less than a read waits, so that one whose
    announcement was lost is still released. Each is shortened by up to a half at random, so that
    many processes do not look at once.
    """

    process_limit: int = 10_000
    subject_limit: int = 1_000
    first_look_s: float = 0.025
    longest_look_s: float = 0.2


class _Waiter:
    """One request's unmet versions; released when the last of them has been seen."""

    __slots__ = ("_unmet", "released")

    def __init__(self, unmet: Mapping[AggregateKey, Version]) -> None:
        self._unmet = dict(unmet)
        self.released: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def see(self, versions: Mapping[AggregateKey, Version]) -> None:
        for key in versions.keys() & self._unmet.keys():
            if versions[key] >= self._unmet[key]:
                del self._unmet[key]
        if not self._unmet and not self.released.done():
            self.released.set_result(None)


class Waiters:
    """All waits of this process on one store. Open with `open` before the first wait.

    ``waiting_count`` tells how many requests wait now, ``look_count`` how many reads have been made
    for all of them together.
    """

    def __init__(self, store: Store, options: WaiterOptions) -> None:
        self._store = store
        self._options = options
        self._waiting: dict[AggregateKey, set[_Waiter]] = {}
        self._count_by_subject: Counter[str] = Counter()
        self._is_waited = asyncio.Event()
        self._missed = asyncio.Event()
        self.waiting_count = 0
        self.look_count = 0

    @asynccontextmanager
    async def open(self) -> AsyncIterator["Waiters"]:
        """Listen to the store's announcements while the context is open."""
        with self._store.listening(self._hear):
            async with asyncio.TaskGroup() as group:
                looking = group.create_task(self._look_for_ever(), name="look for who waits")
                try:
                    yield self
                finally:
                    looking.cancel()

    async def wait_for(
        self, unmet: Mapping[AggregateKey, Version], *, subject: str, timeout_s: float
    ) -> WaitEnd:
        """Wait until the store holds every version of ``unmet`` or a newer one.

        ``REACHED`` as soon as it has announced them; one of them may have been parked, so look.
        ``TIMED_OUT`` after ``timeout_s``; at once ``NO_TIME`` if that is none, ``CROWDED`` when too
        many wait already, ``STORE_LOST`` when the store cannot be asked.
        """
        if timeout_s <= 0:
            return WaitEnd.NO_TIME
        if not self._has_room(subject):
            return WaitEnd.CROWDED
        with self._registered(unmet, subject) as waiter:
            try:
                async with asyncio.timeout(timeout_s):
                    waiter.see(await self._store.versions(unmet))
                    await waiter.released
            except TimeoutError:
                return WaitEnd.TIMED_OUT
            except StoreUnavailable:
                return WaitEnd.STORE_LOST
            return WaitEnd.REACHED

    async def _look_for_ever(self) -> None:
        """While anybody waits: one read for all, when news may be missing and now and then."""
        while True:
            await self._is_waited.wait()
            longest_s = self._options.first_look_s
            while self._waiting:
                await self._pause(random.uniform(longest_s / 2, longest_s))
                longest_s = min(2 * longest_s, self._options.longest_look_s)
                await self._look()
            self._is_waited.clear()

    async def _pause(self, at_most_s: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                await self._missed.wait()
        self._missed.clear()

    async def _look(self) -> None:
        if not self._waiting:
            return
        self.look_count += 1
        with suppress(StoreUnavailable):  # the next look finds it back, or nobody waiting
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
        self._is_waited.set()
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
        if not self._waiting:
            return
        if announcement is None:
            self._missed.set()
            return
        for waiter in {w for key in announcement for w in self._waiting.get(key, ())}:
            waiter.see(announcement)

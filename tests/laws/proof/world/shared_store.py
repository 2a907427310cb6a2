"""The store that the gateways share, and what each of them sees of it.

The rows are those of the memory store and its rules are the real ones. Around it: every write has a
place in a sequence and is told to all who listen, who may miss it; each gateway keeps rows at hand,
as it does with Redis; and the store may be out of reach, or come back without its last writes.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from projections.dead_letters import DeadLetter
from projections.errors import StoreUnavailable
from projections.events import StateChange
from projections.memory_store import MemoryStore
from projections.positions import NOTHING_SEEN, Floor, Partition, SourcePosition
from projections.projector import Verdict
from projections.redis_store.cuts import Stamp, StampedCut
from projections.redis_store.near_cache import NearCache
from projections.redis_store.news import News
from projections.selection import Root
from projections.store import Announcement, Cut, EventBatch, Listener
from projections.versions import AggregateKey, Version
from projections.views import Row
from tests.generational_store import GenerationalMemoryStore

QUIET_S = 0.2
"""After so long a quiet, whoever waits is told to look for himself."""

TIMEOUT_S = 0.1
"""What a question to a store that is out of reach costs."""

KEPT_SNAPSHOT_COUNT = 8
INCARNATION = "the only one"
TABLES = ("_rows", "_suspect_until", "_listings", "_positions", "_letters", "generation_of")


class SharedStore(GenerationalMemoryStore):
    """The rows. ``links`` are told every write; ``sequence`` counts them."""

    def __init__(self, wall_clock: Callable[[], float]) -> None:
        super().__init__()
        self._wall_clock = wall_clock
        self.sequence = 0
        self.links: list[NewsLink] = []
        self._snapshots: deque[tuple[int, dict[str, Any]]] = deque(maxlen=KEPT_SNAPSHOT_COUNT)
        self._listeners.append(self._pass_on)

    @property
    def stamp(self) -> Stamp:
        return Stamp(INCARNATION, self.sequence)

    async def apply(self, batch: EventBatch) -> Sequence[Verdict]:
        with self._written():
            return await super().apply(batch)

    async def heal(self, rows: Iterable[Row], *, age_s: float = 0.0) -> None:
        self._keep_snapshot()
        await super().heal(rows, age_s=age_s)

    async def replay(self, letter: DeadLetter, change: StateChange) -> Verdict:
        with self._written():
            return await super().replay(letter, change)

    async def forget(self, partition: Partition, cursor: str) -> None:
        with self._written(voided=frozenset({partition.source})):
            await super().forget(partition, cursor)

    async def flip(self, expected: Mapping[Partition, str]) -> None:
        with self._written(voided=frozenset(partition.source for partition in expected)):
            await super().flip(expected)

    def at(self, key: AggregateKey) -> Version | None:
        """The version of a row or tombstone as it lies there."""
        stored = self._rows.get(key)
        return None if stored is None else stored.at

    @property
    def has_letters(self) -> bool:
        """Is there an event that could not be read?"""
        return bool(self._letters)

    def lose_writes(self, count: int) -> int:
        """Come back as it was so many writes ago, as far as that is known; how many were lost."""
        before = self.sequence
        for _ in range(min(count, len(self._snapshots))):
            self.sequence, tables = self._snapshots.pop()
            vars(self).update(tables)
            self._joined = None
        for link in self.links:
            link.reconnect()
        return before - self.sequence

    @contextmanager
    def _written(self, voided: frozenset[str] = frozenset()) -> Iterator[None]:
        """A write is told even where it changes no row."""
        self._keep_snapshot()
        before = self.sequence
        yield
        if self.sequence == before or voided:
            self._tell({}, voided)

    def _pass_on(self, changed: Announcement) -> None:
        self._tell(changed or {}, frozenset())

    def _tell(self, changed: Mapping[AggregateKey, Version], voided: frozenset[str]) -> None:
        self.sequence += 1
        news = News(self.stamp, changed, frozenset(), self._positions, voided)
        for link in self.links:
            link.tell(news)

    def _keep_snapshot(self) -> None:
        tables = {name: _copied(getattr(self, name)) for name in TABLES}
        self._snapshots.append((self.sequence, tables))


class NewsLink:
    """How news come to one gateway: at once, later or not at all.

    ``lost_count``: so many of the next ones get lost, which is noticed at the one after them.
    ``is_held``: they pile up until it is set free.
    """

    def __init__(self, near: NearCache) -> None:
        self.lost_count = 0
        self._near = near
        self._heard: Stamp | None = None
        self._held: deque[News] | None = None
        self._listeners: list[Listener] = []

    @property
    def is_held(self) -> bool:
        """Do they pile up?"""
        return self._held is not None

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        self._listeners.append(listener)
        try:
            yield
        finally:
            self._listeners.remove(listener)

    def tell(self, news: News) -> None:
        if self.lost_count:
            self.lost_count -= 1
        elif self._held is not None:
            self._held.append(news)
        else:
            self._take(news)

    def lose(self, count: int) -> None:
        """Let the next news get lost."""
        self.lost_count = count

    def hold(self) -> None:
        """Let news pile up on their way."""
        self._held = deque() if self._held is None else self._held

    def release(self) -> None:
        """Let them arrive, in their order."""
        held, self._held = self._held or (), None
        for news in held:
            self._take(news)

    def reconnect(self) -> None:
        """The connection was lost, and is there again; what was on its way is gone."""
        self._held, self._heard, self.lost_count = None, None, 0
        self._near.follow(None)
        self._tell_listeners(None)

    async def fill_quiet(self) -> None:
        """Tell whoever waits to look, now and again, for ever."""
        while True:
            await asyncio.sleep(QUIET_S)
            self._tell_listeners(None)

    def _take(self, news: News) -> None:
        if self._heard is not None and news.stamp != self._heard.next:
            self._near.follow(None)
            self._tell_listeners(None)
        self._heard = news.stamp
        self._near.follow(news)
        if news.voided:
            self._tell_listeners(None)
        elif news.changed:
            self._tell_listeners(news.changed)

    def _tell_listeners(self, announcement: Announcement) -> None:
        for listener in tuple(self._listeners):
            listener(announcement)


class StoreAtGateway(MemoryStore):
    """The shared store as one gateway reads it. ``is_gone``: it does not answer.

    A kind of memory store by name only, so that a gateway takes it; no row is kept in it.
    """

    def __init__(self, shared: SharedStore, *, near_row_count: int) -> None:
        super().__init__()
        self.is_gone = False
        self.delay_s = 0.0
        self._shared = shared
        self._near = NearCache(near_row_count, now_s=asyncio.get_running_loop().time)
        self.link = NewsLink(self._near)
        shared.links.append(self.link)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Hear the quiet while the context is open."""
        async with asyncio.TaskGroup() as group:
            filling = group.create_task(self.link.fill_quiet())
            try:
                yield
            finally:
                filling.cancel()

    @property
    def is_in_trouble(self) -> bool:
        """Does it not answer, or slowly?"""
        return self.is_gone or self.delay_s > 0

    def lose(self) -> None:
        """From now on the store does not answer this gateway."""
        self.is_gone = True

    def slow_down(self, delay_s: float) -> None:
        """From now on its answers take so long."""
        self.delay_s = delay_s

    def find(self) -> None:
        """It answers again, and at once."""
        self.is_gone, self.delay_s = False, 0.0

    def at_hand(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut | None:  # type: ignore[override]  # a memory store has always an answer
        return self._near.find(roots, seen=seen)

    def still(self, cut: Cut, *, seen: Floor = NOTHING_SEEN) -> Cut | None:
        return self._near.still(cut, seen=seen)

    async def read(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut:
        at_hand = self.at_hand(roots, seen=seen)
        if at_hand is not None:
            return at_hand
        await self._reach()
        cut, stamp = await self._shared.read(roots), self._shared.stamp
        await self._travel()
        self._near.keep(StampedCut(cut, stamp))
        return cut

    async def versions(self, keys: Iterable[AggregateKey]) -> Mapping[AggregateKey, Version]:
        await self._reach()
        found = await self._shared.versions(keys)
        await self._travel()
        self._near.outdate(found)
        return found

    async def heal(self, rows: Iterable[Row], *, age_s: float = 0.0) -> None:
        await self._reach()
        answers = tuple(rows)
        await self._shared.heal(answers, age_s=age_s)
        self._near.outdate({row.key: row.at for row in answers})

    async def position(self, partition: Partition) -> SourcePosition | None:
        return await self._shared.position(partition)

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        with self.link.listening(listener):
            yield

    async def _travel(self) -> None:
        """What was read is on its way; the store may be another one when it arrives."""
        if self.delay_s:
            await asyncio.sleep(self.delay_s)

    async def _reach(self) -> None:
        if self.is_gone:
            await asyncio.sleep(TIMEOUT_S)
            raise StoreUnavailable("no answer in time")


def _copied(table: Mapping[Any, Any]) -> dict[Any, Any]:
    """A table as it is now; lists in it are changed in place, everything else is replaced."""
    return {key: list(v) if isinstance(v, list) else v for key, v in table.items()}

"""The store in Redis or Valkey, shared by any number of gateways and projectors.

Each read is one script and so one cut; each write is one script and so whole or not at all, fenced
by the position it follows, and told to all who listen after it can be read. One script needs all
its keys on one node, so they share a hash tag: a read model lies on one shard of a cluster, which
is what one cut costs. What a server loses (a flush, a failover's last writes) the fence finds out,
and the logs bring it again.
"""

import time
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager

from projections.dead_letters import DeadLetter
from projections.events import StateChange
from projections.generations import GenerationCounts
from projections.positions import NOTHING_SEEN, Floor, Partition, SourcePosition
from projections.projector import Verdict
from projections.redis_store.building import RedisBuilding
from projections.redis_store.cuts import StampedCut
from projections.redis_store.debts import Debts
from projections.redis_store.generations import BEFORE, NEXT, RedisGeneration, RedisGenerations
from projections.redis_store.letters import RedisLetters
from projections.redis_store.link import Link
from projections.redis_store.near_cache import NearCache
from projections.redis_store.news import Follower
from projections.redis_store.options import RedisOptions
from projections.redis_store.reads import RedisReads
from projections.redis_store.signals import RedisObserver, ignore
from projections.redis_store.subscription import Subscription
from projections.redis_store.turns import Tasks
from projections.redis_store.words import Words
from projections.redis_store.writes import RedisWrites
from projections.selection import Root
from projections.store import Cut, EventBatch, Listener, newest_of
from projections.versions import AggregateKey, Version
from projections.views import Row


class RedisStore:
    """`projections.store.Store`, its `DeadLetters` and its `Generations`, in a Redis server.

    Open it before it is used, with `open`. Until its server is there, or while it is gone, every
    call raises `StoreUnavailable`. ``wall_clock``: epoch seconds.
    """

    def __init__(
        self,
        options: RedisOptions,
        *,
        observe: RedisObserver = ignore,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._options = options
        self._wall_clock = wall_clock
        self._link = Link(options)
        self._tasks = Tasks()
        self._subscription = Subscription(self._link, options, observe)
        self._near = NearCache(options.near_cache_rows, now_s=time.monotonic)
        self._reads = RedisReads(self._link, options, self._tasks)
        self._writes = RedisWrites(self._link, options, wall_clock=wall_clock)
        self._letters = RedisLetters(self._link, options)
        self._active = RedisGeneration(self._link, options)
        self._generations = RedisGenerations(self._link, options)

    @asynccontextmanager
    async def open(self) -> AsyncIterator["RedisStore"]:
        """Listen to the server while the context is open, without waiting for it to be there."""
        try:
            async with self._tasks.open() as group:
                listening = group.create_task(self._subscription.run(), name="listen to the store")
                try:
                    with self._subscription.following(self._near.follow):
                        yield self
                finally:
                    listening.cancel()
        finally:
            await self._link.close()

    async def read(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut:
        at_hand = self._near.find(roots, seen=seen)
        if at_hand is not None:
            return at_hand
        stamped = await self._reads.read(roots)
        self._near.keep(stamped)
        return stamped.cut

    def at_hand(self, roots: Sequence[Root], *, seen: Floor = NOTHING_SEEN) -> Cut | None:
        return self._near.find(roots, seen=seen)

    def still(self, cut: Cut, *, seen: Floor = NOTHING_SEEN) -> Cut | None:
        return self._near.still(cut, seen=seen)

    async def read_stamped(self, roots: Sequence[Root]) -> StampedCut:
        """As `read`, and when it was: who keeps the cut can tell which news came after it."""
        return await self._reads.read(roots)

    async def versions(self, keys: Iterable[AggregateKey]) -> Mapping[AggregateKey, Version]:
        found = await self._reads.versions(keys)
        self._near.outdate(found)
        return found

    async def apply(self, batch: EventBatch) -> Sequence[Verdict]:
        verdicts = await self._writes.apply(batch)
        if self._options.near_cache_rows:
            self._near.outdate(newest_of(verdicts))
        return verdicts

    async def heal(self, rows: Iterable[Row], *, age_s: float = 0.0) -> None:
        answers = tuple(rows)
        await self._writes.heal(answers, age_s=age_s)
        self._near.outdate({row.key: row.at for row in answers})

    async def position(self, partition: Partition) -> SourcePosition | None:
        return await self._reads.position(partition)

    async def forget(self, partition: Partition, cursor: str) -> None:
        await self._writes.forget(partition, cursor)
        self._near.drop()

    def listening(self, listener: Listener) -> AbstractContextManager[None]:
        return self._subscription.listening(listener)

    def following(self, follower: Follower) -> AbstractContextManager[None]:
        """Tell ``follower`` all there is to know of every write, while the context is open."""
        return self._subscription.following(follower)

    def words(self, name: str) -> Words:
        """A channel of this name between all processes over this store."""
        options = self._options
        channel = f"{options.tag}:{name}"
        return Words(self._link, channel, timeout_s=options.connect_timeout_s)

    def debts(self, name: str) -> Debts:
        """Debts of this name, shared by all processes over this store."""
        return Debts(self._link, name, timeout_s=self._options.connect_timeout_s)

    async def dead_letters(self, limit: int) -> Sequence[DeadLetter]:
        return await self._letters.newest(limit)

    async def dead_letter_count(self) -> int:
        return await self._letters.count()

    async def dead_letter(self, letter_id: str) -> DeadLetter | None:
        return await self._letters.find(letter_id)

    async def replay(self, letter: DeadLetter, change: StateChange) -> Verdict:
        verdict = await self._writes.replay(letter.id, change)
        self._near.outdate({change.key: change.at})
        return verdict

    async def discard(self, letter: DeadLetter) -> bool:
        return await self._letters.discard(letter.id)

    async def positions(self, source: str) -> Mapping[Partition, SourcePosition]:
        return await self._reads.positions(source)

    async def counts(self, source: str) -> GenerationCounts:
        return await self._active.counts(source)

    async def sample(self, source: str, count: int) -> Sequence[AggregateKey]:
        return await self._active.sample(source, count)

    async def building(self, sources: Collection[str]) -> RedisBuilding:
        target = await self._generations.next_of(sources)
        return RedisBuilding(
            self._link, self._options, self._tasks, wall_clock=self._wall_clock, target=target
        )

    async def flip(self, expected: Mapping[Partition, str]) -> None:
        await self._generations.flip(expected)
        self._near.drop()

    async def roll_back(self, sources: Collection[str]) -> None:
        await self._generations.roll_back(sources)
        self._near.drop()

    async def drop_building(self, sources: Collection[str]) -> None:
        await self._generations.drop(NEXT, sources)

    async def drop_previous(self, sources: Collection[str]) -> None:
        await self._generations.drop(BEFORE, sources)

"""What tests of the Redis store share: a store whose signals and announcements are waited for."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from projections.redis_store import RedisStore
from projections.redis_store.options import RedisOptions
from projections.redis_store.signals import RedisSignal
from projections.store import Announcement, Store
from tests.contracts.store_implementations import subscribed

Told = TypeVar("Told")

PATIENCE_S = 20.0


@dataclass
class Collected(Generic[Told]):
    """Everything that was told so far; `until` waits for what is still to come."""

    told: list[Told] = field(default_factory=list)
    _more: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, told: Told) -> None:
        self.told.append(told)
        self._more.set()

    async def until(self, is_wanted: Callable[[Told], bool]) -> Told:
        """The first that is wanted, waiting for it if need be."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for told in self.told:
                    if is_wanted(told):
                        return told
                self._more.clear()
                await self._more.wait()

    async def until_told(self, told: Told) -> None:
        await self.until(lambda other: other == told)

    async def until_count(self, count: int) -> None:
        """Wait until so much was told altogether."""
        await self.until(lambda _: len(self.told) >= count)


@dataclass(frozen=True, slots=True)
class Watched:
    """An open store, and what it told its observer."""

    store: RedisStore
    signals: Collected[RedisSignal]


@asynccontextmanager
async def watched(
    url: str,
    *,
    prefix: str = "bff",
    connection_limit: int = 8,
    connect_timeout_s: float = 5.0,
    read_timeout_s: float = 5.0,
    quiet_s: float = 0.2,
) -> AsyncIterator[Watched]:
    """A store with more patience than a busy machine can exhaust, unless the test is about it."""
    options = RedisOptions(
        url=url,
        prefix=prefix,
        connection_limit=connection_limit,
        connect_timeout_s=connect_timeout_s,
        read_timeout_s=read_timeout_s,
        quiet_s=quiet_s,
    )
    signals: Collected[RedisSignal] = Collected()
    async with RedisStore(options, observe=signals.tell).open() as store:
        yield Watched(store, signals)


@asynccontextmanager
async def listening_store(url: str) -> AsyncIterator[RedisStore]:
    """A store that has subscribed already, and takes no quiet for a reason to look."""
    async with watched(url, quiet_s=60.0) as opened:
        await subscribed(opened.store)
        yield opened.store


@contextmanager
def hearing(store: Store) -> Iterator[Collected[Announcement]]:
    """Collect what listeners are told."""
    heard: Collected[Announcement] = Collected()
    with store.listening(heard.tell):
        yield heard

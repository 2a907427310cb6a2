"""The stores that obey the contract, and how its tests look into them.

Another store joins by one more entry in `OPENED_BY`.
"""

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any, Protocol, TypeVar

import pytest

from projections.dead_letters import DeadLetters
from projections.memory_store import MemoryStore
from projections.projector import StoredRow, Verdict
from projections.redis_store import RedisStore
from projections.redis_store.options import RedisOptions
from projections.selection import OrdersRoot, PageKey, PageSelection, root_of
from projections.store import Announcement, Cut, EventBatch, Store, StoredPage
from projections.versions import AggregateKey, Version
from projections.views import OrderStatus
from projections.views.orders import ListingPosition
from tests.builders.applying import apply_next
from tests.builders.rows import customer_row

T = TypeVar("T")

HEALED_AT_S = 5_000.0

MARKER = "heard-"
marker_numbers = count()


def is_marker(announcement: Mapping[AggregateKey, Version]) -> bool:
    """Whether this is only about how far the news have been heard."""
    return all(key.id.startswith(MARKER) for key in announcement)


class StoreOfLetters(Store, DeadLetters, Protocol):
    """What every store is: rows, and the letters about what could not become rows."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What a listener was told of changes; that he should look for himself is not counted."""

    versions: list[Mapping[AggregateKey, Version]] = field(default_factory=list)

    def hear(self, announcement: Announcement) -> None:
        if announcement is not None and not is_marker(announcement):
            self.versions.append(announcement)


@dataclass(frozen=True, slots=True)
class StoreUnderTest:
    """A fresh store whose wall clock stands at `HEALED_AT_S`.

    ``begin_read`` starts to read a row at this very moment, from within an announcement.
    """

    store: StoreOfLetters
    begin_read: Callable[[AggregateKey], Awaitable[Cut]]

    @contextmanager
    def hearing(self) -> Iterator[Heard]:
        """Listen to changes; `all_heard` tells when there is nothing more to come."""
        heard = Heard()
        with self.store.listening(heard.hear):
            yield heard

    async def all_heard(self) -> None:
        """Wait until the announcements of all writes so far were heard: they come in order."""
        marker, is_heard = customer_row(f"{MARKER}{next(marker_numbers)}"), asyncio.Event()

        def hear(announcement: Announcement) -> None:
            if announcement is not None and marker.key in announcement:
                is_heard.set()

        with self.store.listening(hear):
            await self.store.heal([marker])
            await is_heard.wait()

    async def apply(self, batch: EventBatch) -> Sequence[Verdict]:
        """Apply ``batch`` wherever its partition stands."""
        return await apply_next(self.store, batch)

    async def cut(self, key: AggregateKey) -> Cut:
        return await self.store.read([root_of(key)])

    async def row(self, key: AggregateKey) -> StoredRow | None:
        return (await self.cut(key)).rows[key]

    async def is_suspect(self, key: AggregateKey) -> bool:
        return key in (await self.cut(key)).suspects

    async def page(
        self,
        customer_id: str = "c-1",
        *,
        first: int = 20,
        status: OrderStatus | None = None,
        after: ListingPosition | None = None,
    ) -> StoredPage:
        selection = PageSelection(first, after, status)
        cut = await self.store.read([OrdersRoot(customer_id, selection)])
        return cut.pages[PageKey.of(customer_id, selection)]

    async def listed(
        self, customer_id: str = "c-1", status: OrderStatus | None = None
    ) -> list[str]:
        """The ids of her orders, as they are listed."""
        return list((await self.page(customer_id, status=status)).order_ids)


def finish_now(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that does not wait for anything."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: T = done.value
        return result
    coroutine.close()
    raise AssertionError("the store gave way to others in the middle of a read")


@asynccontextmanager
async def open_memory_store() -> AsyncIterator[StoreUnderTest]:
    store = MemoryStore(wall_clock=lambda: HEALED_AT_S)

    def begin_read(key: AggregateKey) -> Awaitable[Cut]:
        begun: asyncio.Future[Cut] = asyncio.get_running_loop().create_future()
        begun.set_result(finish_now(store.read([root_of(key)])))
        return begun

    yield StoreUnderTest(store, begin_read)


@asynccontextmanager
async def open_redis_under_test(
    url: str, *, near_cache_rows: int = 0
) -> AsyncIterator[StoreUnderTest]:
    """A store that is listening already, with more patience than a busy machine can exhaust."""
    options = RedisOptions(
        url=url, read_timeout_s=5.0, connect_timeout_s=5.0, near_cache_rows=near_cache_rows
    )
    async with (
        RedisStore(options, wall_clock=lambda: HEALED_AT_S).open() as store,
        asyncio.TaskGroup() as group,
    ):
        await subscribed(store)
        yield StoreUnderTest(store, lambda key: group.create_task(store.read([root_of(key)])))


async def subscribed(store: Store) -> None:
    """Wait until the store listens: then everybody is told to look for himself."""
    is_told = asyncio.Event()

    def hear(announcement: Announcement) -> None:
        if announcement is None:
            is_told.set()

    with store.listening(hear):
        await is_told.wait()


OPENED_BY: dict[
    str, Callable[[pytest.FixtureRequest], AbstractAsyncContextManager[StoreUnderTest]]
] = {
    "memory": lambda _: open_memory_store(),
    "redis": lambda request: open_redis_under_test(request.getfixturevalue("redis_url")),
    "near cache": lambda request: open_redis_under_test(
        request.getfixturevalue("redis_url"), near_cache_rows=100
    ),
    "cluster": lambda request: open_redis_under_test(request.getfixturevalue("redis_cluster_url")),
}

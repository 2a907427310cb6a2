"""The stores that obey the contract, and how its tests look into them.

Another store joins by one more entry in `IMPLEMENTATIONS`.
"""

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from projections.memory_store import MemoryStore
from projections.projector import StoredRow, Verdict
from projections.selection import OrdersRoot, PageKey, PageSelection, root_of
from projections.store import Cut, EventBatch, Store, StoredPage
from projections.versions import AggregateKey
from projections.views import OrderStatus
from projections.views.orders import ListingPosition
from tests.builders.applying import apply_next

T = TypeVar("T")

HEALED_AT_S = 5_000.0


@dataclass(frozen=True, slots=True)
class StoreUnderTest:
    """A fresh store whose wall clock stands at `HEALED_AT_S`.

    ``cut_now`` reads a row at this very moment, from within an announcement.
    """

    store: Store
    cut_now: Callable[[AggregateKey], Cut]

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
    yield StoreUnderTest(store, lambda key: finish_now(store.read([root_of(key)])))


IMPLEMENTATIONS: dict[str, Callable[[], AbstractAsyncContextManager[StoreUnderTest]]] = {
    "memory": open_memory_store,
}

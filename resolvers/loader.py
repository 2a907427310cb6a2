"""What is asked in one turn of the loop, in one batch: a DataLoader that shields its callers."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Generic, TypeVar

from strawberry.dataloader import DataLoader, DefaultCache

K = TypeVar("K")
V = TypeVar("V")


class Loader(Generic[K, V]):
    """A DataLoader whose callers are shielded from each other; made when it is first needed."""

    def __init__(self, load: Callable[[list[K]], Awaitable[Sequence[V]]]) -> None:
        self._load: Callable[[list[K]], Awaitable[Sequence[V]]] | None = load
        self._cache: DefaultCache[K, V] = DefaultCache()
        self._loader: DataLoader[K, V] | None = None
        self._before: list[asyncio.Future[V]] = []

    async def load(self, keys: Iterable[K]) -> dict[K, V]:
        futures = {key: self.start(key) for key in keys}
        if futures:
            await asyncio.wait(futures.values())
        return {key: future.result() for key, future in futures.items()}

    def start(self, key: K) -> "asyncio.Future[V]":
        """Load; whoever wants the answer waits for it."""
        return asyncio.ensure_future(self._made().load(key))

    def begin(self, keys: Iterable[K]) -> None:
        """Load, and leave the answer for whoever asks for the same: nobody waits here."""
        for key in keys:
            self._made().load(key)

    def forget(self) -> None:
        """Load anew what is asked from now on."""
        self._before.extend(f for f in self._cache.cache_map.values() if not f.done())
        self._cache.clear()

    def close(self) -> None:
        """Cancel what is not there yet; nothing may be loaded from now on. Idempotent."""
        for future in (*self._before, *self._cache.cache_map.values()):
            future.cancel()
        # Else it and its owner, whose method it calls, wait for the garbage collector together.
        self._load = self._loader = None

    def _made(self) -> DataLoader[K, V]:
        if self._loader is None:
            if self._load is None:
                raise RuntimeError("the operation has ended, and its loaders with it")
            self._loader = DataLoader(load_fn=self._load, cache_map=self._cache)
        return self._loader

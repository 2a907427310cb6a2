"""The store of the read models that the settings name."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from gateway.settings import Settings
from gateway.telemetry import Telemetry
from projections.memory_store import MemoryStore

MakeStore = Callable[[Settings, Telemetry, Callable[[], float]], MemoryStore]
"""A store of the settings; the last argument is the wall clock (epoch s)."""


def make_store(
    settings: Settings, telemetry: Telemetry, wall_clock: Callable[[], float]
) -> MemoryStore:
    """The store, not yet open."""
    return MemoryStore(wall_clock=wall_clock)


@asynccontextmanager
async def opened(store: MemoryStore) -> AsyncIterator[None]:
    """Keep the store's connections, where it has any, while the context is open."""
    yield

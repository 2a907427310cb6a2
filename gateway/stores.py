"""The store of the read models that the settings name."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from gateway.settings import Settings
from gateway.telemetry import Telemetry
from projections.memory_store import MemoryStore
from projections.redis_store import RedisStore
from projections.redis_store.options import RedisOptions

AnyStore = MemoryStore | RedisStore

MakeStore = Callable[[Settings, Telemetry, Callable[[], float]], AnyStore]
"""A store of the settings; the last argument is the wall clock (epoch s)."""


def make_store(
    settings: Settings, telemetry: Telemetry, wall_clock: Callable[[], float]
) -> AnyStore:
    """The store, not yet open."""
    if settings.store == "memory":
        return MemoryStore(wall_clock=wall_clock)
    return RedisStore(redis_options(settings), observe=telemetry.redis, wall_clock=wall_clock)


def redis_options(settings: Settings) -> RedisOptions:
    """How the shared store is reached."""
    return RedisOptions(
        url=str(settings.redis_url),
        prefix=settings.redis_prefix,
        connection_limit=settings.redis_connection_limit,
        read_timeout_s=settings.redis_timeout_ms / 1000,
        near_cache_rows=settings.near_cache_rows,
    )


@asynccontextmanager
async def opened(store: AnyStore) -> AsyncIterator[None]:
    """Keep the store's connections, where it has any, while the context is open."""
    match store:
        case RedisStore():
            async with store.open():
                yield
        case MemoryStore():
            yield

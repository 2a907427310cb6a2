import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from gateway.freshness import Freshness, FreshnessGauge
from gateway.watcher import NOTHING_COMES, Hearing, HearingState, StoreWatcher
from projections.errors import StoreUnavailable
from projections.redis_store import RedisStore
from projections.redis_store.options import RedisOptions
from projections.selection import ProductRoot
from projections.versions import AggregateType
from projections.views import ProductRow
from tests.builders.applying import apply_next
from tests.builders.rows import batch, change, product_key, product_row
from tests.projections.redis_watched import Collected
from tests.servers.valkey import Valkey

SHOWS_WITHIN_S = 3.0
LISTENING = Hearing(HearingState.LISTENING)
DEAF = Hearing(HearingState.DEAF, NOTHING_COMES)


def _ignore(_: str, __: Freshness) -> None:
    """Freshness has tests of its own."""


@dataclass(frozen=True, slots=True)
class Listener:
    """A gateway's store with rows at hand, its watcher at work, and what that told."""

    store: RedisStore
    heard: Collected[Hearing]

    async def stock(self) -> int:
        """What a plain read shows of the product."""
        stored = (await self.store.read([ProductRoot("p-1")])).rows[product_key()]
        assert stored is not None
        assert isinstance(stored.row, ProductRow)
        return stored.row.stock


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[Listener]:
    watcher, heard = StoreWatcher(), Collected[Hearing]()
    options = RedisOptions(url=url, near_cache_rows=100, read_timeout_s=5.0)
    store = RedisStore(options, observe=watcher.observe)
    gauge = FreshnessGauge(
        store=store,
        budgets_s={of.source: 2.5 for of in AggregateType},
        wall_clock=time.time,
        watcher=watcher,
        observe=_ignore,
        hear=heard.tell,
    )
    async with AsyncExitStack() as stack:
        stack.enter_context(store.following(watcher.follow))
        await stack.enter_async_context(store.open())
        group = await stack.enter_async_context(asyncio.TaskGroup())
        stack.callback(group.create_task(gauge.run()).cancel)
        await heard.until_told(LISTENING)
        yield Listener(store, heard)


def mute_url(valkey: Valkey) -> str:
    """An address by which everything may be written and nothing announced."""
    valkey.command("ACL", "SETUSER", "mute", "on", "nopass", "~*", "resetchannels", "+@all")
    return valkey.url.replace("//", "//mute:any@")


async def write(store: RedisStore, version: int, stock: int) -> None:
    row = product_row(version=version, stock=stock)
    await apply_next(store, batch(change(row), source="products"))


async def test_writes_that_are_announced_to_nobody_show_within_three_seconds(
    private_valkey: Valkey,
) -> None:
    """A projector that may not publish leaves every gateway deaf, and none of them wrong."""
    loop = asyncio.get_running_loop()
    async with (
        RedisStore(RedisOptions(url=mute_url(private_valkey))).open() as mute,
        listening(private_valkey.url) as listener,
    ):
        await write(listener.store, 1, stock=1)
        assert await listener.stock() == 1
        started_at_s = loop.time()
        with pytest.raises(StoreUnavailable):  # the rows are written by then
            await write(mute, 2, stock=2)
        await listener.heard.until_told(DEAF)
        took_s = loop.time() - started_at_s
        shown = await listener.stock()
        listener.heard.told.clear()
        await write(listener.store, 3, stock=3)
        await listener.heard.until_told(LISTENING)

    assert took_s < SHOWS_WITHIN_S
    assert shown == 2

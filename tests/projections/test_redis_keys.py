"""Where everything lies: under one hash tag, so on one node, whichever node is asked first."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import pytest

from projections.errors import StoreUnavailable
from projections.positions import Partition
from projections.redis_store import RedisStore
from projections.selection import OrdersRoot, PageSelection, root_of
from projections.versions import Version
from tests.builders.applying import apply_next
from tests.builders.rows import (
    batch,
    change,
    customer_key,
    customer_row,
    order_key,
    order_row,
    poison,
    position,
    product_row,
    tombstone,
)
from tests.contracts.store_implementations import subscribed
from tests.projections.redis_watched import hearing, watched
from tests.servers.valkey import Valkey
from tests.servers.valkey_cluster import ValkeyCluster

ROOT = "{bff}:generations"


async def use_everything(store: RedisStore) -> None:
    """Write every kind of thing that is ever written."""
    await apply_next(store, batch(change(order_row()), poison(order_key("o-2"), 1)))
    await apply_next(store, batch(change(customer_row()), poison(customer_key("c-2"))))
    await store.heal([product_row()])
    green = await store.building(["orders", "products"])
    await apply_next(green, batch(change(order_row(version=2)), at=position("log-1")))
    await apply_next(green, batch(change(product_row()), source="products"))
    await apply_next(store, batch(change(product_row()), source="products"))
    await store.flip({Partition("orders"): "log-1", Partition("products"): "log-1"})
    [letter, _] = await store.dead_letters(9)
    await store.discard(letter)


def keys_of(valkey: Valkey) -> set[str]:
    return set(cast("list[str]", valkey.client().keys("*")))


async def test_everything_lies_under_the_prefix(valkey: Valkey) -> None:
    """Two houses share a server if their prefixes differ; what one writes is not the other's."""
    async with watched(valkey.url, prefix="one") as one, watched(valkey.url, prefix="two") as two:
        await use_everything(one.store)

        assert {key.partition(":")[0] for key in keys_of(valkey)} == {"{one}"}
        assert (await two.store.read([root_of(order_key())])).version_of(order_key()) is None


async def test_everything_lies_on_one_node_of_a_cluster(valkey_cluster: ValkeyCluster) -> None:
    """One script reads and writes all of it, so one node has to have all of it."""
    async with watched(valkey_cluster.url) as opened:
        await use_everything(opened.store)

    home = valkey_cluster.node_of(ROOT)
    assert len(keys_of(home)) > 10
    assert [keys_of(node) for node in valkey_cluster.nodes if node is not home] == [set(), set()]


@pytest.mark.parametrize("node_number", [0, 1, 2])
async def test_any_node_leads_to_the_rows(valkey_cluster: ValkeyCluster, node_number: int) -> None:
    """Whichever node is named in the settings, reads, writes and news find their way."""
    url = valkey_cluster.nodes[node_number].url
    async with watched(url) as opened, watched(valkey_cluster.url) as other:
        await subscribed(opened.store)
        await subscribed(other.store)
        with hearing(opened.store) as heard:
            await other.store.heal([customer_row()])
            found = await opened.store.versions([customer_key()])
            await heard.until_told({customer_key(): Version(1, 1)})

        assert found == {customer_key(): Version(1, 1)}


async def test_slot_that_is_moving_is_never_written_by_halves(
    valkey_cluster: ValkeyCluster,
) -> None:
    """While a cluster moves our keys, a batch is refused whole; afterwards it is written whole."""
    first_listed = batch(change(order_row()), at=position("log-2"), after="log-1")
    shown = [OrdersRoot("c-1", PageSelection(9)), root_of(order_key())]
    async with watched(valkey_cluster.url) as opened:
        store = opened.store
        # All that the batch is judged by is there, and has not gone ahead; its listing is not.
        valkey_cluster.node_of(ROOT).command("HSET", ROOT, "orders", 1)
        await store.apply(batch(tombstone(order_key("o-9"), 1), poison(order_key("o-8"), 1)))
        before = await store.read(shown)

        with moving(valkey_cluster), pytest.raises(StoreUnavailable):
            await store.apply(first_listed)

        assert await store.read(shown) == before
        await store.apply(first_listed)
        assert await store.versions([order_key()]) == {order_key(): Version(1, 1)}


@contextmanager
def moving(cluster: ValkeyCluster) -> Iterator[None]:
    """The slot is on its way to another node inside the block, and stays in the end."""
    home = cluster.node_of(ROOT)
    other = next(node for node in cluster.nodes if node is not home)
    slot = cast("int", home.command("CLUSTER", "KEYSLOT", ROOT))
    home.command("CLUSTER", "SETSLOT", slot, "MIGRATING", str(other.command("CLUSTER", "MYID")))
    other.command("CLUSTER", "SETSLOT", slot, "IMPORTING", str(home.command("CLUSTER", "MYID")))
    try:
        yield
    finally:
        for node in (home, other):
            node.command("CLUSTER", "SETSLOT", slot, "STABLE")

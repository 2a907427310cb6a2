from pathlib import Path

import redis.asyncio
import redis.asyncio.cluster

from tests.servers.valkey_cluster import ValkeyCluster, running_cluster


async def test_keys_lie_on_the_node_of_their_slot(valkey_cluster: ValkeyCluster) -> None:
    """Three nodes share the keys, and a cluster client finds each of them from one address."""
    keys = [f"{{order-{number}}}" for number in range(30)]
    client = redis.asyncio.cluster.RedisCluster.from_url(valkey_cluster.url)

    for key in keys:
        await client.set(key, key)
    await client.aclose()

    assert all(valkey_cluster.node_of(key).command("GET", key) == key for key in keys)
    assert all(node.command("DBSIZE") for node in valkey_cluster.nodes)


def test_a_cluster_can_be_one_node(tmp_path: Path) -> None:
    """One node has all slots and holds its clients to the rules of a cluster."""
    with running_cluster(tmp_path, node_count=1) as cluster:
        told = str(cluster.nodes[0].command("CLUSTER", "INFO"))

    assert "cluster_state:ok" in told
    assert "cluster_slots_ok:16384" in told

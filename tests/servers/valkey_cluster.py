"""Valkey servers that share the keys between them: a cluster of one node, or of several."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

from scripts.server_process import LOOPBACK, free_port
from tests.e2e.processes import eventually
from tests.servers.valkey import Valkey, running_valkey

SLOT_COUNT: Final = 16_384


@dataclass(frozen=True)
class ValkeyCluster:
    """Primaries only; every slot has its node."""

    nodes: Sequence[Valkey]

    @property
    def url(self) -> str:
        """What a client is given: one node; it tells of the others."""
        return self.nodes[0].url

    def empty(self) -> None:
        """Remove every row of every node."""
        for node in self.nodes:
            node.empty()

    def node_of(self, key: str) -> Valkey:
        """The node where this key lies."""
        slot = cast("int", self.nodes[0].command("CLUSTER", "KEYSLOT", key))
        return self.nodes[slot * len(self.nodes) // SLOT_COUNT]

    def is_whole(self) -> bool:
        """Whether every node knows all of them and serves."""
        return all(self._is_content(node) for node in self.nodes)

    def _is_content(self, node: Valkey) -> bool:
        told = str(node.command("CLUSTER", "INFO"))
        return "cluster_state:ok" in told and f"cluster_size:{len(self.nodes)}\r" in told


@contextmanager
def running_cluster(folder: Path, node_count: int = 3) -> Iterator[ValkeyCluster]:
    """A cluster that serves when the block begins and is gone when it has ended."""
    with ExitStack() as stack:
        nodes = [
            stack.enter_context(running_valkey(folder / f"node-{number}", node_options()))
            for number in range(node_count)
        ]
        cluster = ValkeyCluster(nodes)
        for number, node in enumerate(nodes):
            give_slots(node, number, node_count)
            meet(nodes[0], node)
        eventually(cluster.is_whole, about=f"a cluster of {node_count}")
        yield cluster


def node_options() -> dict[str, str]:
    """What makes a server a node."""
    return {
        "cluster-enabled": "yes",
        "cluster-port": str(free_port()),
        "cluster-node-timeout": "2000",
    }


def give_slots(node: Valkey, number: int, node_count: int) -> None:
    """Give this node its share: the one that `ValkeyCluster.node_of` reckons with."""
    first = -(-SLOT_COUNT * number // node_count)
    last = -(-SLOT_COUNT * (number + 1) // node_count) - 1
    node.command("CLUSTER", "ADDSLOTSRANGE", first, last)
    node.command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)  # so that none of them has to yield


def meet(first: Valkey, other: Valkey) -> None:
    """Make the two nodes known to each other; a node that stands alone has nobody to meet."""
    if other is not first:
        bus_port = other.options["cluster-port"]
        first.command("CLUSTER", "MEET", LOOPBACK, other.port, bus_port)

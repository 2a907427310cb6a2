"""What is looked at when a server is met: whether it can be trusted with rows, and its neighbours.

A server that says nothing about itself is used all the same, and the doubt is told.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
from redis.exceptions import BusyLoadingError, ResponseError

from projections.redis_store.connections import Address, RedisConnection, Reply
from projections.redis_store.link import Link
from projections.redis_store.signals import (
    EvictionPolicyUnsafe,
    PersistenceOff,
    RedisSignal,
    ServerTooOld,
    ServerUnchecked,
)

LEAST_MAJOR_VERSION: Final = 7
NO_EVICTION: Final = "noeviction"


async def greet(connection: RedisConnection, link: Link) -> Sequence[RedisSignal]:
    """What there is to be said against the server; ``link`` is told of the nodes of its cluster.

    Raises what redis-py raises; among it `BusyLoadingError` while the server reads its file.
    """
    try:
        info = _parse_info(await connection.ask("INFO"))
        if info.get("loading") == "1":
            raise BusyLoadingError
        if info.get("cluster_enabled") == "1":
            link.learn(list(_addresses(await connection.ask("CLUSTER", "SLOTS"), connection)))
        return [*_doubts(info), *await _doubts_of_persistence(connection, info)]
    except ResponseError as refused:
        return [ServerUnchecked(str(refused).partition(" ")[0])]


def _doubts(info: Mapping[str, str]) -> Iterator[RedisSignal]:
    version = info.get("redis_version", "")
    major = version.partition(".")[0]
    if major.isdecimal() and int(major) < LEAST_MAJOR_VERSION:
        yield ServerTooOld(version)
    policy = info.get("maxmemory_policy", NO_EVICTION)
    if policy != NO_EVICTION and info.get("maxmemory", "0") != "0":
        yield EvictionPolicyUnsafe(policy)


async def _doubts_of_persistence(
    connection: RedisConnection, info: Mapping[str, str]
) -> Sequence[RedisSignal]:
    if info.get("aof_enabled") == "1":
        return []
    match await connection.ask("CONFIG", "GET", "save"):
        case [_, b""]:
            return [PersistenceOff()]
    return []


def _parse_info(reply: Reply) -> Mapping[str, str]:
    lines = msgspec.convert(reply, bytes).decode(errors="replace").splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def _addresses(reply: Reply, connection: RedisConnection) -> Iterator[Address]:
    """The nodes of ``CLUSTER SLOTS``; one that has no name is where the connection leads."""
    for shard in reply if isinstance(reply, list) else ():
        match shard:
            case [_, _, *nodes]:
                for node in nodes:
                    match node:
                        case [bytes(host), int(port), *_]:
                            own = connection.address[0] if connection.address else ""
                            yield host.decode() or own, port

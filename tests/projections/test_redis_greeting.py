"""What is said of a server when it is met: whether it may be trusted with rows."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from projections.redis_store.options import RedisOptions
from projections.redis_store.signals import EvictionPolicyUnsafe, PersistenceOff, RedisSignal
from tests.contracts.store_implementations import subscribed
from tests.projections.redis_watched import watched
from tests.servers.valkey import Valkey, running_valkey

KEPT = {"appendonly": "yes"}


async def signals_of(url: str) -> list[RedisSignal]:
    async with watched(url) as opened:
        await subscribed(opened.store)
        return list(opened.signals.told)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        (KEPT, []),
        ({"save": "3600 1"}, []),
        ({}, [PersistenceOff()]),
        (KEPT | {"maxmemory": "8mb", "maxmemory-policy": "noeviction"}, []),
        (KEPT | {"maxmemory-policy": "allkeys-lru"}, []),
        (
            KEPT | {"maxmemory": "8mb", "maxmemory-policy": "allkeys-lru"},
            [EvictionPolicyUnsafe("allkeys-lru")],
        ),
    ],
    ids=["log", "file", "neither", "full refuses", "no limit", "full drops"],
)
async def test_server_that_could_lose_rows_is_told(
    tmp_path: Path, settings: Mapping[str, str], expected: list[RedisSignal]
) -> None:
    """A server that keeps what it has and refuses what it cannot keep is passed in silence."""
    with running_valkey(tmp_path, settings) as valkey:
        assert await signals_of(valkey.url) == expected


async def test_server_is_warned_of_once(private_valkey: Valkey) -> None:
    """That it is met again, with the same settings, is no news."""
    async with watched(private_valkey.url) as opened:
        await subscribed(opened.store)
        for _ in range(2):
            private_valkey.cut_connections("pubsub")
            await subscribed(opened.store)

    assert opened.signals.told.count(PersistenceOff()) == 1


async def test_server_that_tells_nothing_of_itself_is_used_all_the_same(
    private_valkey: Valkey,
) -> None:
    """An account without the right to ask is enough to read and write; the doubt is told."""
    private_valkey.command(
        *("ACL", "SETUSER", "bff", "on", ">pass", "~{bff}:*", "&{bff}:*"),
        *("+@read", "+@write", "+@scripting", "+@pubsub", "+ping", "-info"),
    )
    url = private_valkey.url.replace("redis://", "redis://bff:pass@")

    async with watched(url) as opened:
        await subscribed(opened.store)
        cut = await opened.store.read([])

    assert [type(signal).__name__ for signal in opened.signals.told] == ["ServerUnchecked"]
    assert cut.positions == {}


async def test_wrong_password_is_told_without_it(private_valkey: Valkey) -> None:
    """Neither host nor password is in what is told of a server that does not let us in."""
    private_valkey.command("CONFIG", "SET", "requirepass", "right")
    url = private_valkey.url.replace("redis://", "redis://:wrong@")

    async with watched(url) as opened:
        lost = await opened.signals.until(lambda _: True)

    assert str(lost) == "StoreLost(reason='the server does not let us in')"


@pytest.mark.parametrize("prefix", ["", "b{f}f"])
def test_prefix_is_a_hash_tag(prefix: str) -> None:
    """With a brace in it, or empty, keys would be spread over a cluster."""
    with pytest.raises(ValueError, match="hash tag"):
        RedisOptions(url="redis://localhost", prefix=prefix)

"""The audit itself: whatever is damaged in Redis by hand, it finds."""

from collections.abc import Callable, Iterator

import msgspec
import pytest
import redis

from tests.e2e.distributed.audit import audit, audited
from tests.e2e.distributed.distributed_house import DistributedHouse
from tests.e2e.distributed.stored_rows import SIZE_BYTES, generations

pytestmark = pytest.mark.e2e

Damage = Callable[["redis.Redis", str], object]
"""Harms what lies in Redis under this root, that of the orders."""


def lose_a_row(client: "redis.Redis", root: str) -> object:
    return client.hdel(f"{root}:rows", "o-9")


def invent_a_row(client: "redis.Redis", root: str) -> object:
    value = client.hget(f"{root}:rows", "o-9")
    assert isinstance(value, bytes)
    return client.hset(f"{root}:rows", "o-invented", value)


def forget_that_a_row_is_streamed(client: "redis.Redis", root: str) -> object:
    value = client.hget(f"{root}:rows", "o-9")
    assert isinstance(value, bytes)
    end = SIZE_BYTES + int.from_bytes(value[:SIZE_BYTES])
    epoch, number, _, *rest = msgspec.msgpack.decode(value[SIZE_BYTES:end])
    header = msgspec.msgpack.encode((epoch, number, 1.0, *rest))
    return client.hset(
        f"{root}:rows", "o-9", len(header).to_bytes(SIZE_BYTES) + header + value[end:]
    )


def turn_a_row_back(client: "redis.Redis", root: str) -> object:
    value = client.hget(f"{root}:rows", "o-9")
    assert isinstance(value, bytes)
    end = SIZE_BYTES + int.from_bytes(value[:SIZE_BYTES])
    epoch, number, *rest = msgspec.msgpack.decode(value[SIZE_BYTES:end])
    header = msgspec.msgpack.encode((epoch, number - 1, *rest))
    return client.hset(
        f"{root}:rows", "o-9", len(header).to_bytes(SIZE_BYTES) + header + value[end:]
    )


def unlist_an_order(client: "redis.Redis", root: str) -> object:
    return client.zpopmin(f"{root}:listing")


def list_an_order_twice(client: "redis.Redis", root: str) -> object:
    return client.zadd(f"{root}:listing", {b"c-1\0PLACED\x00123\0o-9": 0})


def suspect_a_row(client: "redis.Redis", root: str) -> object:
    return client.hset(f"{root}:suspects", "o-9", msgspec.msgpack.encode((1, 10**6)))


@pytest.fixture
def repaired(house: DistributedHouse) -> Iterator[DistributedHouse]:
    """The house, emptied and filled again afterwards."""
    audited(house)
    yield house
    house.valkey.empty()
    audited(house)


@pytest.mark.parametrize(
    "damage",
    [
        lose_a_row,
        invent_a_row,
        turn_a_row_back,
        forget_that_a_row_is_streamed,
        unlist_an_order,
        list_an_order_twice,
        suspect_a_row,
    ],
)
def test_damage_is_found(repaired: DistributedHouse, damage: Damage) -> None:
    """The audit tells every way in which Redis is not what the logs say."""
    with redis.Redis.from_url(repaired.valkey.url) as client:
        generation = generations(client, repaired.prefix)["orders"]
        damage(client, f"{{{repaired.prefix}}}:{generation}:orders")

    assert audit(repaired).differences

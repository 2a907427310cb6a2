"""Followers thrown from one gateway to the other, over one Redis store, who miss nothing."""

import asyncio
import random
from collections.abc import Sequence

import pytest

from tests.gateway.subscriptions.live_house import FOLLOW, Json, LiveHouse, open_house
from tests.resolvers.upstream.builders import an_order
from tests.servers.valkey import Valkey

FOLLOWERS = 20
RECONNECTS_EACH = 6
LAST = 400


async def test_nothing_is_lost_or_out_of_order_over_reconnects(valkey: Valkey) -> None:
    """Versions only rise over all connections of a follower, and the last one arrives."""
    settings: Json = {"store": "redis", "redis_url": valkey.url}
    async with (
        open_house(**settings) as one,
        open_house(**settings, is_projecting=False) as other,
        asyncio.TaskGroup() as group,
    ):
        following = [
            group.create_task(follow((one, other), random.Random(number)))
            for number in range(FOLLOWERS)
        ]
        group.create_task(change_for_a_while(one))

    told = [task.result() for task in following]
    for versions in told:
        assert versions == sorted(set(versions))
        assert versions[-1] == LAST
    assert sum(map(len, told)) > FOLLOWERS * RECONNECTS_EACH


async def test_a_change_reaches_the_followers_of_every_gateway(valkey: Valkey) -> None:
    """Whoever writes the store, those who follow over another gateway are woken by its news."""
    settings: Json = {"store": "redis", "redis_url": valkey.url}
    async with (
        open_house(**settings) as one,
        open_house(**settings, is_projecting=False) as other,
        other.stream(FOLLOW, {"id": "o-1"}) as stream,
    ):
        await stream.result()
        await one.change(an_order(version=2))
        result = await stream.result()

    assert result["data"]["orderChanged"]["version"] == 2


async def change_for_a_while(house: LiveHouse) -> None:
    for version in range(2, LAST + 1):
        await house.change(an_order(version=version))
        await asyncio.sleep(0.005)


async def follow(houses: Sequence[LiveHouse], chance: random.Random) -> list[int]:
    """The versions that one follower was shown, over so many connections."""
    versions: list[int] = []
    token: str | None = None
    for number in range(RECONNECTS_EACH + 1):
        house = houses[(number + chance.randrange(2)) % 2]
        is_last = number == RECONNECTS_EACH
        async with house.socket() as socket:
            await socket.follow("1", FOLLOW, {"id": "o-1", "after": token})
            left = chance.randrange(1, 20)
            while (is_last and versions[-1] < LAST) or (not is_last and left):
                if versions and versions[-1] == LAST:
                    return versions
                result = await socket.next()
                token = result["extensions"]["consistency"]["token"]
                versions.append(result["data"]["orderChanged"]["version"])
                left -= 1
    return versions


pytestmark = pytest.mark.slow

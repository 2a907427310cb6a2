"""Followers of one order over two gateways: how late, how many reconnects, what a stuck one holds.

*Late* is from the moment at which a change is sent to the order service to that at which a client
has read its event: commit, feed, projector, Redis, news, answer, socket. All of it shares the
processors of one machine, the thousand clients too.
"""

import asyncio
import random
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Final

import httpx

from benchmarks.figures import AtMost, Exactly, Figure
from benchmarks.process_usage import resident_kb
from benchmarks.runs import Run
from benchmarks.subscriptions.following import FollowingClient, stuck
from benchmarks.subscriptions.houses import TwoGateways, two_gateways

FOLLOWER_COUNT: Final = 1_000
CHANGE_COUNT: Final = 20
PAUSE_S: Final = 0.5
RECONNECT_COUNT: Final = 1_000
RECONNECTS_AT_ONCE: Final = 50
STUCK_COUNT: Final = 50
STUCK_CHANGE_COUNT: Final = 1_500
LONG_NOTE: Final = "x" * 900
"""With which the changes are more than a megabyte, should all of them be held."""
LIMIT_S: Final = 240.0
MS: Final = 1_000


def measure(run: Run) -> Iterator[Figure]:
    """All three, one after the other, on one house."""
    share = 0.1 if run.lengths.is_quick else 1.0
    with two_gateways(run.folder / "subscriptions") as house:
        yield from asyncio.run(late(house, round(FOLLOWER_COUNT * share)))
        yield from asyncio.run(reconnected(house, round(RECONNECT_COUNT * share)))
        yield asyncio.run(held(house))


async def late(house: TwoGateways, count: int) -> list[Figure]:
    """How late a thousand hear of a change, half of them over each gateway."""
    clients = [FollowingClient("o-1") for _ in range(count)]
    sent_at_s: dict[int, float] = {}
    last: list[int] = []
    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
        for number, client in enumerate(clients):
            address = house.gateways[number % 2].address
            group.create_task(client.follow(address, lambda of: bool(last) and of.last >= last[0]))
            if number % 50 == 0:
                await asyncio.sleep(0.05)
        while not all(client.versions for client in clients):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
        async with httpx.AsyncClient(base_url=house.orders_url) as orders:
            for number in range(CHANGE_COUNT):
                await asyncio.sleep(PAUSE_S)
                at_s = time.monotonic()
                version = await change(orders, "o-1", f"change {number}")
                sent_at_s[version] = at_s
            await asyncio.sleep(PAUSE_S)
            last.append(max(sent_at_s))
            await change(orders, "o-1", "the end")  # by which all of them see that it is over
    lags_ms = sorted(
        (client.at_s[version] - at_s) * MS
        for client in clients
        for version, at_s in sent_at_s.items()
        if version in client.at_s
    )
    shown = len(lags_ms) / (count * CHANGE_COUNT)
    note = f"{count:,} followers of one order, {CHANGE_COUNT} changes, two gateways"
    return [
        Figure(name="event p50", value=statistics.median(lags_ms), unit="ms", note=note),
        Figure(
            name="event p95",
            value=lags_ms[int(len(lags_ms) * 0.95)],
            unit="ms",
            aim=AtMost(250.0),
            note=note,
        ),
        Figure(name="event max", value=lags_ms[-1], unit="ms", note=note),
        Figure(name="versions shown of those committed", value=100 * shown, unit="%", note=note),
    ]


async def reconnected(house: TwoGateways, count: int) -> list[Figure]:
    """Whether anything is lost or out of order, over so many reconnects from one to the other."""
    each = max(1, count // RECONNECTS_AT_ONCE)
    clients = [FollowingClient("o-2") for _ in range(RECONNECTS_AT_ONCE)]
    is_over = asyncio.Event()
    last = 0
    roaming = set(range(len(clients)))

    async def roam(own: int, client: FollowingClient) -> None:
        chance = random.Random(own)
        for number in range(each):
            wanted = len(client.versions) + chance.randrange(1, 4)
            address = house.gateways[(number + chance.randrange(2)) % 2].address
            await client.follow(address, shown_so_often(wanted))
        roaming.discard(own)
        await is_over.wait()
        if client.last < last:
            await client.follow(house.gateways[0].address, lambda of: of.last >= last)

    async with (
        httpx.AsyncClient(base_url=house.orders_url) as orders,
        asyncio.timeout(LIMIT_S),
        asyncio.TaskGroup() as group,
    ):
        for number, client in enumerate(clients):
            group.create_task(roam(number, client))
        while roaming:
            last = await change(orders, "o-2", f"change {last}")
            await asyncio.sleep(0.02)
        is_over.set()
    connections = sum(client.connection_count for client in clients)
    lost = sum(client.last != last for client in clients)
    disordered = sum(client.versions != sorted(set(client.versions)) for client in clients)
    note = f"{connections:,} connections of {len(clients)} followers, changes all the while"
    return [
        Figure(name="last version lost", value=lost, unit="", aim=Exactly(0), note=note),
        Figure(name="out of order or twice", value=disordered, unit="", aim=Exactly(0), note=note),
    ]


async def held(house: TwoGateways) -> Figure:
    """What the gateway's memory grows by for each client that reads nothing."""
    gateway = house.gateways[0]
    before_kb = resident_kb(gateway.process.pid)
    is_over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for _ in range(STUCK_COUNT):
            group.create_task(stuck(gateway.address, "o-3", is_over))
        async with httpx.AsyncClient(base_url=house.orders_url) as orders:
            most_kb = before_kb
            for number in range(STUCK_CHANGE_COUNT):
                await change(orders, "o-3", f"{number} {LONG_NOTE}")
                most_kb = max(most_kb, resident_kb(gateway.process.pid))
        is_over.set()
    return Figure(
        name="held for a stuck client",
        value=(most_kb - before_kb) / STUCK_COUNT,
        unit="kB",
        aim=AtMost(1_000.0),
        note=f"{STUCK_COUNT} of them, {STUCK_CHANGE_COUNT:,} changes of more than 1 kB",
    )


async def change(orders: httpx.AsyncClient, order_id: str, note: str) -> int:
    """Commit another state of the order; its version."""
    response = await orders.patch(f"/orders/{order_id}", json={"note": note})
    version: int = response.raise_for_status().json()["version"]
    return version


def shown_so_often(count: int) -> Callable[[FollowingClient], bool]:
    """Has a client been shown so many versions?"""
    return lambda client: len(client.versions) >= count

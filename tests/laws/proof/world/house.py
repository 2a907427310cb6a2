"""The whole house in one process, on a clock that only moves when it is told to.

Three services with their logs, projectors, a shared store, two gateways and some clients. Every
part that is ours is the real one but for the outermost edges. What is begun runs as far as it can
without time going by; then the next thing may happen to the house, while it still waits.
"""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import AsyncExitStack
from itertools import count

from projections.events import StateChange, parse_event
from projections.token_codec import TokenKeys
from projections.versions import AggregateKey, AggregateType
from tests.laws.proof.world.clock import WallClock
from tests.laws.proof.world.gateways import KEYS, GatewayAtHand
from tests.laws.proof.world.logs import event_of
from tests.laws.proof.world.owners import Commit, new_customer, new_order, new_product
from tests.laws.proof.world.projectors import LeaseBook
from tests.laws.proof.world.service import open_service
from tests.laws.proof.world.shared_store import SharedStore, StoreAtGateway

CUSTOMERS = ("c-1", "c-2")
PRODUCTS = ("p-1", "p-2")
SEEDED_ORDERS = ("o-1", "o-2", "o-3")
STEP_S = 0.001
"""How long every step takes: no two things happen at the same instant."""

MINUTE_S = 60.0
DAY_S = 24 * 3600.0 + 2 * MINUTE_S
"""Long enough for every token to expire."""


class House:
    """Made inside a running loop; open it with `open`, close it with `close`."""

    def __init__(self, *, near_row_count: int) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, asyncio.BaseEventLoop)
        self.wall_clock = WallClock(loop)
        self.store = SharedStore(self.wall_clock)
        order_ids = (f"n-{number}" for number in count(1))
        self.services = {
            of: open_service(of, self.store, self.wall_clock, lambda: next(order_ids))
            for of in AggregateType
        }
        wires = {service.source: service.wire for service in self.services.values()}
        self.gateways = [
            GatewayAtHand(
                name,
                StoreAtGateway(self.store, near_row_count=near_row_count),
                wires,
                self.wall_clock,
            )
            for name in "AB"
        ]
        self.rebuilding = LeaseBook()
        self.rotation_count = 0
        self._loop = loop
        self._closing = asyncio.Event()
        self._group: asyncio.TaskGroup
        self._keeper: asyncio.Task[None]

    async def open(self) -> None:
        """Own something, have it projected, and open the gateways."""
        opened = asyncio.Event()
        self._keeper = self._loop.create_task(self._keep(opened))
        await opened.wait()
        self._seed()
        await self.deliver_all()

    async def close(self) -> None:
        """End everything that still runs. Raises what went wrong in the house itself."""
        self._closing.set()
        await self._keeper

    def begin(self, work: Coroutine[None, None, None]) -> "asyncio.Task[None]":
        """Let something run beside whatever happens next."""
        return self._group.create_task(work)

    async def settle(self) -> None:
        """Let everything run that needs no time to go by."""
        # Nothing else tells that nobody is left to run.
        while vars(self._loop)["_ready"]:  # noqa: ASYNC110 - there is no event for it
            await asyncio.sleep(0)
        if self._keeper.done():
            await self._keeper

    async def step(self) -> None:
        """Let a moment go by."""
        await asyncio.sleep(STEP_S)
        await self.settle()

    async def pass_time(self, duration_s: float) -> None:
        """Let time go by, and all that is due on the way happen."""
        await asyncio.sleep(duration_s)
        await self.settle()

    async def deliver_all(self) -> None:
        """Let all logs be shipped, applied and proven current."""
        for service in self.services.values():
            await service.deliver_all()

    async def mend(self) -> None:
        """Let nothing be wrong any more, and let everything have arrived."""
        for service in self.services.values():
            service.mend()
        for gateway in self.gateways:
            gateway.store.find()
            gateway.store.link.reconnect()
        await self.deliver_all()
        await self.replay_letters()
        await self.deliver_all()

    async def replay_letters(self) -> int:
        """Let somebody mend what could not be read, and apply it; how much it was."""
        letters = await self.store.dead_letters(1_000)
        for letter in letters:
            change = parse_event(event_of(self._committed(letter.key, letter.id)))
            assert isinstance(change, StateChange)
            await self.store.replay(letter, change)
        return len(letters)

    def rotate_keys(self) -> str:
        """Restart one gateway with the next keys, as an operator does it; which one, and how.

        First both learn the next key, then both sign with it, then both forget the old one.
        """
        number, step = divmod(self.rotation_count, 6)
        old, new = KEYS[number % len(KEYS)], KEYS[(number + 1) % len(KEYS)]
        phases = (
            (TokenKeys(old, new), "also takes the next key"),
            (TokenKeys(new, old), "signs with the next key"),
            (TokenKeys(new), "has forgotten the old key"),
        )
        phase, turn = divmod(step, 2)
        gateway = self.gateways[turn]
        gateway.take_keys(phases[phase][0])
        self.rotation_count += 1
        return f"gateway {gateway.name} {phases[phase][1]}"

    # What may be wrong with it.

    def has_unshipped(self) -> bool:
        return any(service.topic.has_unshipped for service in self.services.values())

    def has_zombie(self) -> bool:
        return any(p.has_zombie for service in self.services.values() for p in service.projectors)

    def has_letters(self) -> bool:
        return self.store.has_letters

    def is_late(self) -> bool:
        return any(service.wire.late for service in self.services.values())

    def has_trouble(self) -> bool:
        return any(service.is_in_trouble for service in self.services.values())

    def is_store_in_trouble(self) -> bool:
        return any(gateway.store.is_in_trouble for gateway in self.gateways)

    def is_news_held(self) -> bool:
        return any(gateway.store.link.is_held for gateway in self.gateways)

    @property
    def sent_count(self) -> int:
        """How many requests the gateways have sent to services."""
        return sum(service.wire.request_count for service in self.services.values())

    def owned(self) -> Iterator[Commit]:
        """The last commit of everything that there is or was, as its owner knows it."""
        for service in self.services.values():
            yield from service.owner.states.values()

    def _committed(self, key: AggregateKey, letter_id: str) -> Commit:
        """The commit that a dead letter is about, or the newest of its aggregate."""
        commits = [c for c in self.services[key.type].owner.commits if c.key == key]
        named = [c for c in commits if f"{c.key}@{c.at}" == letter_id]
        return (named or commits)[-1]

    def _seed(self) -> None:
        orders, customers, products = (self.services[of].owner for of in AggregateType)
        for id_ in CUSTOMERS:
            customers.commit(new_customer(id_))
        for id_ in PRODUCTS:
            products.commit(new_product(id_))
        for place, id_ in enumerate(SEEDED_ORDERS):
            orders.commit(new_order(id_, CUSTOMERS[place % 2], PRODUCTS[: place % 2 + 1], place))
        for service in self.services.values():
            service.owner.back_up()

    async def _keep(self, opened: asyncio.Event) -> None:
        """Keep everything open until it is to be closed."""
        async with AsyncExitStack() as stack:
            self._group = await stack.enter_async_context(asyncio.TaskGroup())
            for gateway in self.gateways:
                await stack.enter_async_context(gateway.store.open())
                await stack.enter_async_context(gateway.gateway.open())
            opened.set()
            await self._closing.wait()

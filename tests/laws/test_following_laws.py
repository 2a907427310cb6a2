"""Followers under any schedule: versions only rise, nothing named is repeated, the last arrives.

Two gateways follow one store, whose announcements a schedule may lose, to either of them, saying so
or not. Time is steered.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from random import Random
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.app import Wires
from gateway.subscriptions.follower import Follower
from gateway.subscriptions.hub import Hub
from projections.memory_store import MemoryStore
from projections.store import Announcement
from projections.views import Row
from tests.builders.rows import order_row
from tests.gateway.front_door import Door, open_door
from tests.gateway.subscriptions.by_hand import BY_HANDSHAKE, Json, Talk, talking
from tests.gateway.subscriptions.live_house import FOLLOW, FOLLOW_ALL
from tests.laws.at_hand_histories import on_steered_time
from tests.projection_by_hand import ProjectionByHand, wall_clock_s
from tests.resolvers.upstream.builders import a_customer, a_product

LONG_S = 60.0
"""After which all that is ever found has been found."""

ORDERS = ("o-1", "o-2", "o-3")

QUIET = ("change", "change", "lose aloud", "come again", "slow", "wait")
"""What happens to who follows a list; of an order, announcements are also lost without a word."""

ALL = (*QUIET, "lose")

SEARCH_LIMIT = 200
"""Histories in which a mistake has to show."""

_hear = Hub._hear


@dataclass(frozen=True)
class Step:
    """One thing that happens, to the order or the gateway of this number."""

    what: str
    number: int


def steps(kinds: Sequence[str]) -> st.SearchStrategy[list[Step]]:
    return st.lists(st.builds(Step, st.sampled_from(kinds), st.integers(0, 5)), max_size=14)


def steps_of(seed: int, kinds: Sequence[str]) -> list[Step]:
    chance = Random(seed)
    return [Step(chance.choice(kinds), chance.randrange(6)) for _ in range(12)]


@dataclass
class Told:
    """What one follower was told over all her connections, and what is wrong with it."""

    last: dict[str, int] = field(default_factory=dict)
    named: tuple[str, int] = "", 0
    token: str | None = None
    faults: list[str] = field(default_factory=list)
    latest: tuple[str, int] = "", 0
    count: int = 0

    def take(self, talk: Talk, since: Counter[str]) -> None:
        """Look at what has come over this connection, which has told ``since``."""
        for kind, result in talk.rest():
            if kind != "next":
                self.faults.append(f"{kind}: {result}")
                continue
            [order] = result["data"].values()
            self._note(order["id"], order["version"], since)
            self.token = result["extensions"]["consistency"]["token"]

    def _note(self, of: str, version: int, since: Counter[str]) -> None:
        self.count += 1
        if version <= since[of]:
            self.faults.append(f"{of} v{version} after v{since[of]}")
        if version < self.last.get(of, 0):
            self.faults.append(f"{of} goes back to v{version}")
        if self.named[0] == of and version <= self.named[1]:
            self.faults.append(f"{of} v{version} is in the token")
        since[of] = version
        self.last[of] = version
        self.latest = of, version


@dataclass
class Street:
    """Two gateways over one store, and one who follows over one of them at a time."""

    doors: Sequence[Door]
    projection: ProjectionByHand
    query: str
    variables: Json
    deaf: set[Hub]
    told: Told = field(default_factory=Told)
    versions: Counter[str] = field(default_factory=lambda: Counter(ORDERS))

    @property
    def hubs(self) -> list[Hub]:
        return [hub for door in self.doors if (hub := door.gateway.live._hub) is not None]

    async def live_through(self, history: Sequence[Step]) -> None:
        """One connection after the other, until the history and all that follows it are over."""
        left = [*history]
        number = 0
        while left is not None:
            left = await self._connection(self.doors[number % 2], left)
            number += 1

    async def _connection(self, door: Door, left: list[Step]) -> Json:
        """Follow over this gateway; what is left of the history, None when it is over."""
        after = {} if self.told.token is None else {"after": self.told.token}
        self.told.named = self.told.latest
        since: Counter[str] = Counter()
        async with talking(door, BY_HANDSHAKE, self.query, {**self.variables, **after}) as talk:
            if self.told.token is None:
                await asyncio.sleep(1)  # what follows happens while she follows
            while left:
                step = left.pop(0)
                if step.what == "come again":
                    self.told.take(talk, since)
                    return left
                await self._take(step, talk)
                self.told.take(talk, since)
            talk.reads.set()
            await asyncio.sleep(LONG_S)
            self.told.take(talk, since)
        return None

    async def _take(self, step: Step, talk: Talk) -> None:
        match step.what:
            case "slow":
                talk.reads.clear()
            case "wait":
                talk.reads.set()
                await asyncio.sleep(step.number)
            case "change":
                await self._change(step.number)
                for _ in range(step.number * 3):
                    await asyncio.sleep(0)
            case "lose" | "lose aloud":
                hub = self.hubs[step.number % 2]
                self.deaf.add(hub)
                await self._change(step.number)
                self.deaf.discard(hub)
                if step.what == "lose aloud":
                    hub._hear(None)

    async def _change(self, number: int) -> None:
        of = ORDERS[number % len(ORDERS)]
        self.versions[of] += 1
        row = order_row(of, self.versions[of])
        for door in self.doors:  # an event is of what its owner has done
            door.twins.order_shelf.rows[of] = row
        await self.projection.apply(row)


@asynccontextmanager
async def open_street(query: str) -> AsyncIterator[Street]:
    """Both gateways, with a page of one order for whose list is looked at."""
    store = MemoryStore(wall_clock=wall_clock_s)
    orders = [order_row(of) for of in ORDERS]
    owned: list[Row] = [*orders, a_customer(), a_product()]
    variables = {"id": "o-1" if query == FOLLOW else "c-1"}
    deaf: set[Hub] = set()

    def hear(hub: Hub, announcement: Announcement) -> None:
        if hub not in deaf:
            _hear(hub, announcement)

    def wires(**to: Json) -> Wires:
        return Wires(**to, store=lambda *_: store)

    async with AsyncExitStack() as stack:
        stack.enter_context(patch.object(Hub, "_hear", hear))
        stack.enter_context(patch("tests.gateway.front_door.Wires", wires))
        doors = [
            await stack.enter_async_context(open_door(*owned, events="feed", live_stuck_s=300.0))
            for _ in range(2)
        ]
        for door in doors:
            looks = door.gateway.live._looks
            assert looks is not None
            looks._options = replace(looks._options, list_limit=1)
        street = Street(doors, ProjectionByHand(store), query, variables, deaf)
        await street.projection.apply(*orders)
        yield street


async def follow(query: str, history: Sequence[Step]) -> Told:
    """What she was told; among the faults, what she was not."""
    async with open_street(query) as street:
        first = dict(street.versions)
        await street.live_through(history)
        for of, version in street.versions.items():
            is_followed = query == FOLLOW_ALL or of == "o-1"
            if is_followed and version > first[of] and street.told.last.get(of) != version:
                street.told.faults.append(f"{of} v{version} was never told")
    return street.told


def lived_through(query: str, kinds: Sequence[str], seed: int) -> Told:
    """What was told in the history of this seed."""
    return on_steered_time(lambda: follow(query, steps_of(seed, kinds)))


@settings(deadline=None, max_examples=50)
@given(steps(ALL))
def test_who_follows_an_order_misses_nothing(history: list[Step]) -> None:
    """Versions rise, none that the token names comes again, and the last arrives."""
    told = on_steered_time(lambda: follow(FOLLOW, history))

    assert told.faults == []


@settings(deadline=None, max_examples=50)
@given(steps(QUIET))
def test_who_follows_a_customer_misses_nothing(history: list[Step]) -> None:
    """So it is for each of her orders, however far down her list."""
    told = on_steered_time(lambda: follow(FOLLOW_ALL, history))

    assert told.faults == []


def test_the_laws_are_not_idle() -> None:
    """Much is told in such histories."""
    count = sum(lived_through(FOLLOW_ALL, QUIET, seed).count for seed in range(10))

    assert count > 60


async def _nothing(*_: object) -> bool:
    return False


def _newest_only(self: Follower) -> None:
    self.must_scan = True


def _all_is_known(self: Follower, order_id: str, at: Json) -> bool:
    """As if a floor said what has been shown: what was there at first is taken for known."""
    return at is not None and order_id in self._told and _is_news(self, order_id, at)


_is_news = Follower.is_news
_raised = "gateway.subscriptions.looks.raised"

MISTAKES: dict[str, tuple[str, Sequence[str], Callable[[], Json]]] = {
    "no look after a missed announcement": (
        FOLLOW,
        ALL,
        lambda: patch.object(Hub, "_look", _nothing),
    ),
    "no entry in the token": (FOLLOW, ALL, lambda: patch(_raised, lambda token, _: token)),
    "the newest page alone": (
        FOLLOW_ALL,
        QUIET,
        lambda: patch.object(Follower, "scan_all", _newest_only),
    ),
    "what the floor covers is skipped": (
        FOLLOW_ALL,
        QUIET,
        lambda: patch.object(Follower, "is_news", _all_is_known),
    ),
    "older ones are shown": (
        FOLLOW,
        ALL,
        lambda: patch.object(Follower, "is_news", lambda *_: True),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_found(name: str) -> None:
    """The control: each of these is seen in one of some hundred histories."""
    query, kinds, mistake = MISTAKES[name]
    with mistake():
        found = any(lived_through(query, kinds, seed).faults for seed in range(SEARCH_LIMIT))

    assert found

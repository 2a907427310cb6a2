"""Histories of a projection that is asked both ways after each step."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, TypeVar

import async_solipsism

from projections.memory_store import MemoryStore
from projections.store import Store
from tests.laws.asked_both_ways import BothWays
from tests.laws.at_hand_questions import Asking
from tests.laws.moved_projection import (
    NO_MORE,
    MovedProjection,
    MovedStore,
    Step,
    steps_of,
)
from tests.laws.proof.world.shared_store import NewsLink, SharedStore, StoreAtGateway
from tests.projection_by_hand import wall_clock_s

T = TypeVar("T")

NEWS_ACTS: Final = {"hold": 1, "release": 3, "lose": 1, "reconnect": 1}
"""What can happen to the news of a shared store."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many questions were asked, answered at hand, and from kept bytes."""

    asked: int = 0
    found: int = 0
    again: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.asked + other.asked, self.found + other.found, self.again + other.again)


@dataclass(frozen=True, slots=True)
class Shop:
    """A store that is moved, and as the gateway reads it. ``link`` brings the news of it.

    ``long_ratio``: so many of those without an answer at hand go the long way, which takes time,
    leaves tokens of its own, and brings rows to hand.
    """

    moved: MovedStore
    read: Store
    link: NewsLink | None
    long_ratio: float


def in_memory() -> Shop:
    """The gateway's own store."""
    store = MemoryStore(wall_clock=wall_clock_s)
    return Shop(store, store, None, long_ratio=0.05)


def shared() -> Shop:
    """A store elsewhere, of which the gateway has rows at hand."""
    store = SharedStore(wall_clock_s)
    at_gateway = StoreAtGateway(store, near_row_count=9)
    return Shop(store, at_gateway, at_gateway.link, long_ratio=0.5)


async def live_through(
    steps: Sequence[Step], seed: int, open_shop: Callable[[], Shop] = in_memory
) -> Counts:
    """Ask after each step; raises `Difference` where an answer is not the same both ways."""
    shop = open_shop()
    projection, both = MovedProjection(shop.moved), BothWays(shop.read)
    asking = Asking(projection, Random(seed))
    await projection.begin()
    asked_count = 0
    for step in (Step("pause", 0), *steps):
        await take(step, projection, shop.link)
        for question in asking.questions():
            reply = await both.ask(question)
            if reply is None and asking.random.random() < shop.long_ratio:
                reply = await both.the_long_way(question)
            if reply is not None:
                asking.note(question, reply)
            asked_count += 1
    return Counts(asked_count, both.found_count, both.answers.again_count)


async def take(step: Step, projection: MovedProjection, link: NewsLink | None) -> None:
    """Let the step happen, to the projection or to its news."""
    match step.act:
        case act if act not in NEWS_ACTS:
            await projection.take(step)
        case "lose" if link is not None:
            link.lose(step.which % 3)
        case act if link is not None:
            getattr(link, act)()


def on_steered_time(living: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """What it comes to, on a clock that jumps ahead."""
    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        return runner.run(living())


def live_by(
    seed: int, open_shop: Callable[[], Shop] = in_memory, more: Mapping[str, int] = NO_MORE
) -> Counts:
    """Live through the history of a seed."""
    history = steps_of(seed, more)
    return on_steered_time(lambda: live_through(history, seed, open_shop))


def live_by_all(
    seeds: Iterable[int],
    open_shop: Callable[[], Shop] = in_memory,
    more: Mapping[str, int] = NO_MORE,
) -> Counts:
    """Live through the histories of these seeds, up to the first difference."""
    return sum((live_by(seed, open_shop, more) for seed in seeds), start=Counts())

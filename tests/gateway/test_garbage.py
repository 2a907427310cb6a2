"""Garbage in circles goes when nobody would notice; what has been loaded is not looked through."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from gateway.admission.door import Crowd
from gateway.beside import running
from gateway.garbage import GarbageOptions, GarbageRounds, may_pause
from projections.consumer import BatchApplied
from projections.positions import Partition, SourcePosition
from tests.gateway.front_door import Door, open_door

pytestmark = pytest.mark.steered_time

OPTIONS = GarbageOptions()
NOBODY = Crowd(in_flight_count=0, waiting_count=0, is_shedding=False)
BUSY = Crowd(in_flight_count=30, waiting_count=0, is_shedding=False)
QUEUE = Crowd(in_flight_count=1, waiting_count=1, is_shedding=False)
SHEDDING = Crowd(in_flight_count=0, waiting_count=0, is_shedding=True)


class Circle:
    """Something that holds itself, as a transport and its protocol hold each other."""

    def __init__(self) -> None:
        self.self = self


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """The collector of this process does nothing by itself, and is afterwards as it was."""
    gc.unfreeze()  # a command that was run in this process has frozen what was loaded then
    gc.disable()
    try:
        yield
    finally:
        gc.unfreeze()
        gc.enable()


@dataclass
class Process:
    """What the rounds see of the process, for a test to change."""

    crowd: Crowd = NOBODY
    loaded: asyncio.Event = field(default_factory=asyncio.Event)

    async def wait_until_loaded(self) -> None:
        await self.loaded.wait()


@asynccontextmanager
async def collecting(
    process: Process, options: GarbageOptions = OPTIONS
) -> AsyncIterator[GarbageRounds]:
    """Rounds that run inside the block, in a process that has loaded what it will hold."""
    rounds = GarbageRounds(options, crowd=lambda: process.crowd, loaded=process.wait_until_loaded)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(rounds.run())
        process.loaded.set()
        await asyncio.sleep(0.001)
        yield rounds
        running.cancel()


def left_circle() -> "weakref.ref[Circle]":
    """A circle that nobody holds; alive as long as it has not been collected."""
    return weakref.ref(Circle())


@pytest.mark.parametrize(
    ("crowd", "waited_s", "may"),
    [
        (NOBODY, 0.0, True),
        (BUSY, 0.0, False),
        (BUSY, OPTIONS.patience_s, True),
        (QUEUE, OPTIONS.patience_s, False),
        (SHEDDING, OPTIONS.patience_s, False),
    ],
)
async def test_a_pause_is_for_quiet_moments(crowd: Crowd, waited_s: float, may: bool) -> None:
    """A busy process waits for its patience only; where anybody queues there is never a pause."""
    assert may_pause(crowd, OPTIONS, waited_s=waited_s) is may


async def test_circles_go_within_a_round() -> None:
    """What nobody holds but itself is gone after the next round, and the round is counted."""
    async with collecting(Process()) as rounds:
        circle = left_circle()
        await asyncio.sleep(OPTIONS.every_s + 1)

    assert circle() is None
    assert rounds.collected.round_count == 1
    assert rounds.collected.object_count >= 1
    assert rounds.collected.longest_pause_s >= rounds.collected.last_pause_s > 0


async def test_circles_stay_without_the_rounds() -> None:
    """The control: switched off, nothing takes them away."""
    async with collecting(Process(), GarbageOptions(is_on=False)):
        circle = left_circle()
        await asyncio.sleep(10 * OPTIONS.every_s)

    assert circle() is not None


async def test_an_overload_is_never_paused() -> None:
    """However long it lasts, circles stay; they go when it is over."""
    process = Process(crowd=SHEDDING)
    async with collecting(process):
        circle = left_circle()
        await asyncio.sleep(100 * OPTIONS.every_s)
        has_stayed = circle() is not None
        process.crowd = NOBODY
        await asyncio.sleep(1)

    assert has_stayed
    assert circle() is None


async def test_a_process_that_is_never_quiet_is_collected_once_a_minute() -> None:
    """Where nobody queues, a collection waits for its patience and no longer."""
    async with collecting(Process(crowd=BUSY)) as rounds:
        await asyncio.sleep(10 * (OPTIONS.every_s + OPTIONS.patience_s) + 1)

    assert rounds.collected.round_count in {9, 10}


async def test_what_has_been_loaded_is_not_looked_through() -> None:
    """It is frozen when all of it has come; what comes later is not."""
    process = Process()
    loaded = [Circle() for _ in range(1_000)]
    async with collecting(process):
        frozen_count = gc.get_freeze_count()
        later = Circle()
        tracked = gc.get_objects()

    assert frozen_count > len(loaded)
    assert not any(one is loaded[0] for one in tracked)
    assert any(one is later for one in tracked)


async def test_nothing_is_frozen_before_it_has_come() -> None:
    """Until the projection has caught up, the collector works as it would without us."""
    loading = Process().wait_until_loaded
    rounds = GarbageRounds(OPTIONS, crowd=lambda: NOBODY, loaded=loading)
    async with asyncio.TaskGroup() as group:
        running = group.create_task(rounds.run())
        await asyncio.sleep(100 * OPTIONS.every_s)
        frozen_count = gc.get_freeze_count()
        running.cancel()

    assert frozen_count == 0
    assert rounds.collected.round_count == 0


async def test_what_makes_pauses_long_is_frozen_too() -> None:
    """After a long pause what is still there will stay, so the next one does not look at it."""
    options = GarbageOptions(long_pause_s=0.001)
    async with collecting(Process(), options) as rounds:
        came_later = [Circle() for _ in range(100_000)]
        frozen_before_count = gc.get_freeze_count()
        await asyncio.sleep(options.every_s + 1)
        frozen_count = gc.get_freeze_count()

    assert rounds.collected.last_pause_s > options.long_pause_s
    assert frozen_count - frozen_before_count >= len(came_later)


async def test_the_collector_is_given_back() -> None:
    """Its thresholds are those that it had, once the rounds are over."""
    before = gc.get_threshold()
    async with collecting(Process()):
        during = gc.get_threshold()

    assert during != before
    assert gc.get_threshold() == before


async def test_a_gateway_has_loaded_when_its_projection_has_caught_up() -> None:
    """A projection of its own is awaited to the last source; where there is none, nothing is."""
    async with frozen_by(events="feed") as door:
        for source in ("orders", "customers"):
            door.gateway.catch_up.observe(caught_up(source))
        await asyncio.sleep(OPTIONS.every_s)
        before_count = gc.get_freeze_count()
        door.gateway.catch_up.observe(caught_up("products"))
        await asyncio.sleep(1)
        own_count = gc.get_freeze_count()
    gc.unfreeze()
    async with frozen_by(events="none"):
        await asyncio.sleep(1)
        none_count = gc.get_freeze_count()

    assert before_count == 0
    assert own_count > 0
    assert none_count > 0


@asynccontextmanager
async def frozen_by(**settings: object) -> AsyncIterator[Door]:
    """A gateway whose rounds run inside the block."""
    async with open_door(**settings) as door, running(door.gateway.garbage.run()):
        yield door


def caught_up(source: str) -> BatchApplied:
    position = SourcePosition("c", 0.0, is_caught_up=True, remaining_count=0)
    return BatchApplied(Partition(source), position, event_count=1, applied_count=1, gap_count=0)

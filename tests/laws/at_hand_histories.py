"""Histories of a projection that is asked both ways after each step."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import async_solipsism

from projections.memory_store import MemoryStore
from tests.laws.asked_both_ways import BothWays
from tests.laws.at_hand_questions import Asking
from tests.laws.moved_projection import WEIGHTS, MovedProjection, Step
from tests.projection_by_hand import wall_clock_s

LONG_RATIO = 0.05
"""So many of those without an answer at hand go the long way, which takes time and leaves tokens
of its own.
"""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many questions were asked, answered at hand, and from kept bytes."""

    asked: int = 0
    found: int = 0
    again: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.asked + other.asked, self.found + other.found, self.again + other.again)


async def live_through(steps: Sequence[Step], seed: int) -> Counts:
    """Ask after each step; raises `Difference` at the first answer that is not the same both ways."""
    store = MemoryStore(wall_clock=wall_clock_s)
    projection, both = MovedProjection(store), BothWays(store)
    asking = Asking(projection, Random(seed))
    await projection.begin()
    asked_count = 0
    for step in (Step("pause", 0), *steps):
        await projection.take(step)
        for question in asking.questions():
            reply = await both.ask(question)
            if reply is None and asking.random.random() < LONG_RATIO:
                reply = await both.the_long_way(question)
            if reply is not None:
                asking.note(question, reply)
            asked_count += 1
    return Counts(asked_count, both.found_count, both.answers.again_count)


def on_steered_time(living: Callable[[], Coroutine[Any, Any, Counts]]) -> Counts:
    """Run it on a clock that jumps ahead."""
    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        return runner.run(living())


def steps_of(seed: int, count: int = 20) -> list[Step]:
    """A history that follows from its seed alone."""
    random = Random(seed)
    acts = random.choices(list(WEIGHTS), list(WEIGHTS.values()), k=count)
    return [Step(act, random.randrange(42)) for act in acts]

"""Bugs in how a read waits for the projection, and in what it is told meanwhile."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from unittest.mock import patch

from projections.memory_store import MemoryStore
from projections.projector import Verdict
from projections.rebuild.lease import LeaseOptions, RebuildLease
from projections.rebuild.rebuild import Rebuild, RebuildOptions
from projections.rebuild.replay import Replay
from projections.store import EventBatch
from projections.versions import AggregateKey, Version
from projections.waiters import WaitEnd, Waiters
from resolvers.demand import Demand
from resolvers.reading import OperationReads
from resolvers.wait_choice import wait_budget_s
from tests.laws.proof.bugs.seeded import Bug
from tests.laws.proof.bugs.stage import CUSTOMERS, ORDERS, PRODUCTS, Stage
from tests.laws.proof.violations import Law
from tests.laws.proof.world.logs import LogReader, has_reached
from tests.laws.proof.world.projectors import LeaseBook

WRITE_S = 0.002
"""How long a write takes that has been told of already."""

READ_S = 0.02
"""How long a slow store, or a slow log, takes to answer."""


# Who begins to wait does not look again.


async def wait_without_looking(
    self: Waiters, unmet: Mapping[AggregateKey, Version], *, subject: str, timeout_s: float
) -> WaitEnd:
    with self._registered(unmet, subject) as waiter:
        try:
            async with asyncio.timeout(timeout_s):
                await waiter.released
        except TimeoutError:
            return WaitEnd.TIMED_OUT
        return WaitEnd.REACHED


def comes_just_before_the_wait(stage: Stage) -> None:
    stage.loses_nothing()
    stage.annotates(1, "o-1", at="B")
    stage.ships(ORDERS)
    store = stage.gateway("A").store
    told = f"the store takes {READ_S:g} s to answer gateway A"
    stage.happens(told, lambda: store.slow_down(READ_S))
    stage.reads(1, "o-1")
    stage.happens("the store answers at once", store.find)
    stage.applies(ORDERS)
    stage.reads(2, "o-1", at="B")
    stage.passes(0.1)


# News come before what they tell can be read.


def announce_first() -> AbstractContextManager[object]:
    apply = MemoryStore.apply

    async def announce_and_apply(self: MemoryStore, batch: EventBatch) -> Sequence[Verdict]:
        self._announce(self._judge_all(batch.events))
        await asyncio.sleep(WRITE_S)
        with patch.object(self, "_announce"):
            return await apply(self, batch)

    return patch.object(MemoryStore, "apply", announce_and_apply)


def looks_too_early(stage: Stage) -> None:
    stage.loses_nothing()
    stage.annotates(1, "o-1")
    stage.reads(1, "o-1")
    stage.ships(ORDERS)
    stage.applies(ORDERS)
    stage.reads(2, "o-1", at="B")
    stage.passes(0.1)


# Every wait of an operation has the whole budget.


def whole_budget(self: OperationReads, demand: Demand) -> float:
    return wait_budget_s(
        demand,
        cap_s=self._options.wait_cap_s,
        time_left_s=self._deadline.remaining_s(),
        reserve_s=self._options.live_reserve_s,
    )


def waits_for_both(stage: Stage) -> None:
    stage.renames(1, "c-1")
    stage.happens("customers cannot be reached", stage.service(CUSTOMERS).cut)
    stage.annotates(1, "o-1", "o-3")
    stage.passes(1.0)


# A rebuild flips with whatever it has got.


def flip_at_once() -> AbstractContextManager[object]:
    async def be_content(self: Replay, expected: Mapping[object, str]) -> None:
        """As far as it was when the log was read to its end."""

    return patch.object(Replay, "reach", be_content)


class SlowReader(LogReader):
    """A log that takes time to read, in which others write."""

    async def fetch(self, after: str | None) -> EventBatch:
        batch = await super().fetch(after)
        await asyncio.sleep(READ_S)
        return batch


def goes_on_while_it_is_rebuilt(stage: Stage) -> None:
    stage.loses_nothing()
    stage.begins("a rebuild of products begins", rebuild_with_a_small_sample(stage))
    stage.restocks(1, "p-2")
    stage.ships(PRODUCTS)
    stage.applies(PRODUCTS)
    stage.reads(2, "p-2", at="B")
    stage.passes(0.1)
    stage.reads(1, "p-2")
    stage.passes(0.3)


async def rebuild_with_a_small_sample(stage: Stage) -> None:
    """As of a large source: what it compares is not what changes meanwhile."""
    topic = stage.service(PRODUCTS).topic
    logs = [SlowReader(topic, partition) for partition in topic.partition_names()]
    lease = RebuildLease(LeaseBook(), LeaseOptions())
    options = RebuildOptions(sample_count=1)
    work = Rebuild(stage.house.store, logs, lease, has_reached=has_reached, options=options)
    stage.run.tell(f"the rebuild of products has {type(await work.run()).__name__}")


BUGS = (
    Bug(
        name="register without re-check",
        told="Who begins to wait does not look whether it has come meanwhile.",
        patch=partial(patch.object, Waiters, "wait_for", wait_without_looking),
        story=comes_just_before_the_wait,
        law=Law.LIVENESS,
    ),
    Bug(
        name="announce before write",
        told="The store tells what it is about to write, and then writes it.",
        patch=announce_first,
        story=looks_too_early,
        law=Law.LIVENESS,
    ),
    Bug(
        name="wait budgets summed instead of shared",
        told="Every wait of an operation has the whole budget.",
        patch=partial(patch.object, OperationReads, "_wait_s", whole_budget),
        story=waits_for_both,
        law=Law.LIVENESS,
    ),
    Bug(
        name="flip before lag 0",
        told="A rebuild flips once it has read the log to where it ended.",
        patch=flip_at_once,
        story=goes_on_while_it_is_rebuilt,
        law=Law.LIVENESS,
    ),
)

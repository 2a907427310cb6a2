"""Bugs in how events are applied: gate, position, listings, tombstones, healing, parking."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from unittest.mock import patch

from msgspec import structs

from projections.consumer import Consumer
from projections.events import StateChange
from projections.memory_store import MemoryStore
from projections.projector import Applied, Duplicate, Parked, StoredRow, Verdict, judge_healing
from projections.store import EventBatch, Store
from projections.views import Row
from tests.laws.proof.bugs.seeded import Bug
from tests.laws.proof.bugs.stage import ORDERS, Stage
from tests.laws.proof.violations import Law
from tests.laws.proof.world.asking import Mode
from tests.laws.proof.world.projectors import Crash, Projector

WRITE_S = 0.01
"""How long a second write of a store takes that ought to have been part of the first."""


# The position is committed before the rows.


def position_first() -> AbstractContextManager[object]:
    step = Consumer.step

    async def store_twice(self: Consumer) -> bool:
        with patch.object(self, "_store", _PositionFirst(self._store)):
            return await step(self)

    return patch.object(Consumer, "step", store_twice)


class _PositionFirst:
    """A store that is told first how far, and then what."""

    def __init__(self, store: Store) -> None:
        self.position, self.forget = store.position, store.forget
        self._store = store

    async def apply(self, batch: EventBatch) -> Sequence[Verdict]:
        await self._store.apply(replace(batch, events=()))
        return await self._store.apply(replace(batch, after=batch.position.cursor))


def dies_in_between(stage: Stage) -> None:
    stage.annotates(3, "o-1")
    stage.ships(ORDERS)
    for projector in stage.service(ORDERS).projectors:
        told = f"the projector of {projector.partition} dies after it has stored"
        stage.works(told, projector.crash(Crash.AFTER, 100))


# The gate lets through what is older, as new, or of another epoch.


def any_change_applies(current: StoredRow | None, change: StateChange) -> Applied:
    has_gap = current is not None and change.previous_number != current.at.number
    return Applied(change.key, StoredRow(change.row, change.at), has_gap)


def is_sent_again_from_further_back(stage: Stage) -> None:
    stage.annotates(1, "o-1")
    stage.annotates(1, "o-1")
    stage.brings(ORDERS)
    stage.reads(2, "o-1")
    stage.ships_again(ORDERS, 2)
    stage.applies(ORDERS, limit=1)
    stage.reads(2, "o-1", at="B")


def as_new_applies(current: StoredRow | None, change: StateChange) -> Applied | Duplicate:
    if current is None or change.at >= current.at:
        return Applied(change.key, StoredRow(change.row, change.at), has_gap=False)
    return Duplicate(change.key)


def is_sent_twice(stage: Stage) -> None:
    stage.loses_nothing()
    stage.annotates(1, "o-1")
    stage.brings(ORDERS)
    stage.ships_again(ORDERS, 1)
    stage.applies(ORDERS)


def greater_number_applies(current: StoredRow | None, change: StateChange) -> Applied | Duplicate:
    if current is None or change.at.number > current.at.number:
        return Applied(change.key, StoredRow(change.row, change.at), has_gap=False)
    if change.at == current.at:
        return Duplicate(change.key, structs.replace(current, is_streamed=True))
    return Duplicate(change.key)


def lives_on_after_a_restore(stage: Stage) -> None:
    orders = stage.service(ORDERS)
    stage.annotates(1, "o-1")
    stage.annotates(1, "o-1")
    stage.happens("orders take 0.05 s to answer", lambda: orders.slow_down(0.05))
    stage.reads(2, "o-1", mode=Mode.LIVE)
    stage.happens("orders are restored without two changes", lambda: orders.owner.restore(2))
    stage.applies(ORDERS)
    stage.passes(0.1)
    stage.happens("orders are well", orders.recover)
    stage.brings(ORDERS)


# The listings move after the rows.


def listings_later() -> AbstractContextManager[object]:
    apply = MemoryStore.apply

    async def apply_in_two(self: MemoryStore, batch: EventBatch) -> Sequence[Verdict]:
        moves: list[tuple[StoredRow | None, StoredRow]] = []
        with patch.object(self, "_list", lambda old, new: moves.append((old, new))):
            verdicts = await apply(self, batch)
        await asyncio.sleep(WRITE_S)
        for old, new in moves:
            self._list(old, new)
        return verdicts

    return patch.object(MemoryStore, "apply", apply_in_two)


def looks_into_the_gap(stage: Stage) -> None:
    stage.places(1)
    stage.ships(ORDERS)
    for projector in stage.service(ORDERS).projectors:
        stage.begins(f"the projector of {projector.partition} applies all", _step(projector))
    stage.reads(2, "n-1")
    stage.lists(2)
    stage.passes(0.05)


async def _step(projector: Projector) -> None:
    await projector.step()


# A deletion leaves nothing behind.


def no_tombstones() -> AbstractContextManager[object]:
    commit = MemoryStore._commit

    def delete_for_good(self: MemoryStore, verdicts: Sequence[Verdict]) -> None:
        commit(self, verdicts)
        for verdict in verdicts:
            if isinstance(verdict, Applied) and verdict.stored.row is None:
                del self._rows[verdict.key]

    return patch.object(MemoryStore, "_commit", delete_for_good)


def comes_back_from_the_dead(stage: Stage) -> None:
    stage.annotates(1, "o-1")
    stage.brings(ORDERS)
    stage.reads(2, "o-1")
    stage.happens("o-1 is deleted", lambda: stage.service(ORDERS).owner.delete("o-1"))
    stage.brings(ORDERS)
    stage.reads(2, "o-1")
    stage.ships_again(ORDERS, 2)
    stage.applies(ORDERS, limit=1)
    stage.reads(2, "o-1")


# A live answer written back passes for what the stream has brought.


def heal_as_streamed(
    current: StoredRow | None, row: Row, *, healed_at_s: float
) -> Applied | Duplicate:
    verdict = judge_healing(current, row, healed_at_s=healed_at_s)
    if isinstance(verdict, Applied):
        return structs.replace(verdict, stored=StoredRow(row, row.at))
    return verdict


def store_loses_what_was_healed(stage: Stage) -> None:
    stage.annotates(1, "o-1")
    stage.reads(1, "o-1", mode=Mode.LIVE)
    stage.reads(2, "o-1")
    store = stage.house.store
    stage.happens("the store comes back without its last writes", lambda: store.lose_writes(3))
    stage.reads(2, "o-1")


# What cannot be read is set aside, and its row goes on as if nothing had been.


def no_marks() -> AbstractContextManager[object]:
    commit = MemoryStore._commit

    def forget_parked(self: MemoryStore, verdicts: Sequence[Verdict]) -> None:
        commit(self, [verdict for verdict in verdicts if not isinstance(verdict, Parked)])

    return patch.object(MemoryStore, "_commit", forget_parked)


def cannot_be_read(stage: Stage) -> None:
    topic = stage.service(ORDERS).topic
    stage.annotates(1, "o-1")
    topic.poisons_next = True
    stage.happens("the next of the orders to be shipped will not be readable")
    stage.brings(ORDERS)
    stage.passes(0.1)
    stage.brings(ORDERS)
    stage.reads(2, "o-1")


BUGS = (
    Bug(
        name="position committed before apply",
        told="The consumer stores how far it is, and then the rows.",
        patch=position_first,
        story=dies_in_between,
        law=Law.CONVERGENCE,
    ),
    Bug(
        name="no version gate",
        told="Whatever comes is applied, older states too.",
        patch=partial(patch, "projections.memory_store.judge", any_change_applies),
        story=is_sent_again_from_further_back,
        law=Law.MONOTONIC_READS,
    ),
    Bug(
        name="≥ for >",
        told="The gate lets through what is as new as the row, and it is announced again.",
        patch=partial(patch, "projections.memory_store.judge", as_new_applies),
        story=is_sent_twice,
        law=Law.NO_FABRICATION,
    ),
    Bug(
        name="epoch ignored",
        told="The gate compares the numbers of two epochs.",
        patch=partial(patch, "projections.memory_store.judge", greater_number_applies),
        story=lives_on_after_a_restore,
        law=Law.CONVERGENCE,
    ),
    Bug(
        name="index outside the atomic apply",
        told="The listings are brought up to date in a second write.",
        patch=listings_later,
        story=looks_into_the_gap,
        law=Law.MONOTONIC_READS,
    ),
    Bug(
        name="tombstone hard-deleted",
        told="A deletion removes the row, and its version with it.",
        patch=no_tombstones,
        story=comes_back_from_the_dead,
        law=Law.MONOTONIC_READS,
    ),
    Bug(
        name="healed row treated as streamed",
        told="A live answer is written back as if the stream had brought it.",
        patch=partial(patch, "projections.memory_store.judge_healing", heal_as_streamed),
        story=store_loses_what_was_healed,
        law=Law.MONOTONIC_READS,
    ),
    Bug(
        name="park without the suspect mark",
        told="An event that cannot be read is left out, and its row is shown as before.",
        patch=no_marks,
        story=cannot_be_read,
        law=Law.FRESHNESS,
    ),
)

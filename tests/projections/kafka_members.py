"""Members of a consumer group inside one process, and what they do to the partitions."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka.consumer.group_coordinator import CoordinatorGroupRebalance

from projections.consumer import Consumer, ConsumerOptions, ProjectionSignal
from projections.feed import EventSource
from projections.kafka.group import Consume, KafkaGroup
from projections.kafka.options import KafkaOptions
from projections.kafka.signals import KafkaSignal, PartitionsAssigned, PartitionsRevoked
from projections.store import Store

PATIENCE_S = 30.0
STOPPING_S = 0.3
"""How long a reader takes to stop; a group that did not wait for it would be done before."""


@dataclass
class Member:
    """One member: what it has been told so far, and what it reads now."""

    task: asyncio.Task[None] = field(init=False)
    signals: list[KafkaSignal] = field(default_factory=list)
    indexes: frozenset[int] = frozenset()
    told: asyncio.Event = field(default_factory=asyncio.Event)

    def observe(self, signal: KafkaSignal) -> None:
        self.signals.append(signal)
        match signal:
            case PartitionsAssigned(partitions=partitions):
                self.indexes = frozenset(partition.index for partition in partitions)
            case PartitionsRevoked():
                self.indexes = frozenset()
        self.told.set()

    async def until(self, is_so: Callable[["Member"], bool]) -> None:
        """Wait until what it was told, or the member beside it, makes this so."""
        async with asyncio.timeout(PATIENCE_S):
            while not is_so(self):
                self.told.clear()
                await self.told.wait()

    async def leave(self) -> None:
        """Stop it in order."""
        self.task.cancel()
        await asyncio.wait([self.task])


@asynccontextmanager
async def member(
    options: KafkaOptions, consume: Consume, *, beside: Member | None = None
) -> AsyncIterator[Member]:
    """A member that takes part in the group inside the block, if it does not leave before."""
    member = Member() if beside is None else Member(told=beside.told)
    async with asyncio.TaskGroup() as tasks:
        member.task = tasks.create_task(KafkaGroup(options, member.observe).run(consume))
        yield member
        member.task.cancel()


def let_followers_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have leaders wait a moment before they tell who reads what.

    The mock takes a follower's question for a mistake when its leader has spoken already.
    """
    on_join_leader: Callable[..., Awaitable[Any]] = CoordinatorGroupRebalance._on_join_leader

    async def wait_and_join(self: CoordinatorGroupRebalance, response: object) -> object:
        await asyncio.sleep(0.05)
        return await on_join_leader(self, response)

    monkeypatch.setattr(CoordinatorGroupRebalance, "_on_join_leader", wait_and_join)


@dataclass
class Readers:
    """Who reads which partition now. A reader takes a moment to stop."""

    reading: list[int] = field(default_factory=list)
    overlaps: list[int] = field(default_factory=list)

    async def consume(self, source: EventSource) -> None:
        """Read nothing; be there until cancelled."""
        index = source.partition.index
        if index in self.reading:
            self.overlaps.append(index)
        self.reading.append(index)
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(STOPPING_S)
            self.reading.remove(index)


def projecting(store: Store, signals: list[ProjectionSignal]) -> Consume:
    """What a projector does with a partition."""

    async def consume(source: EventSource) -> None:
        await Consumer(source, store, signals.append, ConsumerOptions()).run()

    return consume

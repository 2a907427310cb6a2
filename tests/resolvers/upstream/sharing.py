"""Owners by hand behind shared reads: every call is noted, and lands when the test says."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from projections.versions import AggregateKey, Version
from projections.views import ProductRow, Row
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.errors import UpstreamError
from resolvers.upstream.live_demand import Heard, LiveDemand, Question, RowAnswer
from resolvers.upstream.options import SharingOptions
from resolvers.upstream.shared_reads import SharedReads
from tests.builders.rows import product_key
from tests.resolvers.upstream.builders import a_context, a_product, now_s

LAMP = Question(product_key("p-1"))
MUG = Question(product_key("p-2"))
CALL_S = 0.1
SHARING = LiveDemand(may_share=True)
ALONE = LiveDemand()
KEEPING_NOTHING = SharingOptions(fresh_s=0, absent_fresh_s=0, while_revalidate_s=0, if_error_s=0)


def at_least(number: int, *, epoch: int = 1) -> LiveDemand:
    """The demand of a reader who may share what is no older than this."""
    return LiveDemand(Version(epoch, number), may_share=True)


def lamp(version: int = 1) -> ProductRow:
    return a_product("p-1", version=version)


@dataclass
class FakeOwners:
    """Services that look up their rows when they are asked, and answer ``call_s`` later.

    Stubborn ones answer, or make their mistake, even when they are cancelled.
    """

    rows: dict[AggregateKey, Row] = field(default_factory=dict)
    failure: UpstreamError | None = None
    mistake: Exception | None = None
    call_s: float = CALL_S
    is_stubborn: bool = False
    calls: list[tuple[str, ...]] = field(default_factory=list)
    contexts: list[CallContext] = field(default_factory=list)
    cancelled_at_s: list[float] = field(default_factory=list)

    def own(self, *rows: Row) -> None:
        self.rows.update((row.key, row) for row in rows)

    async def ask(
        self, call: Sequence[Question], context: CallContext
    ) -> Mapping[Question, RowAnswer]:
        self.calls.append(tuple(question.key.id for question in call))
        self.contexts.append(context)
        answers: dict[Question, RowAnswer] = {
            question: self.failure or self.rows.get(question.key) for question in call
        }
        mistake = self.mistake
        try:
            await asyncio.sleep(self.call_s)
        except asyncio.CancelledError:
            self.cancelled_at_s.append(round(now_s(), 6))
            if not self.is_stubborn:
                raise
        if mistake is not None:
            raise mistake
        return answers


@dataclass
class House:
    """Shared reads that are open, the owners behind them, and readers in front."""

    shared: SharedReads
    owners: FakeOwners
    group: asyncio.TaskGroup

    def reader(
        self, demand: LiveDemand = SHARING, question: Question = LAMP, *, timeout_s: float = 2.0
    ) -> "asyncio.Task[Heard]":
        """One reader of one row, who has asked by the next turn of the loop."""
        return self.group.create_task(self.hear({question: demand}, timeout_s=timeout_s))

    async def hear(
        self, demands: Mapping[Question, LiveDemand], *, timeout_s: float = 2.0
    ) -> Heard:
        heard = await self.shared.read(demands, a_context(timeout_s=timeout_s))
        return next(iter(heard.values()))


@asynccontextmanager
async def open_house(
    *rows: Row, options: SharingOptions = KEEPING_NOTHING, owners: FakeOwners | None = None
) -> AsyncIterator[House]:
    """Owners of these rows, and readers who share; without a cache, unless it is asked for."""
    owners = owners or FakeOwners()
    owners.own(*rows)
    shared = SharedReads(owners.ask, options)
    async with asyncio.TaskGroup() as group, shared.open():
        yield House(shared, owners, group)


def number_of(heard: Heard) -> int | None:
    """The number of the version that was heard; None for an absence."""
    assert not isinstance(heard.answer, Exception), heard.answer
    return None if heard.answer is None else heard.answer.version

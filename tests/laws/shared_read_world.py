"""A world of writers, readers and slow calls, and what its readers were told.

Each call looks its rows up a while after it was sent and lands a while after that, so calls
overtake each other and land late. Time is steered; no two actions fall into the same instant, and
what a call does in the very instant of an action is no case of any law.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle

import async_solipsism

from projections.versions import AggregateKey, Version
from projections.views import ProductRow
from resolvers.upstream.call_context import CallContext
from resolvers.upstream.deadline import Deadline
from resolvers.upstream.errors import DeadlineExceeded
from resolvers.upstream.live_demand import Heard, LiveDemand, Question, RowAnswer
from resolvers.upstream.options import SharingOptions
from resolvers.upstream.shared_reads import SharedReads
from tests.builders.rows import product_key, product_row

KEYS = (product_key("p-1"), product_key("p-2"))
FRESH_S = 0.1
OPTIONS = SharingOptions(
    fresh_s=FRESH_S, absent_fresh_s=FRESH_S / 2, while_revalidate_s=FRESH_S, if_error_s=0.5
)
TICK_S = 0.001
INSTANT_S = 1e-5
"""Closer than this, two points of the steered clock are the same instant."""


@dataclass(frozen=True)
class Write:
    """Somebody writes; ``is_told``: through us, so that we have the answer."""

    pause: int
    key: AggregateKey
    is_told: bool = False
    is_restored: bool = False


@dataclass(frozen=True)
class Read:
    """A reader asks; ``ahead``: how many versions beyond the owner's she demands, None for none."""

    pause: int
    keys: tuple[AggregateKey, ...]
    may_share: bool = True
    ahead: int | None = None
    patience: int = 2000
    leaves_after: int | None = None


@dataclass(frozen=True)
class Journey:
    """How long a call takes, there and back; ``lag``: its replica is so many versions behind."""

    there: int
    back: int
    lag: int = 0


@dataclass(frozen=True)
class Told:
    """What one reader was told of one row."""

    asked_at_s: float
    demand: LiveDemand
    key: AggregateKey
    heard: Heard

    @property
    def at(self) -> Version | None:
        """The version she was shown, or that there is none; a deadline shows nothing."""
        assert not isinstance(self.heard.answer, Exception)
        return None if self.heard.answer is None else self.heard.answer.at

    @property
    def is_shared(self) -> bool:
        """Had it been asked for before she asked?"""
        return self.heard.asked_at_s < self.asked_at_s


@dataclass
class World:
    """The owner's versions over time, what this process has learned of them, and who heard what."""

    journeys: Iterator[Journey]
    committed: dict[AggregateKey, list[tuple[float, Version]]] = field(default_factory=dict)
    learned: list[tuple[float, AggregateKey, Version]] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    call_count: int = 0
    in_the_air_count: int = 0

    def version_at(self, key: AggregateKey, at_s: float, *, lag: int = 0) -> Version | None:
        """What the owner held at an instant."""
        held = [version for since_s, version in self.committed.get(key, ()) if since_s <= at_s]
        return held[-1 - lag] if len(held) > lag else None

    def commit(self, write: Write) -> ProductRow:
        newest = self.version_at(write.key, now_s()) or Version(1, 0)
        version = Version(newest.epoch, newest.number + 1)
        if write.is_restored:
            version = Version(newest.epoch + 1, 1)
        self.committed.setdefault(write.key, []).append((now_s(), version))
        return row_at(write.key, version)

    async def ask(self, call: Sequence[Question], _: CallContext) -> Mapping[Question, RowAnswer]:
        journey = next(self.journeys)
        self.call_count += 1
        self.in_the_air_count += 1
        try:
            await asyncio.sleep(journey.there * TICK_S)
            versions = {q: self.version_at(q.key, now_s(), lag=journey.lag) for q in call}
            await asyncio.sleep(journey.back * TICK_S)
        finally:
            self.in_the_air_count -= 1
        self.learned += [(now_s(), q.key, at) for q, at in versions.items() if at is not None]
        return {q: None if at is None else row_at(q.key, at) for q, at in versions.items()}

    async def read(self, shared: SharedReads, read: Read) -> None:
        asked_at_s = now_s()
        demands = {Question(key): self.demand_of(read, key) for key in read.keys}
        context = CallContext(Deadline.after(read.patience * TICK_S), "r-1")
        heard = await shared.read(demands, context)
        assert now_s() <= context.deadline.at_s + INSTANT_S
        self.told += [
            Told(asked_at_s, demand, question.key, heard[question])
            for question, demand in demands.items()
            if not isinstance(heard[question].answer, DeadlineExceeded)
        ]

    def demand_of(self, read: Read, key: AggregateKey) -> LiveDemand:
        newest = self.version_at(key, now_s()) or Version(1, 0)
        at_least = None
        if read.ahead is not None:
            at_least = Version(newest.epoch, newest.number + read.ahead)
        return LiveDemand(at_least, read.may_share)


def play(plot: Sequence[Write | Read], calls: Sequence[Journey]) -> World:
    """What happens when these actions follow each other and calls take these journeys in turn."""
    world = World(cycle(calls))
    with asyncio.Runner(loop_factory=async_solipsism.EventLoop) as runner:
        runner.run(_play(world, plot))
    return world


async def _play(world: World, plot: Sequence[Write | Read]) -> None:
    shared = SharedReads(world.ask, OPTIONS)
    async with shared.open(), asyncio.TaskGroup() as readers:
        for action in plot:
            await asyncio.sleep(action.pause * TICK_S)
            match action:
                case Write(is_told=is_told):
                    row = world.commit(action)
                    if is_told:
                        await shared.put_newer(row)
                        world.learned.append((now_s(), row.key, row.at))
                case Read(leaves_after=leaves_after):
                    reader = readers.create_task(world.read(shared, action))
                    if leaves_after is not None:
                        loop = asyncio.get_running_loop()
                        loop.call_later((leaves_after + 0.5) * TICK_S, reader.cancel)
                    await asyncio.sleep(0)


def now_s() -> float:
    return asyncio.get_running_loop().time()


def row_at(key: AggregateKey, version: Version) -> ProductRow:
    return product_row(key.id, version.number, epoch=version.epoch)


def unfenced(world: World) -> list[Told]:
    """Who was told something from before she asked that does not cover her demand."""
    return [
        told
        for told in world.told
        if told.is_shared and not told.demand.is_covered_by(told.heard.answer)
    ]


def overheard(world: World) -> list[Told]:
    """Who may not share and was told something from before she asked."""
    return [told for told in world.told if told.is_shared and not told.demand.may_share]


def set_back(world: World) -> list[tuple[Told, Version]]:
    """Who was shown less by others' calls than this process had learned just before she asked."""
    return [
        (told, version)
        for told in world.told
        if told.is_shared and told.at is not None
        for at_s, key, version in world.learned
        if key == told.key
        and told.asked_at_s - OPTIONS.shown_s + INSTANT_S < at_s < told.asked_at_s
        and told.at < version
    ]


def too_old(world: World) -> list[Told]:
    """Who was shown less than the owner held when, as she was told, it was asked."""
    return [
        told
        for told in world.told
        if (held := world.version_at(told.key, told.heard.asked_at_s - INSTANT_S)) is not None
        and (told.at is None or told.at < held)
    ]

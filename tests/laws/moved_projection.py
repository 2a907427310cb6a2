"""A projection that all kinds of things happen to, for laws about what is read from it.

    await MovedProjection(store).take(Step("change", 3))

Few aggregates, so that what happens meets. Each kind of act is a method; its number says to what.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from random import Random
from typing import Final, Protocol

from hypothesis import strategies as st

from projections.dead_letters import DeadLetters
from projections.events import ParsedEvent
from projections.positions import LogPlace, Partition, SourcePosition
from projections.store import EventBatch, Store
from projections.versions import AggregateKey, AggregateType
from projections.views import OrderStatus, Row
from tests.builders.applying import apply_next
from tests.builders.rows import (
    PLACED_AT,
    change,
    customer_key,
    customer_row,
    order_key,
    order_row,
    poison,
    product_key,
    product_row,
    tombstone,
)
from tests.gateway_in_process import pass_time
from tests.projection_by_hand import wall_clock_s

KEYS: Final = (
    order_key("o-1"),
    order_key("o-2"),
    order_key("1"),
    customer_key("c-1"),
    customer_key("c-2"),
    product_key("p-1"),
    product_key("p-2"),
)
PAUSES_S: Final = (0.0625, 0.5, 2.0, 0.25, 3.0, 61.0)
PARTITION_COUNTS: Final = {"orders": 2, "customers": 1, "products": 1}

WEIGHTS: Final[Mapping[str, int]] = {
    "prove": 20,
    "change": 8,
    "pause": 6,
    "heal": 2,
    "repeat": 4,
    "bury": 1,
    "park": 1,
    "park_blindly": 1,
    "replay": 2,
    "fall_behind": 1,
    "start_over": 1,
    "near_the_minute": 2,
}
"""How often each kind of act comes."""

NO_MORE: Final[Mapping[str, int]] = {}


@dataclass(frozen=True, slots=True)
class Step:
    """One act, and which of all that it could be done to."""

    act: str
    which: int

    @property
    def key(self) -> AggregateKey:
        return KEYS[self.which % len(KEYS)]


def steps(more: Mapping[str, int] = NO_MORE) -> st.SearchStrategy[Step]:
    """Any step; acts of ``more`` names may be among them, so often."""
    acts = [act for act, weight in {**WEIGHTS, **more}.items() for _ in range(weight)]
    return st.builds(Step, st.sampled_from(acts), st.integers(0, 41))


def steps_of(seed: int, more: Mapping[str, int] = NO_MORE, *, count: int = 20) -> list[Step]:
    """So many that follow from a seed alone."""
    random = Random(seed)
    weights = {**WEIGHTS, **more}
    acts = random.choices(list(weights), list(weights.values()), k=count)
    return [Step(act, random.randrange(42)) for act in acts]


class MovedStore(Store, DeadLetters, Protocol):
    """What is moved."""


@dataclass
class MovedProjection:
    """The sources of one store, moved by steps; ``owned`` is the newest that their owners have."""

    store: MovedStore
    owned: dict[AggregateKey, Row | None] = field(default_factory=dict)
    numbers: dict[AggregateKey, int] = field(default_factory=dict)
    logs: dict[str, int] = field(default_factory=dict)
    offsets: dict[Partition, int] = field(default_factory=dict)
    _log_numbers: Iterator[int] = field(default_factory=lambda: count(1))

    async def begin(self) -> None:
        """Everything has one version, and all sources are proven current."""
        for of in AggregateType:
            self.logs[of.source] = next(self._log_numbers)
        for place in range(len(KEYS)):
            await self.change(Step("change", place))
        await self.prove(Step("prove", 0))

    async def take(self, step: Step) -> None:
        """Let it happen."""
        await getattr(self, step.act)(step)

    async def change(self, step: Step) -> None:
        """Its owner commits a new state, and the event arrives."""
        await self._arrive(step.key, change(self._commit(step)))

    async def repeat(self, step: Step) -> None:
        """The event of the newest state arrives, for the first time or again."""
        row = self.owned.get(step.key)
        at = self.numbers[step.key]
        event = tombstone(step.key, at) if row is None else change(row)
        await self._arrive(step.key, event)

    async def bury(self, step: Step) -> None:
        """Its owner deletes it, and the event arrives."""
        self.owned[step.key] = None
        await self._arrive(step.key, tombstone(step.key, self._next_number(step.key)))

    async def park(self, step: Step) -> None:
        """Its owner commits a state whose event cannot be read."""
        row = self._commit(step)
        await self._arrive(step.key, poison(step.key, row.version))

    async def park_blindly(self, step: Step) -> None:
        """An event of it arrives that does not even tell its version."""
        self._commit(step)
        await self._arrive(step.key, poison(step.key))

    async def replay(self, step: Step) -> None:
        """An event that was parked can be read now."""
        letters = await self.store.dead_letters(10)
        if letters:
            letter = letters[step.which % len(letters)]
            row = self.owned.get(letter.key)
            if row is not None:
                await self.store.replay(letter, change(row))

    async def heal(self, step: Step) -> None:
        """Its owner commits, and is asked, before the event arrives."""
        row = self._commit(step)
        await self.store.heal([row], age_s=(0.0, 0.5, 4.0)[step.which % 3])

    async def prove(self, step: Step) -> None:
        """The sources are read to their ends; now and then not all of them."""
        for place, of in enumerate(AggregateType):
            if step.which % 7 != place + 1:
                for partition in self._partitions(of.source):
                    await self._apply(partition, age_s=(0.0, 0.0, 1.0)[step.which % 3])

    async def fall_behind(self, step: Step) -> None:
        """One source turns out to have more events than were read."""
        [*partitions] = self._partitions(list(AggregateType)[step.which % 3].source)
        await self._apply(partitions[0], is_caught_up=False)

    async def start_over(self, step: Step) -> None:
        """One source has a new log; all of it is read, or nothing as yet."""
        source = list(AggregateType)[step.which % 3].source
        for partition in self._partitions(source):
            position = await self.store.position(partition)
            if position is not None:
                await self.store.forget(partition, position.cursor)
            self.offsets.pop(partition, None)
        self.logs[source] = next(self._log_numbers)
        if step.which % 2:
            await self.prove(Step("prove", 0))
            for place, key in enumerate(KEYS):
                if key.type.source == source:
                    await self.repeat(Step("repeat", place))

    async def pause(self, step: Step) -> None:
        """Nothing happens for a while."""
        await pass_time(PAUSES_S[step.which % len(PAUSES_S)])

    async def near_the_minute(self, step: Step) -> None:
        """A minute has nearly passed when the sources are proven."""
        await pass_time(59.75 - wall_clock_s() % 60 + 60 * (wall_clock_s() % 60 > 59.5))
        await self.prove(step)

    def place_of(self, key: AggregateKey) -> LogPlace:
        """How far the log of an aggregate is applied, up to here."""
        partition = self._partition_of(key)
        return LogPlace(self.logs[partition.source], self.offsets.get(partition, 0))

    def _commit(self, step: Step) -> Row:
        row = row_of(step.key, self._next_number(step.key), step.which)
        self.owned[step.key] = row
        return row

    def _next_number(self, key: AggregateKey) -> int:
        self.numbers[key] = self.numbers.get(key, 0) + 1
        return self.numbers[key]

    async def _arrive(self, key: AggregateKey, event: ParsedEvent) -> None:
        await self._apply(self._partition_of(key), event)

    async def _apply(
        self,
        partition: Partition,
        *events: ParsedEvent,
        age_s: float = 0.0,
        is_caught_up: bool = True,
    ) -> None:
        offset = self.offsets.get(partition, 0) + len(events)
        self.offsets[partition] = offset
        place = LogPlace(self.logs[partition.source], offset)
        cursor = f"{place.log}:{offset}"
        proven_at_s = wall_clock_s() - age_s
        position = SourcePosition(
            cursor, proven_at_s, is_caught_up, places={partition.index: place}
        )
        await apply_next(self.store, EventBatch(partition, None, events, position))

    def _partitions(self, source: str) -> list[Partition]:
        partition_count = PARTITION_COUNTS[source]
        return [Partition(source, index, partition_count) for index in range(partition_count)]

    def _partition_of(self, key: AggregateKey) -> Partition:
        partitions = self._partitions(key.type.source)
        return partitions[KEYS.index(key) % len(partitions)]


def row_of(key: AggregateKey, number: int, variant: int) -> Row:
    """A state of an aggregate; of an order, ``variant`` decides whose it is, of what, and how."""
    match key.type:
        case AggregateType.ORDER:
            return order_row(
                key.id,
                number,
                customer_id=f"c-{variant // 7 % 3 // 2 + 1}",
                status=list(OrderStatus)[variant % 2],
                note=f"100 % of {number}",
                placed_at=PLACED_AT + timedelta(minutes=KEYS.index(key)),
                product_ids=(("p-1",), ("p-1", "p-2"))[variant % 2],
            )
        case AggregateType.CUSTOMER:
            return customer_row(key.id, number, name=f"Ada the {number}th")
        case AggregateType.PRODUCT:
            return product_row(key.id, number, stock=number)

"""Many documents, a seed each, asked over many worlds: counted, and the first difference told.

The rule: the same seed writes the same document and draws the same worlds.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from tests.laws.plans.drawn_worlds import drawn_world
from tests.laws.plans.odd_documents import OddDocument
from tests.laws.plans.two_ways import Asked, House, Outcome, drawn_request
from tests.laws.plans.written_arguments import given
from tests.laws.plans.written_documents import Written, written

REQUESTS_EACH = 8
"""Requests to one document, if nothing else is said."""

SANE_SHARE = 0.6
"""Of all documents, and of the requests to each."""


@dataclass(frozen=True, slots=True)
class PlanBlock:
    """So many documents, from this seed on."""

    seed: int
    document_count: int
    requests_each: int = REQUESTS_EACH

    @property
    def request_count(self) -> int:
        """Requests to all of them."""
        return self.document_count * self.requests_each


@dataclass(slots=True)
class PlanTally:
    """What was asked. Sane is a request whose document, variables and rows are as they should be.

    ``planned_count``: the plan has answered by itself.
    """

    document_count: int = 0
    invalid_count: int = 0
    case_count: int = 0
    planned_count: int = 0
    sane_count: int = 0
    sane_planned_count: int = 0
    error_count: int = 0
    different_count: int = 0

    def count(self, outcome: Outcome, *, is_sane: bool) -> None:
        """Add one request."""
        self.case_count += 1
        self.planned_count += outcome.is_planned
        self.sane_count += is_sane
        self.sane_planned_count += is_sane and outcome.is_planned
        self.error_count += bool(outcome.reference.errors)
        self.different_count += bool(outcome.differences)

    def add(self, other: "PlanTally") -> None:
        """Add what was asked elsewhere."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(frozen=True, slots=True)
class PlanProof:
    """What became of a block. ``seed`` and ``story`` are those of the first difference, if any."""

    block: PlanBlock
    tally: PlanTally
    took_s: float
    seed: int | None = None
    story: str | None = None


def prove_plans(block: PlanBlock) -> PlanProof:
    """Ask all documents of a block, to the first that is answered in two ways."""
    return asyncio.run(_prove(block))


async def _prove(block: PlanBlock) -> PlanProof:
    house, tally, started_at_s = House(), PlanTally(), time.process_time()
    for seed in range(block.seed, block.seed + block.document_count):
        story = await ask_seed(house, seed, tally, block.requests_each)
        if story is not None:
            return PlanProof(block, tally, time.process_time() - started_at_s, seed, story)
    return PlanProof(block, tally, time.process_time() - started_at_s)


async def ask_seed(house: House, seed: int, tally: PlanTally, count: int) -> str | None:
    """The story of the first difference that this seed makes, in so many requests."""
    random = Random(seed)
    is_sane = random.random() < SANE_SHARE
    document = written(random, is_sane=is_sane)
    return await ask_document(house, document, random, tally, is_sane=is_sane, count=count)


async def ask_document(
    house: House,
    document: Written,
    random: Random,
    tally: PlanTally,
    *,
    is_sane: bool,
    count: int = REQUESTS_EACH,
) -> str | None:
    """Ask the operations of a document over some worlds; the story of the first difference."""
    tally.document_count += 1
    requests = requests_of(house, document, random, is_sane=is_sane, count=count)
    before = tally.case_count
    for asked, is_request_sane in requests:
        outcome = await house.ask(asked)
        tally.count(outcome, is_sane=is_request_sane)
        if outcome.differences:
            return story_of(asked, outcome)
    tally.invalid_count += tally.case_count == before
    return None


def requests_of(
    house: House, document: Written, random: Random, *, is_sane: bool, count: int
) -> Iterator[tuple[Asked, bool]]:
    """Some requests for each operation, and whether they are sane; none of an invalid document."""
    read = house.read(document.text)
    if read is None:
        return
    names = document.operation_names
    for number in range(count):
        name = names[number % len(names)]
        operation = read.operation(name)
        if operation is None:
            continue
        is_request_sane = is_sane and random.random() < SANE_SHARE
        variables = given(operation, random, is_sane=is_request_sane)
        world = drawn_world(random, is_sane=is_request_sane)
        yield drawn_request(read, name, variables, random, world), is_request_sane


def ask_by_hand(odd: OddDocument, world_count: int) -> str | None:
    """Ask a document written by hand over some worlds; the story of the first difference."""
    house, random = House(), Random(odd.name)
    read = house.read(odd.text)
    assert read is not None, f"{odd.name}: not a valid document"
    for number in range(world_count):
        world = drawn_world(random, is_sane=number % 2 == 0)
        asked = drawn_request(read, odd.operation_name, odd.variables, random, world)
        outcome = asyncio.run(house.ask(asked))
        if outcome.differences:
            return story_of(asked, outcome)
    return None


def story_of(asked: Asked, outcome: Outcome) -> str:
    """Everything needed to see a difference."""
    told = [
        asked.document.text,
        f"operation: {asked.operation_name}",
        f"variables: {asked.variables!r}",
        f"answered by: {'the plan' if outcome.is_planned else 'graphql-core, after the plan'}",
    ]
    if outcome.breach is not None:
        told.append(f"raised by the plan: {outcome.breach!r}")
    for name in set(outcome.differences) - {"breach"}:
        told += [
            f"{name}, by the plan:      {getattr(outcome.planned, name)}",
            f"{name}, by graphql-core:  {getattr(outcome.reference, name)}",
        ]
    told += [f"{key}: {part}" for key, part in asked.world.components.items()]
    return "\n".join(told)

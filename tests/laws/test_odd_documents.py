"""The differential law for documents written by hand, and for pages too long to be told of."""

import asyncio
from random import Random

import msgspec
import pytest

from resolvers.answer import Found
from tests.builders.rows import order_key
from tests.laws.plans import desk
from tests.laws.plans.drawn_worlds import World
from tests.laws.plans.odd_documents import LINES, ODD_DOCUMENTS, PAGE, OddDocument
from tests.laws.plans.proving import ask_by_hand
from tests.laws.plans.two_ways import Asked, House

HOUSE = House()
WORLD_COUNT = 20


@pytest.mark.parametrize("odd", ODD_DOCUMENTS, ids=lambda odd: odd.name)
def test_an_odd_document_is_answered_in_one_way(odd: OddDocument) -> None:
    """Whether rows are whole, missing, failed or odd themselves, nobody can tell who answered."""
    story = ask_by_hand(odd, WORLD_COUNT)

    assert story is None, f"answered in two ways:\n\n{story}"


ANSWERED_BY_CORE = {
    "a condition that is null against its default",
    "a condition that is missing",
    "a condition that is one, and no boolean",
    "a condition that cannot be a key",
    "a good page beside bad ones",
    "bad pages below a list",
    "a bad page at the root",
    "an id that cannot be one",
    "a required argument that is null by its variable",
    "no operation of that name",
    "several operations and none named",
    "consistency: eventual: false",
    "consistency: bounded: {maxStalenessMs: -1}",
    'consistency: atLeast: {tokens: ["?"]}',
    "consistency: live: true, eventual: true",
    "consistency: ",
    "a demand beside a root that ends it all",
    "the schema beside rows",
    "a mutation",
    "quotes and braces in literals",
    "more fields than a plan has",
}


@pytest.mark.parametrize("odd", ODD_DOCUMENTS, ids=lambda odd: odd.name)
def test_over_whole_rows_plans_answer_all_that_is_right(odd: OddDocument) -> None:
    """Only what is wrong with a request itself, or beyond plans, is left to graphql-core."""
    document = HOUSE.read(odd.text)
    assert document is not None
    world = World(Random(1), is_whole=True)

    outcome = asyncio.run(HOUSE.ask(Asked(document, odd.operation_name, odd.variables, world)))

    assert outcome.is_planned == (odd.name not in ANSWERED_BY_CORE)


def test_a_line_that_is_none_is_seen_though_nothing_of_it_is_shown() -> None:
    """The names of types need no row: that there is one is looked for all the same."""
    document = HOUSE.read(LINES)
    assert document is not None
    world = World(Random(1), is_whole=True)
    match world.components[order_key("o-1")]:
        case Found(row=row):
            msgspec.structs.force_setattr(row, "items", (None,))

    outcome = asyncio.run(HOUSE.ask(Asked(document, None, {}, world)))

    assert outcome.differences == []
    assert not outcome.is_planned


def test_more_rows_than_are_told_of_are_counted_alike() -> None:
    """Beyond the components that are told one by one, both ways count the same number."""
    pages = " ".join(f"a{n}: orders(first: {n}) {{ {PAGE} }}" for n in range(1, 80))
    document = HOUSE.read(f'{{ customer(id: "c-1") {{ {pages} }} }}')
    assert document is not None
    world = World(Random(1), is_whole=True)

    outcome = asyncio.run(HOUSE.ask(Asked(document, None, {}, world, desk.SEEN)))

    assert outcome.is_planned
    assert outcome.differences == []
    assert "componentsOmitted" in outcome.planned.consistency

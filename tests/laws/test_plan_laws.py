"""The differential law: whatever is asked over whatever rows, a plan answers as graphql-core does.

Data, errors with their paths and places, the order of keys, what is told of consistency, and what
is read for it. Documents follow from seeds (`tests/laws/plans`) or are made up by Hypothesis;
`python scripts/prove.py --plans 1000000` asks a million.
"""

import asyncio
import itertools
from random import Random
from typing import NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis_graphql import nodes, queries

from gateway.execution.arguments import Unproven
from gateway.execution.plan import Plan
from tests.laws.plans import desk
from tests.laws.plans.mutants import MUTANTS, Mutant
from tests.laws.plans.odd_documents import ODD_DOCUMENTS
from tests.laws.plans.proving import PlanBlock, PlanTally, ask_by_hand, ask_document, prove_plans
from tests.laws.plans.two_ways import House
from tests.laws.plans.written_documents import CORE, Written, written

DOCUMENT_COUNT = 100
LAST_SEED = 6 * DOCUMENT_COUNT
FIRST_SEEDS = range(1, LAST_SEED, DOCUMENT_COUNT)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

tokens = st.sampled_from((*desk.GOOD_TOKENS, *desk.EXPIRED_TOKENS, *desk.BAD_TOKENS))
HOUSE = House()


def ask(document: Written, random: Random, tally: PlanTally) -> str | None:
    return asyncio.run(ask_document(HOUSE, document, random, tally, is_sane=False))


@pytest.mark.parametrize("seed", FIRST_SEEDS)
def test_a_plan_answers_as_graphql_core_does(seed: int) -> None:
    """Over any rows, odd ones too, both ways of answering a document cannot be told apart.

    And it is the plan that answers, wherever nothing is odd.
    """
    proof = prove_plans(PlanBlock(seed, DOCUMENT_COUNT))

    tally = proof.tally
    print(f"seeds from {seed}: {tally}, {tally.case_count / proof.took_s:.0f} cases a second")
    assert proof.story is None, f"seed {proof.seed} is answered in two ways:\n\n{proof.story}"
    assert tally.case_count > 6 * DOCUMENT_COUNT
    assert tally.invalid_count < 0.05 * DOCUMENT_COUNT
    assert tally.sane_planned_count > 0.97 * tally.sane_count
    assert 0 < tally.planned_count < tally.case_count
    assert tally.error_count


@given(st.randoms(use_true_random=False))
@settings(max_examples=60)
def test_nor_does_a_document_that_hypothesis_writes_as_we_do(random: Random) -> None:
    """Nor do both ways differ where Hypothesis chooses the numbers, and makes them small."""
    story = ask(written(random, is_sane=False), random, PlanTally())

    assert story is None, f"answered in two ways:\n\n{story}"


@given(
    queries(CORE, custom_scalars={"ConsistencyToken": tokens.map(nodes.String)}),
    st.integers(0, 2**32),
)
@settings(max_examples=150)
def test_nor_does_a_document_that_hypothesis_writes_from_the_schema(text: str, seed: int) -> None:
    """Nor do they differ for documents that somebody else makes of our schema."""
    story = ask(Written(text, (None,)), Random(seed), PlanTally())

    assert story is None, f"answered in two ways:\n\n{story}"


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_law_sees_a_mistake(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a mistake in the making of plans, a document of this run is answered in two ways."""
    mutant.seed(monkeypatch)

    stories = itertools.chain(
        (prove_plans(PlanBlock(seed, 10)).story for seed in range(1, 51, 10)),
        (ask_by_hand(odd, 4) for odd in ODD_DOCUMENTS),
        (prove_plans(PlanBlock(seed, 50)).story for seed in range(51, LAST_SEED, 50)),
    )

    assert any(stories)


def test_plans_that_never_answer_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Handing everything on is no difference: it shows in how many requests plans answer."""
    monkeypatch.setattr(Plan, "render", raising_unproven)

    proof = prove_plans(PlanBlock(1, 20))

    assert proof.story is None
    assert proof.tally.sane_count
    assert proof.tally.planned_count == 0


def raising_unproven(*_: object) -> NoReturn:
    raise Unproven

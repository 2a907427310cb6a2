import pytest

from scripts.prove_plans import blocks_of, main, story_of
from tests.laws.plans.proving import PlanBlock, PlanProof, PlanTally


def test_as_many_requests_are_asked_as_were_wanted() -> None:
    """Blocks hold all documents that so many requests take, each seed once."""
    blocks = list(blocks_of(10_000, seed=7))

    seeds = [seed for of in blocks for seed in range(of.seed, of.seed + of.document_count)]
    assert seeds == list(range(7, 7 + len(seeds)))
    assert 10_000 <= sum(block.request_count for block in blocks) < 10_000 + 32


def test_a_story_tells_how_to_hear_it_again() -> None:
    """The command at its end asks the same document in the same way."""
    proof = PlanProof(PlanBlock(1, 9), PlanTally(), 0.1, seed=4, story="two ways")

    assert "again: python scripts/prove_plans.py --seed 4 --plans 32\n" in story_of(proof)
    assert list(blocks_of(32, seed=4)) == [PlanBlock(4, 1, 32)]


@pytest.mark.slow
def test_a_short_proof(capsys: pytest.CaptureFixture[str]) -> None:
    """The whole way through a process: asked, compared, counted."""
    code = main(["--plans", "64", "--processes", "1"])

    assert code == 0
    assert "answered in two ways" in capsys.readouterr().out

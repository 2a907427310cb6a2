"""The checkers are tested by bugs: each one seeded on purpose must be caught, by name, in time."""

from functools import cache
from pathlib import Path

import pytest

from tests.laws.proof.bugs import hunt
from tests.laws.proof.bugs.catalogue import ALL_BUGS
from tests.laws.proof.bugs.seeded import STORY_BUDGET_S, Bug

README = Path(__file__).parent / "proof" / "README.md"

each_bug = pytest.mark.parametrize("bug", ALL_BUGS, ids=lambda bug: bug.name)
catch = cache(hunt.catch)


@each_bug
def test_a_seeded_bug_is_caught_by_name(bug: Bug) -> None:
    """With the bug in the product, its own law is found broken, within its budget."""
    caught = catch(bug)

    assert caught.violation is not None, f"nobody has caught: {bug.told} Others: {caught.others}"
    assert caught.violation.law is bug.law
    assert caught.took_s <= STORY_BUDGET_S


@each_bug
def test_the_same_day_without_the_bug_breaks_no_law(bug: Bug) -> None:
    """Without the bug, the very same story keeps every promise."""
    stage = hunt.play(bug, is_seeded=False)

    assert stage.verdicts() == {}, "\n".join(stage.run.story)


@each_bug
def test_the_table_names_who_catches_the_bug(bug: Bug) -> None:
    """The page of the proof tells of every bug which checkers catch it, as they do."""
    checkers = ", ".join(f"`{name}`" for name in catch(bug).checkers)

    row = f"| {bug.name} | {bug.told} | {bug.law} | {checkers} |"

    assert row in README.read_text()

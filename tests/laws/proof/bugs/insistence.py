"""Insistence: what an owner has is had from it, even where a copy of it is behind.

Only for histories in which owners can be reached and honour ``Min-Version``: there a demanded
version that was committed can always be shown, so it is no excuse that an owner's copy lags.
"""

from collections.abc import Iterator

from tests.laws.proof.evidence import Evidence
from tests.laws.proof.owners import is_lost
from tests.laws.proof.violations import Law, Violation, broken


def owners_are_pressed(evidence: Evidence) -> Iterator[Violation]:
    """No answer names as missing what its owner had when the operation began."""
    for operation in evidence.history.operations:
        for key, at in ({} if operation.answer is None else operation.answer.missing).items():
            commit = evidence.owners.commit(key, at)
            if commit is None or commit.committed_at_s > operation.invoked_at_s:
                continue
            if not is_lost(commit, operation.returned_at_s):
                story = f"was told that {key} at {at} is missing, which its owner had"
                yield broken(Law.TRUTH, operation, story)

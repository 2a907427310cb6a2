"""Demands: nothing is shown that is older than what the operation sent, unless the answer says so.

This holds for the token alone, whoever sends it. An entry owes its version; a mark, an uncertain
write and the mode `live` owe what the owner had committed when the operation began. Entries that
nobody ever committed owe nothing: their holder is owed the truth, and no more.
"""

from collections.abc import Iterator
from math import inf
from typing import NamedTuple

from projections.versions import AggregateType, Version
from resolvers.answer import Source
from resolvers.demand import Live
from tests.laws.proof.evidence import Evidence
from tests.laws.proof.history import Answer, Key, Listed, Operation, Shown
from tests.laws.proof.listings import left_out
from tests.laws.proof.violations import Law, Violation, broken, shown_as


class Owed(NamedTuple):
    """A version that an operation demanded, and how."""

    at: Version
    why: str


def nothing_is_older_than_demanded(evidence: Evidence) -> Iterator[Violation]:
    """Every component and every page is as new as the token and the mode demand."""
    for operation in evidence.history.operations:
        for key, part in _looks(operation, evidence):
            for owed in _owed(operation, part, key, evidence):
                if evidence.is_broken_by(operation, part, key, owed.at):
                    left = f"did not find {key} in" if isinstance(part, Listed) else "was shown"
                    story = f"{left} {shown_as(part)}, although {owed.why} {owed.at}"
                    yield broken(Law.NO_SECRET_STALENESS, operation, story)
                    break


def _looks(operation: Operation, evidence: Evidence) -> Iterator[tuple[Key, Shown | Listed]]:
    answer = operation.answer or Answer()
    for shown in answer.shown:
        yield shown.key, shown
    named = operation.sent.entries.keys() | operation.sent.uncertain
    is_current = _current_at_s(operation, AggregateType.ORDER) is not None
    for page in answer.pages:
        for key in left_out(page, lambda key: is_current or key in named, evidence.owners):
            yield key, page


def _owed(
    operation: Operation, part: Shown | Listed, key: Key, evidence: Evidence
) -> Iterator[Owed]:
    entry = operation.sent.entries.get(key)
    made = None if entry is None else evidence.owners.commit(key, entry)
    if made is not None and made.committed_at_s <= operation.invoked_at_s:
        yield Owed(made.at, "its token demanded")
    current_at_s = _current_at_s(operation, key.type, key)
    # Any list is revised with what the owner says of an uncertain order.
    is_told_live = part.source is Source.LIVE or key in operation.sent.uncertain
    if current_at_s is None or (evidence.history.owners_may_lag and is_told_live):
        return
    newest = evidence.owners.newest_at(key, current_at_s - evidence.history.slack_s)
    if newest is not None:
        yield Owed(newest.at, f"by {current_at_s:.3f} s its owner had")


def _current_at_s(operation: Operation, of: AggregateType, key: Key | None = None) -> float | None:
    """The instant from which all commits are owed; None if none is."""
    is_live = isinstance(operation.mode, Live)
    if is_live or (key is not None and key in operation.sent.uncertain):
        return operation.invoked_at_s
    mark = operation.sent.marks.get(of, -inf)
    return min(mark, operation.invoked_at_s) if of in operation.sent.marks else None

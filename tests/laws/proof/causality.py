"""Writes follow reads, across aggregates: an order brings the world that its writer had seen.

Only of a causal read is it promised, and within one root field: whoever is shown the order is shown
its customer and its products no older than its writer had seen them.
"""

from collections.abc import Iterator
from typing import NamedTuple

from projections.versions import AggregateType, Version
from resolvers.demand import AtLeast
from tests.laws.proof.evidence import Evidence
from tests.laws.proof.history import Answer, Key, Operation, Shown
from tests.laws.proof.pasts import lives, written_by
from tests.laws.proof.violations import Law, Violation, broken, shown_as


class Cause(NamedTuple):
    """A version that an order needs beside it, and who needs it to be there."""

    at: Version
    why: str


Causes = dict[Key, Cause]


def orders_bring_their_causes(evidence: Evidence) -> Iterator[Violation]:
    """No causal read shows an order with a customer or product older than its writer had seen."""
    seen = seen_by_writers(evidence)
    for operation in evidence.history.operations:
        if operation.answer is not None and is_causal(operation):
            for order, shown, cause in _pairs(operation.answer, seen, evidence):
                if evidence.is_broken_by(operation, shown, shown.key, cause.at):
                    pair = f"was shown {shown_as(order)} with {shown_as(shown)}"
                    told = f"{pair}, although {cause.why} {cause.at}"
                    yield broken(Law.WRITES_FOLLOW_READS, operation, told)


def is_causal(operation: Operation) -> bool:
    """Did the client ask for orders with their causes?"""
    return isinstance(operation.mode, AtLeast) and operation.mode.is_causal


def seen_by_writers(evidence: Evidence) -> dict[tuple[Key, Version], Causes]:
    """Of each version of an order, what its writer had seen of all that the order refers to.

    Whoever is confirmed what was there before she asked has written nothing.
    """
    seen: dict[tuple[Key, Version], Causes] = {}
    for operation, past in lives(evidence.history, evidence.owners):
        for key, sight in written_by(operation).items():
            commit = evidence.owners.commit(key, sight.at)
            if commit is not None and commit.committed_at_s >= operation.invoked_at_s:
                why = f"its writer (operation {operation.number}) had seen"
                known = ((of, past.least(of)) for of in commit.refers_to)
                causes = {of: Cause(at, why) for of, at in known if at is not None}
                seen[key, sight.at] = causes
    return seen


def _pairs(
    answer: Answer, seen: dict[tuple[Key, Version], Causes], evidence: Evidence
) -> Iterator[tuple[Shown, Shown, Cause]]:
    """Every order shown, what is shown beside it, and what that owes to the order."""
    beside = {(shown.root, shown.key): shown for shown in answer.shown}
    for order in answer.shown:
        for key, cause in _causes_of(order, seen, evidence).items():
            if (shown := beside.get((order.root, key))) is not None:
                yield order, shown, cause


def _causes_of(order: Shown, seen: dict[tuple[Key, Version], Causes], evidence: Evidence) -> Causes:
    if order.key.type is not AggregateType.ORDER or order.version is None:
        return {}
    commit = evidence.owners.commit(order.key, order.version)
    if commit is None:
        return {}
    causes = {key: Cause(at, "the order depends on") for key, at in commit.depends_on.items()}
    for key, cause in seen.get((order.key, order.version), {}).items():
        if key not in causes or causes[key].at < cause.at:
            causes[key] = cause
    return causes

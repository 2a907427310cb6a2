"""Freshness: nothing is older than its age says, nor its age greater than was allowed.

An age is an upper bound: at most so long ago this was the owner's newest state. It is told at some
moment between the beginning and the end of an operation, so it is reckoned from the beginning.
"""

from collections.abc import Iterator
from math import inf
from typing import Final

from projections.versions import AggregateType
from resolvers.answer import Reason, Source
from resolvers.demand import AtLeast, Bounded
from resolvers.read_request import ReadOptions
from tests.laws.proof.evidence import Evidence
from tests.laws.proof.history import Key, Listed, Operation, Shown
from tests.laws.proof.listings import belongs, left_out
from tests.laws.proof.owners import Owners
from tests.laws.proof.truth import STALE
from tests.laws.proof.violations import Law, Violation, broken, shown_as

STALE_IF_ERROR_S: Final = ReadOptions().stale_if_error_s
OURS: Final = frozenset({"DEADLINE_EXCEEDED", "BULKHEAD_FULL"})
"""Failures that no owner need have a part in."""
CIRCUIT_S: Final = 60.0
"""How long a failure may be felt: in the window of a circuit, and in a break that has grown."""


def ages_are_true(evidence: Evidence) -> Iterator[Violation]:
    """What is shown was its owner's newest no longer ago than its age."""
    for operation in evidence.history.operations:
        if operation.answer is None:
            continue
        for shown in operation.answer.shown:
            if not (_is_behind_by_leave(evidence, shown) or _is_told_again(operation, shown)):
                ended_at_s = _ended_at_s(evidence.owners, shown, operation.returned_at_s)
                yield from _judged(evidence, operation, shown, ended_at_s, shown.key)
        for page in operation.answer.pages:
            if not _is_behind_by_leave(evidence, page):
                yield from _judged_page(evidence, operation, page)


def _is_behind_by_leave(evidence: Evidence, part: Shown | Listed) -> bool:
    return evidence.history.owners_may_lag and part.source is Source.LIVE


def _is_told_again(operation: Operation, shown: Shown) -> bool:
    """Is it what its owner answered to a write long ago, and answers to its repetition?"""
    is_repeated = any(write.is_repeated for write in operation.writes)
    return is_repeated and shown.reason is Reason.WRITE_RESULT


def _judged(
    evidence: Evidence, operation: Operation, part: Shown | Listed, ended_at_s: float, key: Key
) -> Iterator[Violation]:
    since_s = operation.invoked_at_s - ended_at_s
    if since_s > part.age_s + evidence.history.slack_s:
        what = f"without {key}" if isinstance(part, Listed) else ""
        story = f"was shown {shown_as(part)} {what} as {part.age_s:.3f} s old"
        told = f"{story.replace('  ', ' ')}, but it had been outdated for {since_s:.3f} s"
        yield broken(Law.FRESHNESS, operation, told)


def _ended_at_s(owners: Owners, shown: Shown, by_s: float) -> float:
    """When what is shown was last its owner's newest; infinity if it is so still."""
    if shown.version is not None:
        return owners.superseded_at_s(shown.key, shown.version, by_s)
    if not shown.is_absent:
        return inf
    return _absent_until_s(owners, shown.key, by_s, page=None)


def _absent_until_s(owners: Owners, key: Key, by_s: float, *, page: Listed | None) -> float:
    """When it was last not there, or not on this page, as far as it was so before ``by_s``."""
    ends = [owners.superseded_at_s(key, None, by_s)]
    for commit in reversed(owners.commits_of(key)):
        if commit.committed_at_s <= by_s and not belongs(commit, page):
            ends.append(owners.superseded_at_s(key, commit.at, by_s))
            break
    return max(ends)


def _judged_page(evidence: Evidence, operation: Operation, page: Listed) -> Iterator[Violation]:
    owners = evidence.owners

    def was_placed(key: Key) -> bool:
        return owners.commits_of(key)[0].committed_at_s < operation.invoked_at_s

    for key in left_out(page, was_placed, owners):
        ended_at_s = _absent_until_s(owners, key, operation.returned_at_s, page=page)
        yield from _judged(evidence, operation, page, ended_at_s, key)


def budgets_are_kept(evidence: Evidence) -> Iterator[Violation]:
    """The projection is shown only within the bound that the client, or its read model, sets."""
    for operation in evidence.history.operations:
        for part in () if operation.answer is None else operation.answer.parts:
            most_s = _allowed_s(evidence, operation, part)
            if part.age_s > most_s + evidence.history.slack_s:
                story = f"was shown {shown_as(part)}, {part.age_s:.3f} s old; {most_s} s is allowed"
                yield broken(Law.FRESHNESS, operation, story)


def stand_ins_are_excused(evidence: Evidence) -> Iterator[Violation]:
    """What is shown in place of a failure is so old at most, and its owner has failed indeed."""
    for operation in evidence.history.operations:
        for part in () if operation.answer is None else operation.answer.parts:
            is_stand_in = part.reason is Reason.STALE_IF_ERROR
            if is_stand_in != (part.instead_of is not None):
                story = f"was shown {shown_as(part)}, in place of {part.instead_of}"
                yield broken(Law.FRESHNESS, operation, story)
            if not is_stand_in:
                continue
            if part.age_s > STALE_IF_ERROR_S + evidence.history.slack_s:
                story = f"was shown {shown_as(part)}, {part.age_s:.3f} s old"
                yield broken(Law.FRESHNESS, operation, f"{story}; {STALE_IF_ERROR_S} s is allowed")
            if not (part.instead_of in OURS or _has_failed(evidence, operation, _type_of(part))):
                story = f"was shown {shown_as(part)}, and its owner had not failed"
                yield broken(Law.FRESHNESS, operation, story)


def _has_failed(evidence: Evidence, operation: Operation, of: AggregateType) -> bool:
    """Has a call failed by then, not so long ago that its circuit must be closed again?"""
    if evidence.history.failures is None:
        return True
    since_s = operation.invoked_at_s - CIRCUIT_S
    failed_at_s = evidence.history.failures.get(of, ())
    return any(since_s <= at_s <= operation.returned_at_s for at_s in failed_at_s)


def _type_of(part: Shown | Listed) -> AggregateType:
    return AggregateType.ORDER if isinstance(part, Listed) else part.key.type


def _allowed_s(evidence: Evidence, operation: Operation, part: Shown | Listed) -> float:
    if part.source is Source.LIVE or part.reason in STALE:
        return inf
    of = _type_of(part)
    match operation.mode:
        case Bounded(max_staleness_s=max_staleness_s):
            return max_staleness_s
        case AtLeast():
            return evidence.history.staleness_budgets_s[of]
        case _:
            return inf

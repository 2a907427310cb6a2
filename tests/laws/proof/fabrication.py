"""Fabrication: what is shown was committed by its owner, like that, before the answer returned.

And it hangs together: one root field shows one world, and a list is what a list must be.
"""

from collections.abc import Iterator

from projections.versions import AggregateType
from tests.laws.proof.evidence import Evidence
from tests.laws.proof.history import Commit, Key, Listed, Operation, Outcome, Shown
from tests.laws.proof.listings import belongs, positions
from tests.laws.proof.violations import Law, Violation, broken, shown_as


def nothing_is_fabricated(evidence: Evidence) -> Iterator[Violation]:
    """Every version that was shown or confirmed is a commit, with that state, from before."""
    for operation in evidence.history.operations:
        for shown in () if operation.answer is None else operation.answer.shown:
            if (fault := _fault_of(shown, operation, evidence)) is not None:
                story = f"was shown {shown_as(shown)}, {fault}"
                yield broken(Law.NO_FABRICATION, operation, story)
        yield from _invented_writes(operation, evidence)


def _fault_of(shown: Shown, operation: Operation, evidence: Evidence) -> str | None:
    """What is wrong with it, if anything is; an absence without a version tells too little."""
    if shown.version is None:
        return None
    commit = evidence.owners.commit(shown.key, shown.version)
    if commit is None:
        return f"and nobody ever committed {shown.version}"
    if commit.committed_at_s > operation.returned_at_s + evidence.history.slack_s:
        return f"committed only {commit.committed_at_s - operation.returned_at_s:.3f} s later"
    if shown.is_absent:
        return None if commit.state is None else f"although {shown.version} is no deletion"
    if commit.state is None:
        return f"although {shown.version} is its deletion"
    return _differing(shown, commit)


def _differing(shown: Shown, commit: Commit) -> str | None:
    state = commit.state or {}
    for name, value in shown.state.items():
        if state.get(name) != value:
            return f"with {name} {value!r}, but committed with {state.get(name)!r}"
    return None


def _invented_writes(operation: Operation, evidence: Evidence) -> Iterator[Violation]:
    by_s = operation.returned_at_s + evidence.history.slack_s
    for write in operation.writes:
        if write.outcome is not Outcome.CONFIRMED or write.key is None or write.version is None:
            continue
        commit = evidence.owners.commit(write.key, write.version)
        if commit is None or commit.committed_at_s > by_s:
            story = f"was told that {write.key} is at {write.version}, and its owner never was"
            yield broken(Law.NO_FABRICATION, operation, story)


def one_answer_is_one_world(evidence: Evidence) -> Iterator[Violation]:
    """No root field shows the same aggregate in two states."""
    for operation in evidence.history.operations:
        first: dict[tuple[str, Key], Shown] = {}
        for shown in () if operation.answer is None else operation.answer.shown:
            other = first.setdefault((shown.root, shown.key), shown)
            if (other.version, other.is_absent) != (shown.version, shown.is_absent):
                story = f"was shown {shown_as(other)} and {shown_as(shown)} in one answer"
                yield broken(Law.ONE_CUT, operation, story)


def lists_are_lists(evidence: Evidence) -> Iterator[Violation]:
    """A page has each of its orders once, newest first, no more than asked for, and only its own.

    An order that is shown on it belongs there as it is shown.
    """
    for operation in evidence.history.operations:
        for page in () if operation.answer is None else operation.answer.pages:
            for fault in (*_misshapen(page, evidence), *_strangers(page, operation, evidence)):
                yield broken(Law.LISTS, operation, f"was shown {shown_as(page)} {fault}")


def _misshapen(page: Listed, evidence: Evidence) -> Iterator[str]:
    if len(set(page.order_ids)) < len(page.order_ids):
        yield f"with an order twice: {', '.join(page.order_ids)}"
    if len(page.order_ids) > page.first:
        yield f"with {len(page.order_ids)} orders instead of {page.first}"
    standing = list(positions(page, evidence.owners))
    if standing != sorted(standing, reverse=True):
        yield f"out of order: {', '.join(page.order_ids)}"
    if page.after is not None and any(position >= page.after for position in standing):
        yield f"with orders of the page before: {', '.join(page.order_ids)}"


def _strangers(page: Listed, operation: Operation, evidence: Evidence) -> Iterator[str]:
    shown = (
        {}
        if operation.answer is None
        else {part.key: part.version for part in operation.answer.shown if part.root == page.root}
    )
    for order_id in page.order_ids:
        key = Key(AggregateType.ORDER, order_id)
        version = shown.get(key)
        known = evidence.owners.commit(key, version) if version is not None else None
        states = [known] if known is not None else evidence.owners.commits_of(key)
        if not any(belongs(state, page) for state in states):
            yield f"with {key}, which as {version or 'any version'} does not belong there"

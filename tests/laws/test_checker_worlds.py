"""The checkers on whole worlds: what has one copy is always right, and what is changed is not."""

from collections.abc import Iterator
from dataclasses import replace

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from projections.versions import Version
from tests.laws.proof.evidence import Evidence
from tests.laws.proof.history import Answer, History, Operation, Shown
from tests.laws.proof.pasts import lives
from tests.laws.proof.single_copy import SingleCopy, Step
from tests.laws.proof.verdict import as_if_carried, violations_of
from tests.laws.proof.violations import Law

WRITES = ("place", "annotate", "cancel", "delete", "rename", "restock")
READS = ("read", "read live", "list", "list placed")
WORLD = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.filter_too_much]
)
SESSION_LAWS = {Law.READ_YOUR_WRITES, Law.MONOTONIC_READS}


def steps(*verbs: str) -> st.SearchStrategy[list[Step]]:
    """Some steps of two sessions on few things."""
    step = st.tuples(st.sampled_from(verbs), st.sampled_from(["s", "t"]), st.integers(0, 3))
    return st.lists(step, min_size=4, max_size=24)


def told(taken: list[Step]) -> History:
    """What is told of these steps in a world with one copy of everything."""
    world = SingleCopy()
    for step in taken:
        world.take(step)
    return world.tale.history()


def amended(history: History, operation: Operation, answer: Answer) -> History:
    """The history with another answer of one operation."""
    operations = list(history.operations)
    operations[operation.number] = replace(operation, answer=answer)
    return replace(history, operations=tuple(operations))


def without(answer: Answer, shown: Shown) -> tuple[Shown, ...]:
    """All other components."""
    return tuple(part for part in answer.shown if part is not shown)


@WORLD
@given(steps(*WRITES, *READS, "lose"))
def test_a_world_with_one_copy_breaks_no_law(taken: list[Step]) -> None:
    """What is always answered from the only copy keeps every promise, losses included."""
    history = told(taken)

    assert violations_of(history) == []
    assert violations_of(as_if_carried(history)) == []


def knowingly_shown(history: History) -> Iterator[tuple[Operation, Answer, Shown]]:
    """What was shown just as it had been written or seen before, and could be shown older."""
    for operation, past in lives(history, Evidence(history).owners):
        answer = operation.answer
        for shown in () if answer is None or operation.writes else answer.shown:
            is_known = shown.version is not None and past.least(shown.key) == shown.version
            if answer is not None and is_known and shown.version and shown.version.number > 1:
                yield operation, answer, shown


@WORLD
@given(steps(*WRITES, *READS, *READS), st.data())
def test_a_version_turned_back_is_caught(taken: list[Step], data: st.DataObject) -> None:
    """Of what a session knew, any older version in any of its answers breaks a law of sessions."""
    history = told(taken)
    known = list(knowingly_shown(history))
    assume(known)
    operation, answer, shown = data.draw(st.sampled_from(known))
    assert shown.version is not None
    older = Version(shown.version.epoch, shown.version.number - 1)
    turned = (*without(answer, shown), replace(shown, version=older, state={}))

    found = violations_of(amended(history, operation, replace(answer, shown=turned)))

    assert {v.law for v in found if v.number == operation.number} & SESSION_LAWS
    assert all(str(shown.key) in v.story for v in found if v.law in SESSION_LAWS)


@WORLD
@given(steps(*WRITES, *READS), st.data())
def test_a_dropped_commit_is_caught(taken: list[Step], data: st.DataObject) -> None:
    """What was shown and no owner has committed is an invention."""
    history = told(taken)
    answers = [operation.answer for operation in history.operations if operation.answer]
    shown = {(p.key, p.version) for answer in answers for p in answer.shown if p.version}
    assume(shown)
    dropped = data.draw(st.sampled_from(sorted(shown)))
    kept = tuple(commit for commit in history.commits if (commit.key, commit.at) != dropped)

    found = violations_of(replace(history, commits=kept))

    assert Law.NO_FABRICATION in {violation.law for violation in found}


def known_on_pages(history: History) -> Iterator[tuple[Operation, Answer, str]]:
    """Orders that were known before they were listed on the first page of a whole list."""
    for operation, past in lives(history, Evidence(history).owners):
        known = {key.id for key in (*past.written, *past.seen, *past.paged)}
        for page in () if operation.answer is None else operation.answer.pages:
            if operation.answer and not page.has_more and page.status is None:
                yield from ((operation, operation.answer, o) for o in page.order_ids if o in known)


@WORLD
@given(steps("place", *WRITES, *READS, "list", "list"), st.data())
def test_an_order_taken_off_a_page_is_caught(taken: list[Step], data: st.DataObject) -> None:
    """An order that a session knew of and that nobody deleted cannot be left out of its list."""
    history = told(taken)
    known = list(known_on_pages(history))
    assume(known)
    operation, answer, order_id = data.draw(st.sampled_from(known))
    pages = tuple(
        replace(page, order_ids=tuple(o for o in page.order_ids if o != order_id))
        for page in answer.pages
    )
    shown = tuple(part for part in answer.shown if part.key.id != order_id)

    found = violations_of(amended(history, operation, replace(answer, shown=shown, pages=pages)))

    assert {v.law for v in found if v.number == operation.number} & SESSION_LAWS

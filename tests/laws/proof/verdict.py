"""The whole judgement: every law on one history.

Each law is a function of the evidence alone, so that they can be read, tested and blamed one by
one.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Final

from tests.laws.proof.causality import orders_bring_their_causes
from tests.laws.proof.convergence import Holdings, projection_converges
from tests.laws.proof.demands import nothing_is_older_than_demanded
from tests.laws.proof.evidence import Evidence
from tests.laws.proof.fabrication import (
    lists_are_lists,
    nothing_is_fabricated,
    one_answer_is_one_world,
)
from tests.laws.proof.freshness import ages_are_true, budgets_are_kept, stand_ins_are_excused
from tests.laws.proof.history import History, Operation
from tests.laws.proof.liveness import nobody_is_left_waiting, waits_end_in_time
from tests.laws.proof.sessions import sessions_never_go_back, writes_go_on
from tests.laws.proof.tokens import tokens_are_small, tokens_keep_promises
from tests.laws.proof.truth import the_answer_tells_the_truth
from tests.laws.proof.violations import Violation

Checker = Callable[[Evidence], Iterator[Violation]]

CHECKERS: Final[tuple[Checker, ...]] = (
    sessions_never_go_back,
    writes_go_on,
    orders_bring_their_causes,
    nothing_is_fabricated,
    one_answer_is_one_world,
    lists_are_lists,
    nothing_is_older_than_demanded,
    the_answer_tells_the_truth,
    ages_are_true,
    budgets_are_kept,
    stand_ins_are_excused,
    waits_end_in_time,
    tokens_keep_promises,
    tokens_are_small,
)


def violations_of(
    history: History, *, holdings: Holdings | None = None, waiter_count: int = 0
) -> list[Violation]:
    """Every broken promise, told checker by checker; empty if all were kept.

    ``holdings``: the projection after all has arrived; ``waiter_count``: those left at the end.
    """
    evidence = Evidence(history)
    found = [violation for checker in CHECKERS for violation in checker(evidence)]
    found.extend(nobody_is_left_waiting(waiter_count))
    if holdings is not None:
        found.extend(projection_converges(evidence, holdings))
    return found


def as_if_carried(history: History) -> History:
    """The same history, judged as if every operation had carried all that its session was told.

    The control: of sessions that leave their tokens at home, it tells what tokens are good for.
    """
    told: dict[str, list[Operation]] = {}
    operations = []
    for operation in history.operations:
        before = told.setdefault(operation.session, [])
        ended = [o.number for o in before if o.returned_at_s <= operation.invoked_at_s]
        operations.append(replace(operation, carried=tuple(ended)))
        before[:] = [o for o in before if o.number not in ended]
        before.append(operation)
    return replace(history, operations=tuple(operations))

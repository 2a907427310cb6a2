"""Liveness: waits end within their budget, and nobody is left waiting."""

from collections.abc import Iterator
from typing import Final

from tests.laws.proof.evidence import Evidence
from tests.laws.proof.violations import Law, Violation, broken

OVERRUN_S: Final = 0.02
"""How much longer than its budget a wait may last (s): a busy loop wakes late."""


def waits_end_in_time(evidence: Evidence) -> Iterator[Violation]:
    """No operation waits longer than it was allowed, nor says that it waited longer than it ran."""
    for operation in evidence.history.operations:
        if (answer := operation.answer) is None:
            continue
        if answer.waited_s > answer.wait_budget_s + OVERRUN_S:
            story = f"waited {answer.waited_s:.3f} s; {answer.wait_budget_s:.3f} s was allowed"
            yield broken(Law.LIVENESS, operation, story)
        ran_s = operation.returned_at_s - operation.invoked_at_s
        if answer.waited_s > ran_s + evidence.history.slack_s:
            story = f"says that it waited {answer.waited_s:.3f} s, and was over in {ran_s:.3f} s"
            yield broken(Law.TRUTH, operation, story)


def nobody_is_left_waiting(waiter_count: int) -> Iterator[Violation]:
    """When all operations are over there is no waiter."""
    if waiter_count:
        yield Violation(Law.LIVENESS, f"{waiter_count} waiters are left, and nobody awaits them")

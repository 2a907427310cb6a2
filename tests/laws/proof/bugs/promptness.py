"""Promptness: nobody waits for what the projection has already shown to somebody.

Only for histories in which no store loses what it held and no announcement gets lost: there the
grouped look, which comes after 12.5 ms at the earliest, must have nothing to find.
"""

from collections.abc import Iterator
from typing import Final

from projections.versions import Version
from resolvers.answer import Source
from tests.laws.proof.history import History, Key, Operation
from tests.laws.proof.violations import Law, Violation, broken

OVERHEAD_S: Final = 0.005
"""How much later than its row a waiter may be released (s)."""


def nobody_waits_for_what_is_there(history: History) -> Iterator[Violation]:
    """No wait goes on once all that its token demands has been shown from the projection."""
    for operation in history.operations:
        answer, demanded = operation.answer, operation.sent.entries
        if answer is None or not answer.waited_s or not demanded:
            continue
        shown_at_s = [_shown_at_s(history, operation, key, at) for key, at in demanded.items()]
        known = [at_s for at_s in shown_at_s if at_s is not None]
        if len(known) < len(shown_at_s):
            continue
        needed_s = max(0.0, max(known) - operation.invoked_at_s)
        if answer.waited_s > needed_s + OVERHEAD_S:
            named = ", ".join(f"{key} at {at}" for key, at in demanded.items())
            story = f"waited {answer.waited_s:.3f} s for {named}, which was there"
            yield broken(Law.LIVENESS, operation, f"{story} after {needed_s:.3f} s")


def _shown_at_s(history: History, but: Operation, key: Key, at: Version) -> float | None:
    """When another operation was first shown the version, or a later one, by the projection."""
    return min(
        (
            operation.returned_at_s
            for operation in history.operations
            if operation is not but and operation.answer is not None
            for shown in operation.answer.shown
            if shown.key == key
            and shown.source is Source.PROJECTION
            and shown.version is not None
            and shown.version >= at
        ),
        default=None,
    )

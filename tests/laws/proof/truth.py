"""Truth: `extensions.consistency` says what really happened.

`satisfied` is false exactly when something was held back, missing, or shown although it was too
old; `missing` names exactly the entries that were not reached; a reason fits its source.
"""

from collections.abc import Iterator
from operator import attrgetter
from typing import Final

from projections.versions import AggregateType
from resolvers.answer import Reason, Source
from resolvers.demand import Live
from resolvers.upstream.options import SharingOptions
from tests.laws.proof.causality import is_causal
from tests.laws.proof.evidence import Evidence, may_be_stale, may_be_stood_in
from tests.laws.proof.history import Answer, Operation
from tests.laws.proof.pasts import written_by
from tests.laws.proof.violations import Law, Violation, broken, shown_as

HELD_BACK: Final = "CONSISTENCY_TIMEOUT"
SHARED_S: Final = SharingOptions().shown_s + SharingOptions().extension_s
"""How long (s) before an operation its answer may have been asked for: it was kept for a moment, or
the call of somebody else was joined, which lasts no longer than its first reader can wait."""

OF_THE_PROJECTION: Final = frozenset(
    {Reason.DEFAULT, Reason.TOKEN_REACHED, Reason.TOKEN_REACHED_AFTER_WAIT, Reason.STALE_ALLOWED}
)
OF_EITHER: Final = Reason.STALE_IF_ERROR
"""A row of the projection stands in for a failure, or an answer that was kept."""
STALE: Final = frozenset({Reason.STALE_ALLOWED, Reason.STALE_IF_ERROR})


def the_answer_tells_the_truth(evidence: Evidence) -> Iterator[Violation]:
    """What the answer says of itself is so."""
    for operation in evidence.history.operations:
        if operation.answer is not None:
            for lie in (
                *_false_satisfaction(operation, operation.answer),
                *_false_names(operation, operation.answer),
                *_untold(operation, operation.answer),
                *_false_reasons(operation, operation.answer),
            ):
                yield broken(Law.TRUTH, operation, lie)


def _false_satisfaction(operation: Operation, answer: Answer) -> Iterator[str]:
    is_stale = any(part.reason in STALE for part in answer.parts)
    is_short = is_stale or bool(answer.missing) or HELD_BACK in answer.errors
    if answer.is_satisfied and is_short:
        why = "names what is missing" if answer.missing else "shows or holds back what is too old"
        yield f"was told that it is satisfied, by an answer that {why}"
    # What was shown too old may have gone with the data, when a later write failed.
    is_told_why = is_short or _may_pass_over(operation, answer) or not answer.has_data
    if not (answer.is_satisfied or is_told_why):
        yield "was told that it is not satisfied, and not why"


def _may_pass_over(operation: Operation, answer: Answer) -> bool:
    """May a list lack an order because nobody knows how its last write ended?"""
    is_uncertain = any(key.type is AggregateType.ORDER for key in operation.sent.uncertain)
    return is_uncertain and bool(answer.pages) and may_be_stale(operation)


def _false_names(operation: Operation, answer: Answer) -> Iterator[str]:
    """What is named as missing was demanded, and is not shown or, at one place at least, older.

    Where a field has failed, it is that field that lacks it.
    """
    told = [part for part in answer.shown if part.version is not None]
    shown = {part.key: part for part in sorted(told, key=attrgetter("version"), reverse=True)}
    own = {key: sight.at for key, sight in written_by(operation).items()}
    for key, at in answer.missing.items():
        if at not in (operation.sent.entries.get(key), own.get(key)) and not is_causal(operation):
            yield f"was told that {key} at {at} is missing, which it never demanded"
        part = shown.get(key)
        is_shown = part is not None and part.version is not None and part.version >= at
        if part is not None and is_shown and not answer.errors:
            yield f"was told that {key} at {at} is missing, and was shown {shown_as(part)}"


def _untold(operation: Operation, answer: Answer) -> Iterator[str]:
    """What was demanded and is shown older is named, unless the token itself doubts it."""
    for part in answer.shown:
        at = operation.sent.entries.get(part.key)
        if at is None or part.version is None or part.key in operation.sent.doubts:
            continue
        if part.version < at and part.key not in answer.missing:
            yield f"was shown {shown_as(part)}, and not told that {at} is missing"


def _false_reasons(operation: Operation, answer: Answer) -> Iterator[str]:
    took_s = operation.returned_at_s - operation.invoked_at_s
    for part in answer.parts:
        is_projected = part.reason in OF_THE_PROJECTION
        if part.reason is not OF_EITHER and is_projected != (part.source is Source.PROJECTION):
            yield f"was shown {shown_as(part)}, which cannot be"
        if part.reason is Reason.STALE_ALLOWED and not may_be_stale(operation):
            yield f"was shown {shown_as(part)}, which it had not allowed"
        if part.reason is Reason.STALE_IF_ERROR and not may_be_stood_in(operation):
            yield f"was shown {shown_as(part)}, and had asked for proof or an error"
        if isinstance(operation.mode, Live) and part.source is not Source.LIVE:
            yield f"was shown {shown_as(part)}, and had asked the owners"
        is_live = part.source is Source.LIVE and part.reason is not OF_EITHER
        if is_live and part.age_s > took_s + SHARED_S:
            yield f"was shown {shown_as(part)}, {part.age_s} s old"

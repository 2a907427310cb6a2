"""What a proof was about, in figures: so that nobody takes a run in which nothing happened for one.

Pure.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from resolvers.answer import Reason
from tests.laws.proof.history import Answer, Operation
from tests.laws.proof.real.run import Proof
from tests.laws.proof.truth import HELD_BACK
from tests.laws.proof.violations import Law

Figure = tuple[str, str, str]
"""Of what, which, and how much."""

NO_ANSWER: Final = "no answer"


def figures_of(proof: Proof) -> Iterator[Figure]:
    """All figures, group by group."""
    operations = proof.history.operations
    yield from _times(proof)
    yield from _counted("write ended", (w.outcome for o in operations for w in o.writes))
    yield from _counted("shown from", _provenances(operations))
    yield from _counted("wait ended", filter(None, map(_wait_end, _answers(operations))))
    yield from _counted("error", _errors(operations))
    yield from _counted("fault", Counter(proof.struck).elements())
    broken = Counter(violation.law for violation in proof.violations)
    yield from (("violation", law.value, f"{broken[law]:,}") for law in Law)
    yield "violation", "all", f"{len(proof.violations):,}"


def _times(proof: Proof) -> Iterator[Figure]:
    operations = proof.history.operations
    took_s = sorted(o.returned_at_s - o.invoked_at_s for o in operations)
    yield "operation", "all", f"{len(operations):,}"
    yield "operation", "of which write", f"{sum(bool(o.writes) for o in operations):,}"
    yield "operation", "a second", f"{len(operations) / proof.lived_s:.0f}"
    yield "operation", "p50", _ms(took_s, 0.5)
    yield "operation", "p99", _ms(took_s, 0.99)
    yield "commit", "all, demo included", f"{len(proof.history.commits):,}"
    lengths = [len(answer.token_text or "") for answer in _answers(operations)]
    yield "token", "longest", f"{max(lengths, default=0):,} characters"
    yield "duration", "of the sessions", f"{proof.lived_s:.0f} s"
    yield "duration", "of the judgement", f"{proof.judged_s:.0f} s"


def _ms(ordered_s: Sequence[float], share: float) -> str:
    return f"{ordered_s[int(share * (len(ordered_s) - 1))] * 1000:,.0f} ms" if ordered_s else "–"


def _counted(group: str, named: Iterable[str]) -> Iterator[Figure]:
    for name, count in Counter(named).most_common():
        yield group, name, f"{count:,}"


def _answers(operations: Iterable[Operation]) -> Iterator[Answer]:
    return (operation.answer for operation in operations if operation.answer is not None)


def _provenances(operations: Iterable[Operation]) -> Iterator[str]:
    for answer in _answers(operations):
        for part in answer.parts:
            yield f"{part.source.value} {part.reason.value}"


def _errors(operations: Iterable[Operation]) -> Iterator[str]:
    for operation in operations:
        yield from (NO_ANSWER,) if operation.answer is None else operation.answer.errors


def _wait_end(answer: Answer) -> str | None:
    """How the answer's wait ended, as far as the client can tell; None if there was none."""
    if not answer.waited_s:
        return None
    reasons = {part.reason for part in answer.parts}
    if Reason.TOKEN_REACHED_AFTER_WAIT in reasons:
        return "reached"
    if HELD_BACK in answer.errors:
        return "in an error"
    return "stale" if Reason.STALE_ALLOWED in reasons else "at the owner"

"""What became of the requests of an overload, and what that comes to. Pure.

Everything counts from the instant at which a request was due, so a server that stands still cannot
hide the requests that it kept from being sent.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

PATIENCE_S: Final = 1.0
"""What is answered later is good for nobody: half of the deadline of the gateway."""

NORMAL_FOR_S: Final = 0.5
"""It is normal again when everything that is due in so long a time is answered in time."""

SETTLING_S: Final = 0.5
"""The first of a load, which is not counted."""

REFUSED: Final = 503


@dataclass(frozen=True, slots=True)
class Outcome:
    """One request: when it was due, since the first, how long it took (s), and its HTTP status.

    ``is_whole``: an answer without errors, or a refusal that says when to return.
    """

    due_s: float
    took_s: float
    status: int
    is_whole: bool

    @property
    def is_good(self) -> bool:
        return self.status == 200 and self.is_whole and self.took_s <= PATIENCE_S


def goodput(outcomes: Sequence[Outcome], begin_s: float, end_s: float) -> float:
    """Good answers a second to what was due in between."""
    good_count = sum(outcome.is_good for outcome in outcomes if begin_s <= outcome.due_s < end_s)
    return good_count / (end_s - begin_s)


def refusals(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Those that were refused for overload."""
    return [outcome for outcome in outcomes if outcome.status == REFUSED]


def normal_after_s(outcomes: Sequence[Outcome], since_s: float) -> float:
    """How long after that instant it was normal again; up to the last request if never."""
    later = sorted(
        (outcome for outcome in outcomes if outcome.due_s >= since_s), key=lambda of: of.due_s
    )
    normal_from_s = since_s
    for outcome in later:
        if outcome.due_s - normal_from_s >= NORMAL_FOR_S:
            break
        if not outcome.is_good:
            normal_from_s = outcome.due_s
    return normal_from_s - since_s

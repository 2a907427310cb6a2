"""What has become of requests, in plain numbers that are counted as they are answered.

The rule: nothing here knows how it will be shown, and to count costs no more than adding. Every
operation that is answered is counted once: among ``refused`` if the door did not let it in, by its
way and outcome if it did. While metrics are off, those at hand are not.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

from gateway.admission.bills import Cost
from gateway.admission.limits import Limit
from gateway.admission.rate import RateLimit
from gateway.errors import ErrorCode
from gateway.ways import OUTCOMES, WAYS, Outcome, Way
from projections.waiters import WaitEnd
from resolvers.answer import Reason
from resolvers.report import ConsistencyReport
from resolvers.upstream.durations import Durations

BOUNDS_S: Final = (
    *(0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005),
    *(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)
"""From what an answer at hand takes to more than the deadline of a request."""

DOOR_CODES: Final = (
    *(ErrorCode.OVERLOADED, ErrorCode.BODY_TOO_LARGE, ErrorCode.BODY_TIMEOUT),
    *(ErrorCode.BAD_REQUEST, ErrorCode.NOT_ACCEPTABLE, ErrorCode.CROSS_SITE_REFUSED),
    *(ErrorCode.HEAD_TOO_LARGE, ErrorCode.HEAD_TIMEOUT, ErrorCode.RATE_LIMITED),
    *(ErrorCode.UNAUTHENTICATED, ErrorCode.UPSTREAM_UNAVAILABLE),
    ErrorCode.TOO_MANY_SUBSCRIPTIONS,
)
"""With which a request is refused before it is let in."""


LIMITS: Final = tuple(limit.value for limit in (*Limit, *RateLimit))
"""Every limit of a document, and of a client."""


class OperationCounts:
    """Those of one gateway. ``took``: how long those that were let in took, by way."""

    def __init__(self) -> None:
        self.took: Mapping[Way, Durations] = {way: Durations(BOUNDS_S) for way in WAYS}
        self._failed: Counter[tuple[Way, Outcome]] = Counter()
        self.errors: dict[ErrorCode, int] = dict.fromkeys(ErrorCode, 0)
        self.refused: dict[ErrorCode, int] = dict.fromkeys(DOOR_CODES, 0)
        self.exceeded: dict[str, int] = dict.fromkeys(LIMITS, 0)
        self.estimated_cost = 0
        self.actual_cost = 0
        self.ready_cost = 0
        self.left_count = 0
        self.waits: Counter[WaitEnd] = Counter()
        self.waited_s = 0.0
        self.unsatisfied_count = 0
        self.stale_count = 0
        self.expired_count = 0
        self.dropped_count = 0

    @property
    def outcomes(self) -> dict[tuple[Way, Outcome], int]:
        """How many were answered in each way, with each outcome."""
        counted = {
            (way, outcome): self._failed[way, outcome] for way in WAYS for outcome in OUTCOMES
        }
        for way in WAYS:
            failed_count = counted[way, "errors"] + counted[way, "request_error"]
            counted[way, "ok"] = self.took[way].count - failed_count
        return counted

    def answered(self, way: Way, outcome: Outcome, took_s: float) -> None:
        """One that was let in has its answer, after so long (s)."""
        self.took[way].note(took_s)
        if outcome != "ok":
            self._failed[way, outcome] += 1

    def refused_for(self, limit: str | None) -> None:
        """A document was refused, for this limit if for any."""
        if limit is not None:
            self.exceeded[limit] += 1

    def turned_away(self, code: ErrorCode) -> None:
        """One was not let in."""
        self.refused[code] += 1

    def shown(self, report: ConsistencyReport, cost: Cost, *, expired_count: int) -> None:
        """One was run: what it waited for and showed, and how many of its tokens had expired."""
        self.estimated_cost += cost.estimated
        self.actual_cost += cost.actual
        self.waits.update(report.waits)
        self.waited_s += report.waited_s
        self.unsatisfied_count += not report.is_satisfied
        self.expired_count += expired_count
        self.stale_count += report.is_stale_shown and any(
            shown.provenance.reason is Reason.STALE_IF_ERROR for shown in report.shown
        )

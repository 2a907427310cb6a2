"""What became of the calls to one service, in plain numbers that the layers count themselves.

Nothing is decided by them. They are read now and then, by whoever shows them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from resolvers.upstream.durations import Durations
from resolvers.upstream.errors import (
    DeadlineExceeded,
    InvalidAnswer,
    Rejected,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
    VersionBehind,
)
from resolvers.upstream.transport import CallKind

AttemptResult = Literal[
    "answered",
    "unavailable",
    "timeout",
    "deadline",
    "invalid_answer",
    "behind",
    "rejected",
    "called_off",
]
ATTEMPT_RESULTS: Final[tuple[AttemptResult, ...]] = get_args(AttemptResult)
"""The last: nobody wanted the answer any more, or a mistake of ours ended the attempt."""

RESULT_OF: Final[Mapping[type[UpstreamError], AttemptResult]] = {
    UpstreamUnavailable: "unavailable",
    UpstreamTimeout: "timeout",
    DeadlineExceeded: "deadline",
    InvalidAnswer: "invalid_answer",
    VersionBehind: "behind",
    Rejected: "rejected",
}

BOUNDS_S: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""From a service next door to more than any attempt may take by default."""


@dataclass(slots=True)
class Attempts:
    """The attempts of one kind, each from being sent to its end."""

    results: dict[AttemptResult, int] = field(
        default_factory=lambda: dict.fromkeys(ATTEMPT_RESULTS, 0)
    )
    took: Durations = field(default_factory=lambda: Durations(BOUNDS_S))

    def note(self, result: AttemptResult, took_s: float) -> None:
        """One has ended so, after so long (s)."""
        self.results[result] += 1
        self.took.note(took_s)


KindCounts = dict[CallKind, int]


def no_calls() -> KindCounts:
    """None of any kind so far."""
    return dict.fromkeys(CallKind, 0)


@dataclass(frozen=True, slots=True)
class Traffic:
    """By kind of call: attempts, repetitions, second calls; and calls that were not made, and why.

    Kinds of which there was no attempt are not among ``attempts``.
    """

    attempts: Mapping[CallKind, Attempts]
    retried: Mapping[CallKind, int]
    hedged: Mapping[CallKind, int]
    circuit_open: Mapping[CallKind, int]
    bulkhead_full: Mapping[CallKind, int]

"""What a component shows when its owner fails. Pure: one table, read from top to bottom.

    projection or owner, by demand (`read_path`) › what is at hand, flagged › null and an error

| the caller asked for | the owner | then |
| --- | --- | --- |
| `live`, `bounded`, `onTimeout: ERROR` | whatever | the error: that was the wish |
| anything else | refused, or is behind a demanded version | the error: it is well |
| anything else | failed, was too slow, or could not be asked | the newest of what is at hand |

At hand are a row or page of the projection and an answer that was kept. Neither is shown that is
older than the limit, older than demanded, or in doubt: of what has been parked nobody can say how
old it is, and the same holds for a projection that has never been read to its end. Of two that are
equally new the one that was confirmed later is shown.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from projections.versions import Version
from resolvers.demand import AtLeast, Bounded, Demand, Eventual, Live, OnTimeout
from resolvers.upstream.errors import (
    BulkheadFull,
    CircuitOpen,
    DeadlineExceeded,
    InvalidAnswer,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)

OWNER_FAILED: Final[tuple[type[UpstreamError], ...]] = (
    UpstreamUnavailable,
    UpstreamTimeout,
    InvalidAnswer,
    DeadlineExceeded,
    CircuitOpen,
    BulkheadFull,
)
"""RFC 5861's errors: nobody has said how it is. Who refuses, or lags, has said something."""


class Rung(StrEnum):
    """What is shown in place of an answer that could not be had."""

    PROJECTED = "PROJECTED"
    KEPT = "KEPT"
    ERROR = "ERROR"


@dataclass(frozen=True, slots=True)
class Offer:
    """Something at hand: at most so old (s), and at this version, where it has one.

    ``is_new_enough``: it meets all that the caller's tokens, and the answer itself, demand of it.
    ``is_trusted``: nothing of it has been parked.
    """

    age_s: float
    at: Version | None = None
    is_new_enough: bool = True
    is_trusted: bool = True


def may_stand_in(demand: Demand, failure: Exception) -> bool:
    """May anything be shown in place of this failure?"""
    match demand.mode:
        case Live() | Bounded():
            return False
        case AtLeast() | Eventual():
            is_refusal_wanted = demand.on_timeout is OnTimeout.ERROR
            return isinstance(failure, OWNER_FAILED) and not is_refusal_wanted


def choose_rung(projected: Offer | None, kept: Offer | None, *, limit_s: float) -> Rung:
    """The highest rung that holds; ``limit_s`` is the age (s) beyond which nothing is shown."""
    holding = [
        (offer, rung)
        for offer, rung in ((projected, Rung.PROJECTED), (kept, Rung.KEPT))
        if offer is not None and _holds(offer, limit_s)
    ]
    if not holding:
        return Rung.ERROR
    _, rung = max(holding, key=lambda held: _newness(held[0]))
    return rung


def _holds(offer: Offer, limit_s: float) -> bool:
    return offer.is_new_enough and offer.is_trusted and offer.age_s < limit_s


def _newness(offer: Offer) -> tuple[Version, float]:
    return offer.at or Version(0, 0), -offer.age_s

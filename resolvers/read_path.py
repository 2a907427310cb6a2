"""The choice between projection and composition, for each component, with its reason. Pure.

First by type, before anything is read: may the projection answer for this type at all? Then by row,
when the cut is there: is this row new enough for what is demanded of it?
"""

from dataclasses import dataclass

from projections.positions import SourcePosition
from projections.projector import StoredRow
from projections.token import ConsistencyToken
from projections.versions import AggregateType, Version
from resolvers.answer import Reason
from resolvers.demand import AtLeast, Bounded, Demand, Eventual, Live, OnTimeout


@dataclass(frozen=True, slots=True)
class Projection:
    """The read model may answer; ``reason`` is why, for a row without a demand of its own."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class Composition:
    """The owning service is asked. ``at_least``: the version its answer must have reached."""

    reason: Reason
    at_least: Version | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    """The read model is too old and the caller wants to hear of it rather than wait or go live."""


ReadPath = Projection | Composition | Refused


def choose_for_type(
    demand: Demand, aggregate_type: AggregateType, position: SourcePosition | None, *, now_s: float
) -> ReadPath:
    """May the projection answer for this type? ``now_s`` is wall-clock seconds.

    ``position`` is None where the source was never read.
    """
    if isinstance(demand.mode, Live):
        return Composition(Reason.LIVE_REQUESTED)
    if position is None or not position.is_caught_up:
        return Composition(Reason.PROJECTION_BUILDING)
    if isinstance(demand.mode, Bounded) and age_s(position, now_s) > demand.mode.max_staleness_s:
        return _when_too_old(demand, Reason.TOO_STALE, None)
    if is_overflowed(demand.token, aggregate_type, position):
        return _when_too_old(demand, Reason.TOKEN_NOT_REACHED, None)
    return Projection(Reason.DEFAULT)


def choose_for_row(
    demand: Demand,
    path: Projection,
    stored: StoredRow | None,
    at_least: Version | None,
    *,
    is_suspect: bool,
) -> ReadPath:
    """Is this row of a usable projection new enough? ``at_least`` is its entry in the token.

    Absence is never proof: a missing row is asked for live, demanded or not, unless the caller said
    that the projection's word will do.
    """
    if is_suspect:
        return Composition(Reason.PARKED, at_least)
    if at_least is not None and (stored is None or stored.at < at_least):
        return _when_too_old(demand, Reason.TOKEN_NOT_REACHED, at_least)
    if stored is None and not isinstance(demand.mode, Eventual):
        return Composition(Reason.NOT_PROJECTED)
    if at_least is not None and path.reason is Reason.DEFAULT:
        return Projection(Reason.TOKEN_REACHED)
    return path


def wait_budget_s(demand: Demand, *, cap_s: float, time_left_s: float, reserve_s: float) -> float:
    """How long this demand may wait for the projection, in seconds; 0 means: do not.

    ``reserve_s`` is kept for going live afterwards.
    """
    match demand.mode:
        case AtLeast(max_wait_s=float() as max_wait_s):
            wanted_s = max_wait_s
        case AtLeast() | Bounded():
            wanted_s = cap_s
        case Eventual() | Live():
            return 0.0
    return max(0.0, min(wanted_s, cap_s, time_left_s - reserve_s))


def may_catch_up(position: SourcePosition | None, *, now_s: float, stalled_after_s: float) -> bool:
    """Is waiting for this source worth it: is it caught up and still being read?"""
    return (
        position is not None and position.is_caught_up and age_s(position, now_s) <= stalled_after_s
    )


def age_s(position: SourcePosition, now_s: float) -> float:
    """How old (s) the projection of a source may be at most."""
    return max(0.0, now_s - position.proven_at_s)


def is_overflowed(
    token: ConsistencyToken, aggregate_type: AggregateType, position: SourcePosition
) -> bool:
    """Did the token have to drop entries of this type that the projection may not hold yet?"""
    minute = token.overflow.get(aggregate_type)
    if minute is None:
        return False
    proven = position.current_since_minute
    return proven is None or proven <= minute


def _when_too_old(demand: Demand, reason: Reason, at_least: Version | None) -> ReadPath:
    match demand.on_timeout:
        case OnTimeout.LIVE:
            return Composition(reason, at_least)
        case OnTimeout.STALE:
            return Projection(Reason.STALE_ALLOWED)
        case OnTimeout.ERROR:
            return Refused()

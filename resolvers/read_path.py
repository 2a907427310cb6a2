"""The choice between projection and composition, for each component, with its reason. Pure.

First by type, before anything is read: may the projection answer for this type at all? Then by row,
when the cut is there: is this row new enough for what is demanded of it?
"""

from math import inf

from msgspec import Struct

from projections.positions import SourcePosition
from projections.projector import StoredRow
from projections.store import Cut
from projections.token import demand_for_keys, satisfies
from projections.versions import AggregateType, Version
from resolvers.answer import Reason
from resolvers.demand import AtLeast, Bounded, Demand, Eventual, Live, OnTimeout


class Projection(Struct, frozen=True):
    """The read model may answer; ``reason`` is why, for a row without a demand of its own."""

    reason: Reason


class Composition(Struct, frozen=True):
    """The owning service is asked. ``at_least``: the version its answer must have reached.

    ``may_share``: an answer that was asked for by somebody else will do, if it has reached that.
    """

    reason: Reason
    at_least: Version | None = None
    may_share: bool = False


class Refused(Struct, frozen=True):
    """The read model is too old and the caller wants to hear of it rather than wait or go live."""


ReadPath = Projection | Composition | Refused


def choose_for_type(
    demand: Demand, aggregate_type: AggregateType, cut: Cut, *, now_s: float, budget_s: float
) -> ReadPath:
    """May the projection answer for this type? ``now_s`` is wall-clock seconds.

    ``budget_s`` is the staleness budget of its read model. Marks and floors are never waited for:
    who has not reached a floor has lost writes, or is another one.
    """
    if isinstance(demand.mode, Live):
        return Composition(Reason.LIVE_REQUESTED)
    position = cut.positions.get(aggregate_type.source)
    if position is None or not position.is_caught_up:
        return Composition(Reason.PROJECTION_BUILDING)
    if isinstance(demand.mode, Bounded) and age_s(position, now_s) > demand.mode.max_staleness_s:
        return _when_too_old(demand, Reason.TOO_STALE)
    if not satisfies(cut, demand_for_keys(demand.token, (), types=(aggregate_type,))):
        return _when_too_old(demand, Reason.TOKEN_NOT_REACHED)
    if isinstance(demand.mode, AtLeast) and age_s(position, now_s) > budget_s:
        return _when_too_old(demand, Reason.BUDGET_SPENT)
    return Projection(Reason.DEFAULT)


def choose_for_row(
    demand: Demand,
    path: Projection,
    stored: StoredRow | None,
    at_least: Version | None,
    *,
    is_suspect: bool,
    is_uncertain: bool,
) -> ReadPath:
    """Is this row of a usable projection new enough? ``at_least`` is what is demanded of it.

    ``is_uncertain``: the caller has written it and does not know whether it was done. Absence is
    never proof: a missing row is asked for live, demanded or not, unless the caller said that the
    projection's word will do.
    """
    if is_suspect:
        return Composition(Reason.PARKED, at_least)
    if is_uncertain:
        return _when_too_old(demand, Reason.OUTCOME_UNKNOWN, at_least)
    if at_least is not None and (stored is None or stored.at < at_least):
        return _when_too_old(demand, Reason.TOKEN_NOT_REACHED, at_least)
    if stored is None and not isinstance(demand.mode, Eventual):
        return Composition(Reason.NOT_PROJECTED)
    if at_least is not None and path.reason is Reason.DEFAULT:
        return Projection(Reason.TOKEN_REACHED)
    return path


def age_s(position: SourcePosition, now_s: float) -> float:
    """How old (s) the projection of a source may be at most."""
    return max(0.0, now_s - position.proven_at_s)


def row_age_s(position: SourcePosition | None, stored: StoredRow | None, now_s: float) -> float:
    """How old (s) what the projection holds may be at most; infinite where nothing proves it.

    A healed row was the owner's newest when it was fetched, whatever the stream shows.
    """
    is_proven = position is not None and position.is_caught_up
    age = age_s(position, now_s) if position is not None and is_proven else inf
    if stored is None or stored.healed_at_s is None:
        return age
    return min(age, max(0.0, now_s - stored.healed_at_s))


def _when_too_old(demand: Demand, reason: Reason, at_least: Version | None = None) -> ReadPath:
    match demand.on_timeout:
        case OnTimeout.LIVE:
            return Composition(reason, at_least)
        case OnTimeout.STALE:
            return Projection(Reason.STALE_ALLOWED)
        case OnTimeout.ERROR:
            return Refused()

"""Every component against its source: what the store held, what the owners said, and since when.

Ages are upper bounds, told at some moment of the operation, so they are reckoned from its
beginning. Whether a source's own proof is true is not looked at: a test moves the feeds by hand.
"""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from math import inf
from typing import Any

from projections.versions import AggregateType
from projections.views import Row
from resolvers.answer import Reason, Source
from resolvers.demand import AtLeast, Bounded, Demand
from tests.truth.cases import SLACK_S, Case, Happened, Part
from tests.truth.claims import Component, Sight
from tests.truth.missing import is_unmet
from tests.truth.world import Word

Json = Any

NOT_IN_ROWS = frozenset({"__typename"})


def components_come_from_their_source(case: Case) -> Iterator[str]:
    """The store held what the projection shows; an owner was asked for, and said, what is live."""
    for part in case.parts:
        if not part.is_found:
            is_live = part.component.source is Source.LIVE
            yield f"shows {part}, which {'no owner said' if is_live else 'the store never held'}"


def live_is_new_enough(case: Case) -> Iterator[str]:
    """What is older than demanded even so is what this operation itself was told."""
    assert case.happened is not None
    for part in case.parts:
        at = part.demand.token.entries.get(part.key)
        is_short = at is not None and (part.at is None or part.at < at)
        if part.component.source is not Source.LIVE or not is_short or not part.is_found:
            continue
        own = case.happened.world.words_in(case.happened.stretch, shared=False)
        if not any(_tells(word, part) for word in own):
            yield f"shows {part}, older than {at}, and did not ask its owner itself"


def _tells(word: Word, part: Part) -> bool:
    number = part.component.number
    is_told = any(row.key == part.key and row.version == number for row in word.rows)
    return is_told or word.is_unread or (number is None and part.key in word.absent)


def pages_come_from_their_source(case: Case) -> Iterator[str]:
    """A live list was asked for by this operation itself."""
    assert case.happened is not None
    words = list(case.happened.world.words_in(case.happened.stretch, shared=False))
    for page in case.pages:
        if page.source is Source.LIVE and not any(word.is_page for word in words):
            yield f"shows {page}, which no owner said"


def data_are_those_of_the_row(case: Case) -> Iterator[str]:
    """Every field shows what its source said."""
    by_place = {(part.component.path, part.key.id): part for part in case.parts}
    for sight in case.claim.sights:
        part = by_place.get((sight.path, sight.id or ""))
        if part is not None and part.rows and not any(_shows(sight, row) for row in part.rows):
            yield f"shows {part} with {dict(sight.state)}, which nobody said"


def _shows(sight: Sight, row: Row) -> bool:
    return all(
        _is_same(value, getattr(row, _snake(name)))
        for name, value in sight.state.items()
        if name not in NOT_IN_ROWS
    )


def _snake(name: str) -> str:
    return "placed_at" if name == "placedAt" else name


def _is_same(shown: Json, true: object) -> bool:
    match true:
        case Decimal():
            return Decimal(shown) == true
        case datetime():
            return datetime.fromisoformat(shown) == true
        case _:
            return bool(shown == true)


def ages_are_true(case: Case) -> Iterator[str]:
    """Nothing is older than its age says."""
    assert case.happened is not None
    for part in case.parts:
        since_s = _claimed_s(case.happened, part.component)
        if part.component.source is Source.LIVE:
            asked_s = max(_asked_s(case, part), default=inf)
            if part.is_found and asked_s < since_s - SLACK_S:
                yield f"shows {part}, asked for {since_s - asked_s:.3f} s earlier than its age says"
        elif not _is_vouched_for(case.happened, part, since_s - SLACK_S):
            yield f"shows {part}, {part.component.age_s} s old, and it is older"
    for page in case.pages:
        since_s = _claimed_s(case.happened, page)
        if page.source is Source.PROJECTION and _proven_s(case.happened, page) < since_s - SLACK_S:
            yield f"shows {page}, {page.age_s} s old, and it is older"


def _claimed_s(happened: Happened, component: Component) -> float:
    """The instant (s of the loop) at which the component says it was its owner's newest."""
    return happened.stretch.began.at_s - component.age_s


def _asked_s(case: Case, part: Part) -> Iterator[float]:
    words = case.words(part.component, part.demand)
    return (word.asked.at_s for word in words if _tells(word, part))


def _is_vouched_for(happened: Happened, part: Part, since_s: float) -> bool:
    """Has the source proven that instant, or had the owner nothing newer then?"""
    if _proven_s(happened, part.component) >= since_s:
        return True
    stored = happened.world.stored(part.key, happened.stretch)
    is_healed = any(one is not None and one.healed_at_s is not None for one in stored)
    owned = happened.world.owned.get(part.key)
    if not is_healed or owned is None or part.at is None:
        return False
    newer = [when.at_s for when, row in owned.since(0) if row is None or row.at > part.at]
    return min(newer, default=inf) >= since_s


def _proven_s(happened: Happened, component: Component) -> float:
    """The latest instant (s of the loop) that the source had proven by the end."""
    if component.type is None:
        return -inf
    position = happened.world.position(component.type, happened.stretch.ended.tick)
    return -inf if position is None else position.proven_at_s - happened.world.loop_started_at_s


def reasons_are_true(case: Case) -> Iterator[str]:
    """What a reason says was so."""
    assert case.happened is not None
    for component in (*(part.component for part in case.parts), *case.pages):
        if why_not := _why_false(case, case.happened, component):
            yield f"has {component}, although {why_not}"


def _why_false(case: Case, happened: Happened, component: Component) -> str | None:
    """Why the reason cannot be; of the others nothing can be known from here."""
    match component.reason:
        case Reason.DEFAULT | Reason.TOKEN_REACHED | Reason.TOKEN_REACHED_AFTER_WAIT:
            return _why_not_reached(case, component)
        case Reason.TOKEN_NOT_REACHED | Reason.OUTCOME_UNKNOWN:
            return _why_not_short(case, component)
        case Reason.PROJECTION_BUILDING | Reason.TOO_STALE | Reason.BUDGET_SPENT:
            return _why_not_old(case, happened, component)
        case _:
            return _why_not_lost(happened, component)


def _why_not_reached(case: Case, component: Component) -> str | None:
    if component.key is None or case.is_chained:
        return None
    demand = case.sent.demand_at(component.path)
    if component.reason is Reason.DEFAULT:
        is_plain = component.key not in demand.token.entries
        is_moot = is_plain or case.is_refuted(demand.token, component.key)
        return None if is_moot else "an entry demanded it"
    is_written = case.sent.document.is_mutation  # each write is an entry from then on
    is_demanded = is_written or component.key in case.may_demand(component.path).entries
    return None if is_demanded or _is_causal(demand) else f"no entry names {component.key}"


def _why_not_short(case: Case, component: Component) -> str | None:
    demand = case.sent.demand_at(component.path)
    if component.reason is Reason.OUTCOME_UNKNOWN:
        is_known = component.key not in case.may_demand(component.path).uncertain
        is_read = not case.sent.document.is_mutation  # writes become uncertain on the way
        return "nobody called it uncertain" if is_known and is_read else None
    is_owed = is_unmet(case, component) or _is_causal(demand)
    return None if is_owed else "the store had all that was demanded"


def _is_causal(demand: Demand) -> bool:
    """Then an order may demand what no token does."""
    return isinstance(demand.mode, AtLeast) and demand.mode.is_causal


def _why_not_lost(happened: Happened, component: Component) -> str | None:
    world = happened.world
    match component.reason:
        case Reason.NOT_PROJECTED if component.key is not None:
            is_held = None not in world.stored(component.key, happened.stretch)
            return "the store held it" if is_held else None
        case Reason.PARKED:
            is_of_a_list = component.type is AggregateType.ORDER  # any order may belong there
            parked = {key.type for key in world.parked} if is_of_a_list else world.parked
            is_parked = (component.type if is_of_a_list else component.key) in parked
            return None if is_parked else "nothing of it was parked"
        case Reason.PROJECTION_UNAVAILABLE:
            return None if world.lost_count else "the store has answered every time"
        case Reason.PROJECTION_OFF:
            return "there is a projection" if world.has_projection else None
        case _:
            return None


def _why_not_old(case: Case, happened: Happened, component: Component) -> str | None:
    assert component.type is not None
    demand = case.sent.demand_at(component.path)
    world, (began, ended) = happened.world, happened.stretch
    before = world.position(component.type, began.tick)
    after = world.position(component.type, ended.tick)
    if component.reason is Reason.PROJECTION_BUILDING:
        is_known = all(at is not None and at.is_caught_up for at in (before, after))
        return "its source had been read to its end" if is_known else None
    oldest_s = world.wall_s(ended) - (before.proven_at_s if before else 0.0)
    limit_s = world.budgets_s[component.type]
    if isinstance(demand.mode, Bounded):
        limit_s = demand.mode.max_staleness_s
    return f"it was no older than {limit_s} s" if oldest_s + SLACK_S < limit_s else None

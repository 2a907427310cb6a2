"""`missing` and `satisfied` against the tokens: who is shown less than she demanded is told so.

What a list may have left out is not seen here: that needs all that its owner has.
"""

from collections.abc import Iterator
from math import inf

from projections.token import demand_for_keys, unmet
from projections.versions import AggregateKey, AggregateType, Version
from resolvers.answer import Reason, Source
from resolvers.demand import AtLeast, Bounded, Demand, Live
from tests.truth.cases import NOT_RUN, SLACK_S, Case, Happened, Part, types_of
from tests.truth.claims import Component
from tests.truth.shapes import value_of


def what_is_older_is_missing(case: Case) -> Iterator[str]:
    """Every component that is older than an entry of its field is named, with that entry."""
    for part in case.parts:
        at = part.demand.token.entries.get(part.key)
        if at is None or case.is_refuted(part.demand.token, part.key) or _is_unknown(part):
            continue
        named = case.claim.missing.get(part.key)
        if (part.at is None or part.at < at) and (named is None or named < at):
            yield f"shows {part}, and does not tell that {at} is missing"


def _is_unknown(part: Part) -> bool:
    """Is only a number known, and not of which epoch?"""
    return part.at is None and part.component.number is not None


def what_is_missing_was_demanded(case: Case) -> Iterator[str]:
    """Only entries of the caller's own tokens, writes and causes are named."""
    # An order may demand its causes, and a write what those before it have seen.
    is_open = case.is_chained or any(_is_causal(demand) for demand in case.ran.values())
    for key, at in case.claim.missing.items():
        owed = {demand.token.entries.get(key) for demand in case.ran.values()}
        if case.sent.document.is_mutation:
            # A write that the projection holds by now may be below a floor of what was handed out.
            owed |= {case.got.entries.get(key), case.promised.entries.get(key)}
        if at not in owed and not is_open:
            yield f"calls {key} at {at} missing, which nobody demanded"
        elif (greatest := _greatest_unmet(case, key)) is not None and at < greatest:
            yield f"calls {key} at {at} missing, and not {greatest}"


def _greatest_unmet(case: Case, key: AggregateKey) -> Version | None:
    older = [
        at
        for part in case.parts
        if part.key == key
        and (at := part.demand.token.entries.get(key)) is not None
        and not (case.is_refuted(part.demand.token, key) or _is_unknown(part))
        and (part.at is None or part.at < at)
    ]
    return max(older, default=None)


def what_is_shown_is_not_missing(case: Case) -> Iterator[str]:
    """Nothing is named that every field that demanded it has shown."""
    for key, at in case.claim.missing.items():
        fields = {name for name, demand in case.ran.items() if demand.token.entries.get(key) == at}
        showing = {
            part.component.path.partition(".")[0]
            for part in case.parts
            if part.key == key and part.at is not None and part.at >= at
        }
        if fields and fields <= showing:
            yield f"calls {key} at {at} missing, and shows it"


def what_failed_is_missing(case: Case) -> Iterator[str]:
    """A row that was asked for by name, demanded, and could not be had is named."""
    for name, demand in case.ran.items():
        root = case.sent.document.roots[name]
        if case.sent.document.is_mutation or root.type is None or "id" not in root.arguments:
            continue
        failed = [error for error in case.errors_at(name) if error.code not in NOT_RUN]
        key = AggregateKey(root.type, str(value_of(root.arguments["id"], case.sent.variables)))
        at = demand.token.entries.get(key)
        if not failed or at is None or case.is_refuted(demand.token, key):
            continue
        if case.claim.missing.get(key, Version(0, 0)) < at:
            yield f"could not show {key}, and does not tell that {at} is missing"


def what_is_stale_says_so(case: Case) -> Iterator[str]:
    """What the projection shows satisfies marks, floors and bounds, or says that it does not."""
    for component in (*(part.component for part in case.parts), *case.pages):
        demand = case.sent.demand_at(component.path)
        if component.source is Source.LIVE or component.reason is Reason.STALE_ALLOWED:
            continue
        if why := _why_stale(case, component, demand):
            yield f"shows {component}, although {why}"


def stale_is_what_it_says(case: Case) -> Iterator[str]:
    """What is called stale is short of something."""
    if case.happened is None:
        return
    for component in (*(part.component for part in case.parts), *case.pages):
        demand = case.sent.demand_at(component.path)
        if component.reason is Reason.STALE_ALLOWED and not _may_be_short(case, component, demand):
            yield f"calls {component} stale, which is short of nothing"


def _why_stale(case: Case, component: Component, demand: Demand) -> str | None:
    match demand.mode:
        case Live():
            return "its owner was asked for"
        case Bounded(max_staleness_s=bound_s) if component.age_s > bound_s + SLACK_S:
            return f"only {bound_s} s were allowed"
    if component.key in demand.token.uncertain and not case.is_chained:
        return "nobody knows what became of its last write"
    if case.happened is None or component.type is None:
        return None
    return _why_stale_here(case.happened, component.type, component, demand)


def _why_stale_here(
    happened: Happened, of: AggregateType, component: Component, demand: Demand
) -> str | None:
    owed = types_of(demand.token, of)
    if not owed.is_empty and all(not unmet(g, owed).is_empty for g in happened.glances):
        return "the store had not reached the marks and floors that were sent"
    budget_s = inf if component.is_stand_in else happened.world.budgets_s[of]
    if isinstance(demand.mode, AtLeast) and component.age_s > budget_s + SLACK_S:
        return f"its staleness budget of {budget_s} s is spent"
    return None


def _may_be_short(case: Case, component: Component, demand: Demand) -> bool:
    """May anything have been too old, at the beginning or at the end?"""
    assert case.happened is not None
    if component.key in demand.token.uncertain or component.type is None:
        return True
    before, _ = case.happened.glances
    world, ended = case.happened.world, case.happened.stretch.ended
    proven_at_s = before.proven_at_s(component.type)
    oldest_s = world.wall_s(ended) - (proven_at_s or 0.0) + SLACK_S
    match demand.mode:
        case Bounded(max_staleness_s=bound_s) if oldest_s > bound_s:
            return True
        case AtLeast() if oldest_s > world.budgets_s[component.type]:
            return True
    return is_unmet(case, component)


def is_unmet(case: Case, component: Component) -> bool:
    """Did the store lack anything demanded of this component, before the operation or after it?"""
    assert case.happened is not None
    token = case.may_demand(component.path)
    keys = () if component.key is None else (component.key,)
    types = () if component.type is None else (component.type,)
    owed = demand_for_keys(token, keys, types=types)
    return any(not unmet(glance, owed).is_empty for glance in case.happened.glances)


def _is_causal(demand: Demand) -> bool:
    return isinstance(demand.mode, AtLeast) and demand.mode.is_causal

"""What an answer must not say whatever has happened: its parts contradict each other.

Each check yields one line for each untruth. What is told of more than a hundred components is only
their number; where some are left out, nothing is said of what is not told.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from gateway.errors import UPSTREAM_CODES
from projections.versions import AggregateType
from projections.waiters import WaitEnd
from resolvers.answer import Reason, Source
from resolvers.demand import AtLeast, Bounded, Demand, Eventual, Live, OnTimeout
from resolvers.read_request import ReadOptions
from resolvers.report import MAX_SHOWN
from resolvers.upstream.failures import MEANINGS
from tests.truth.cases import SLACK_S, Case
from tests.truth.claims import Component
from tests.truth.shapes import CONNECTION

CAP_S: Final = 0.25
WAIT_SLACK_S: Final = 0.02
BUSY_MACHINE_S: Final = 10.0
"""How late a wait may be found out to be over where time is real, and processes may stand still."""
MAX_TOKEN_CHARACTERS: Final = 1024
HELD_BACK: Final = "CONSISTENCY_TIMEOUT"
OF_THE_PROJECTION: Final = frozenset(
    {Reason.DEFAULT, Reason.TOKEN_REACHED, Reason.TOKEN_REACHED_AFTER_WAIT, Reason.STALE_ALLOWED}
)
OF_EITHER: Final = Reason.STALE_IF_ERROR
STALE: Final = frozenset({Reason.STALE_ALLOWED, Reason.STALE_IF_ERROR})
FAILURES: Final = frozenset(
    UPSTREAM_CODES[failure].value for failure, meaning in MEANINGS.items() if meaning.may_stand_in
)
STAND_IN_S: Final = ReadOptions().stale_if_error_s
MODES_OF: Final = {
    Reason.LIVE_REQUESTED: Live,
    Reason.TOO_STALE: Bounded,
    Reason.BUDGET_SPENT: AtLeast,
    Reason.NOT_PROJECTED: AtLeast | Bounded,
}
"""Where a reason can be given; where nothing is said, in every mode but `live`."""
WAITED: Final = frozenset({WaitEnd.REACHED, WaitEnd.TIMED_OUT})
AFTER_A_WAIT: Final = WAITED | {WaitEnd.STORE_LOST, WaitEnd.PARKED}


def components_are_those_of_the_data(case: Case) -> Iterator[str]:
    """Every object of the data is told once, with the version that it shows."""
    by_path: dict[str, list[Component]] = {}
    for component in case.claim.components:
        by_path.setdefault(component.path, []).append(component)
        if not _is_asked_for(case, component):
            yield f"tells of {component}, which nobody asked for"
    for place, count in Counter((c.path, c.key) for c in case.claim.components).items():
        if count > 1 and place[1] is not None:
            yield f"tells of {place[0]} ({place[1]}) more than once"
    for sight in case.claim.sights:
        told = by_path.get(sight.path, [])
        own = [c for c in told if sight.id is None or (c.key and c.key.id == sight.id)]
        if not own and not case.claim.omitted_count:
            yield f"shows {sight.path} ({sight.id}) and tells nothing of it"
        shown = sight.state.get("version")
        if shown is not None and own and shown not in {c.number for c in own}:
            yield f"shows {sight.path} ({sight.id}) at {shown}, and tells of {own[0].number}"


def _is_asked_for(case: Case, component: Component) -> bool:
    """Is there such a field? A payload's own resource is told of in any case."""
    _, _, rest = component.path.partition(".")
    is_payload = case.sent.document.is_mutation and rest in set(AggregateType)
    return is_payload or case.sent.document.field_at(component.path) is not None


def pages_are_those_of_the_data(case: Case) -> Iterator[str]:
    """Every list that is shown is told."""
    told = {c.path for c in case.claim.components if c.key is None}
    if not case.claim.omitted_count:
        yield from (f"shows {path} and tells nothing of it" for path in case.claim.pages - told)
    for path in sorted(told):
        of = case.sent.document.field_at(path)
        if of is None or of.name != CONNECTION:
            yield f"tells of {path} as of a page"


def _may_pass_over(case: Case) -> bool:
    """May a list lack an order because nobody knows how its last write ended?"""
    demands = [case.sent.demand_at(path) for path in case.claim.pages]
    return any(
        key.type is AggregateType.ORDER for demand in demands for key in demand.token.uncertain
    )


def satisfied_is_what_the_rest_says(case: Case) -> Iterator[str]:
    """`satisfied` is false exactly if something is missing, shown too old, or held back."""
    claim = case.claim
    is_stale = any(c.reason in STALE for c in claim.components)
    is_held_back = any(error.code == HELD_BACK for error in claim.errors)
    is_short = bool(claim.missing) or is_stale or is_held_back
    if claim.is_satisfied and is_short:
        yield "says it is satisfied, and misses, shows or holds back what is too old"
    if not (claim.is_satisfied or is_short or claim.omitted_count or _may_pass_over(case)):
        yield "says it is not satisfied, and not why"


def reasons_fit(case: Case) -> Iterator[str]:
    """Every reason fits its source, its mode and its operation."""
    for component in case.claim.components:
        demand, reason = case.sent.demand_at(component.path), component.reason
        is_projected = reason in OF_THE_PROJECTION
        if reason is not OF_EITHER and is_projected != (component.source is Source.PROJECTION):
            yield f"has {component}, which cannot be"
        if component.is_stand_in != (component.instead_of in FAILURES):
            yield f"has {component}, in place of {component.instead_of}"
        if component.is_stand_in and component.age_s > STAND_IN_S:
            yield f"has {component}, {component.age_s} s old"
        if not _fits(reason, demand, is_mutation=case.sent.document.is_mutation):
            yield f"has {component}, for a demand of {demand.mode}"
        # A wait may be for more than one field needs, and time out when that has come.
        if reason is Reason.TOKEN_REACHED_AFTER_WAIT and not case.claim.waits.keys() & WAITED:
            yield f"has {component}, and tells of no wait"


def _fits(reason: Reason, demand: Demand, *, is_mutation: bool) -> bool:
    mode = demand.mode
    match reason:
        case Reason.WRITE_RESULT:
            return is_mutation
        case Reason.STALE_ALLOWED:
            return demand.on_timeout is OnTimeout.STALE
        case Reason.STALE_IF_ERROR:
            is_refusal_wanted = demand.on_timeout is OnTimeout.ERROR
            return isinstance(mode, AtLeast | Eventual) and not is_refusal_wanted
        case Reason.CAUSE_NOT_REACHED:
            return isinstance(mode, AtLeast) and mode.is_causal
        case _:
            return isinstance(mode, MODES_OF.get(reason, AtLeast | Bounded | Eventual))


def waits_are_within_bounds(case: Case) -> Iterator[str]:
    """Nobody waits longer than she said, than the server allows, or than it took."""
    claim, cap_s, slack_s = case.claim, CAP_S, BUSY_MACHINE_S
    if case.happened is not None:
        cap_s, slack_s = case.happened.world.wait_cap_s, WAIT_SLACK_S
    allowed_s = max((_wait_s(demand, cap_s) for demand in case.sent.demands.values()), default=0.0)
    if claim.waited_s > case.elapsed_s + SLACK_S:
        yield f"waited {claim.waited_s} s of {case.elapsed_s} s"
    if claim.waited_s > allowed_s + slack_s:
        yield f"waited {claim.waited_s} s, and {allowed_s} s were allowed"
    unknown = claim.waits.keys() - set(WaitEnd)
    if unknown or any(count < 1 for count in claim.waits.values()):
        yield f"tells of waits that cannot be: {dict(claim.waits)}"
    if claim.waited_s and not (claim.waits.keys() & AFTER_A_WAIT):
        yield f"waited {claim.waited_s} s, and does not tell how that ended"


def _wait_s(demand: Demand, cap_s: float) -> float:
    match demand.mode:
        case Eventual() | Live():
            return 0.0
        case AtLeast(max_wait_s=float() as max_wait_s):
            return min(max_wait_s, cap_s)
        case _:
            return cap_s


def what_is_left_out_was_too_much(case: Case) -> Iterator[str]:
    """Components are left out beside a hundred others."""
    claim = case.claim
    if claim.omitted_count and len(claim.components) != MAX_SHOWN:
        yield f"leaves out {claim.omitted_count} components beside {len(claim.components)}"


def token_is_one(case: Case) -> Iterator[str]:
    """The token is short, is the same wherever it is told, and opens for whom it was made."""
    text = case.claim.token
    if text != case.header_token:
        yield "hands out one token in the header and another in the body"
    if text is not None and len(text) > MAX_TOKEN_CHARACTERS:
        yield f"hands out a token of {len(text)} characters"
    if text is not None and (case.open_text(text) is None or case.got.is_empty):
        yield "hands out a token that does not open for its subject, or is of nothing"

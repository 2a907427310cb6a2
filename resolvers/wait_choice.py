"""What a read waits for, how long, and why it does not wait for the rest. Pure.

A wait is worth its time only where the projection is about to show what is missing: where it is
read, not far behind, and where what is missing is something that the stream will bring.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from projections.positions import SourcePosition
from projections.store import Cut
from projections.token import ConsistencyToken, demand_for_keys
from projections.token import unmet as unmet_in
from projections.versions import AggregateKey, AggregateType, Version
from projections.waiters import WaitEnd
from resolvers.demand import AtLeast, Bounded, Demand, Eventual, Live
from resolvers.read_path import age_s


class FieldWait(NamedTuple):
    """What one root field has to see (its entries), and how long it may wait for them (s)."""

    token: ConsistencyToken
    budget_s: float


@dataclass(frozen=True, slots=True)
class WaitChoice:
    """The unmet entries: those to wait for, and those that are skipped, each with its reason."""

    entries: dict[AggregateKey, Version] = field(default_factory=dict)
    skipped: dict[AggregateKey, WaitEnd] = field(default_factory=dict)


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


def choose_waits(
    fields: Iterable[FieldWait],
    cut: Cut,
    *,
    now_s: float,
    left_s: float,
    budgets_s: Mapping[AggregateType, float],
) -> WaitChoice:
    """What these fields wait for, of all that they miss in ``cut``.

    ``now_s`` is wall-clock seconds, ``left_s`` what is left to wait with, ``budgets_s`` the
    staleness budgets. What one field waits for is not skipped because another does not.
    """
    choice = WaitChoice()
    for token, budget_s in fields:
        if not token.entries:
            continue
        for key, at_least in unmet_in(cut, demand_for_keys(token, cut.rows)).entries.items():
            end = refuse_entry(token, key, at_least, cut) or refuse_source(
                cut.positions.get(key.type.source),
                now_s=now_s,
                left_s=min(budget_s, left_s),
                staleness_budget_s=budgets_s[key.type],
            )
            if end is None:
                choice.entries[key] = max(at_least, choice.entries.get(key, at_least))
            else:
                choice.skipped[key] = end
    for key in choice.entries:
        choice.skipped.pop(key, None)
    return choice


def refuse_entry(
    token: ConsistencyToken, key: AggregateKey, at_least: Version, cut: Cut
) -> WaitEnd | None:
    """Why no event of this aggregate is waited for; None: one may well come.

    A demand of a later epoch than the row's comes from a service that was restored, or from
    another world altogether: its owner can tell at once.
    """
    shown = cut.version_of(key)
    if key in token.uncertain:
        return WaitEnd.UNCERTAIN
    if key in token.doubts:
        return WaitEnd.DOUBTED
    if key in cut.suspects:
        return WaitEnd.PARKED
    if shown is not None and at_least.epoch > shown.epoch:
        return WaitEnd.FOREIGN_EPOCH
    return None


def refuse_source(
    position: SourcePosition | None, *, now_s: float, left_s: float, staleness_budget_s: float
) -> WaitEnd | None:
    """Why no event of this source is waited for; None: it is read, and fast enough.

    One that has events left to read, and was last proven current longer ago than there is time
    left, will hardly have read them by then.
    """
    if position is None or not position.is_caught_up:
        return WaitEnd.BUILDING
    age = age_s(position, now_s)
    if age > staleness_budget_s:
        return WaitEnd.STALLED
    if left_s <= 0:
        return WaitEnd.NO_TIME
    if position.remaining_count and age > left_s:
        return WaitEnd.NOT_WORTH_IT
    return None


def end_of(key: AggregateKey, at_least: Version, cut: Cut, end: WaitEnd) -> WaitEnd:
    """How the wait for one entry ended, now that ``cut`` was read after a wait with that end.

    A part of what was waited for may have come; what was announced may have been parked; and the
    store may be gone with it.
    """
    shown = cut.version_of(key)
    if shown is not None and shown >= at_least:
        return WaitEnd.REACHED
    if key in cut.suspects:
        return WaitEnd.PARKED
    return end if cut.is_available else WaitEnd.STORE_LOST

"""The choice between projection and composition as a table: every situation and its outcome."""

import pytest

from projections.positions import SourcePosition
from projections.projector import StoredRow
from projections.token import ConsistencyToken
from projections.versions import AggregateType, Version
from resolvers.answer import Reason
from resolvers.demand import AtLeast, Bounded, Demand, Eventual, Live, Mode, OnTimeout
from resolvers.read_path import (
    Composition,
    Projection,
    ReadPath,
    Refused,
    choose_for_row,
    choose_for_type,
    may_catch_up,
    wait_budget_s,
)
from tests.resolvers.rows import an_order

ORDER = AggregateType.ORDER
NOW_S = 6_000.0
THIS_MINUTE = 100
CURRENT = SourcePosition("end", NOW_S - 2.0, is_caught_up=True)
BUILDING = SourcePosition("early", NOW_S - 2.0, is_caught_up=False)

BY_TYPE: dict[str, tuple[Mode, SourcePosition | None, ReadPath]] = {
    "live whatever there is": (Live(), CURRENT, Composition(Reason.LIVE_REQUESTED)),
    "live without a projection": (Live(), None, Composition(Reason.LIVE_REQUESTED)),
    "never read": (AtLeast(), None, Composition(Reason.PROJECTION_BUILDING)),
    "building": (AtLeast(), BUILDING, Composition(Reason.PROJECTION_BUILDING)),
    "building, and all the same to the caller": (
        Eventual(),
        BUILDING,
        Composition(Reason.PROJECTION_BUILDING),
    ),
    "current": (AtLeast(), CURRENT, Projection(Reason.DEFAULT)),
    "eventual": (Eventual(), CURRENT, Projection(Reason.DEFAULT)),
    "within the bound": (Bounded(2.0), CURRENT, Projection(Reason.DEFAULT)),
    "beyond the bound": (Bounded(1.9), CURRENT, Composition(Reason.TOO_STALE)),
    "beyond the bound, stale will do": (
        Bounded(1.9, OnTimeout.STALE),
        CURRENT,
        Projection(Reason.STALE_ALLOWED),
    ),
    "beyond the bound, to be told": (Bounded(1.9, OnTimeout.ERROR), CURRENT, Refused()),
}


@pytest.mark.parametrize(("mode", "position", "path"), BY_TYPE.values(), ids=BY_TYPE.keys())
def test_the_choice_by_type(mode: Mode, position: SourcePosition | None, path: ReadPath) -> None:
    """Whether the projection may answer at all depends on the mode and on how far it has come."""
    assert choose_for_type(Demand(mode), ORDER, position, now_s=NOW_S) == path


MARKED: dict[str, tuple[Mode, float, ReadPath]] = {
    "proven in the same minute": (AtLeast(), 59.9, Composition(Reason.TOKEN_NOT_REACHED)),
    "proven in the next minute": (AtLeast(), 60.0, Projection(Reason.DEFAULT)),
    "eventual": (Eventual(), 0.0, Projection(Reason.STALE_ALLOWED)),
    "to be told": (AtLeast(on_timeout=OnTimeout.ERROR), 0.0, Refused()),
}


@pytest.mark.parametrize(("mode", "later_s", "path"), MARKED.values(), ids=MARKED.keys())
def test_the_choice_for_a_type_whose_demands_did_not_fit(
    mode: Mode, later_s: float, path: ReadPath
) -> None:
    """A mark of dropped demands holds until the projection is proven after its minute."""
    demand = Demand(mode, ConsistencyToken(overflow={ORDER: THIS_MINUTE}))
    position = SourcePosition("end", THIS_MINUTE * 60 + later_s, is_caught_up=True)

    chosen = choose_for_type(demand, ORDER, position, now_s=position.proven_at_s)

    assert chosen == path


def test_a_mark_of_one_type_holds_for_no_other() -> None:
    """Dropped demands about customers do not make orders live."""
    demand = Demand(token=ConsistencyToken(overflow={AggregateType.CUSTOMER: 10_000}))

    assert choose_for_type(demand, ORDER, CURRENT, now_s=NOW_S) == Projection(Reason.DEFAULT)


def stored(number: int, *, epoch: int = 1) -> StoredRow:
    return StoredRow(an_order(), Version(epoch, number))


TOMBSTONE = StoredRow(None, Version(1, 3))
V2 = Version(1, 2)
FETCH_V2 = Composition(Reason.TOKEN_NOT_REACHED, V2)
STALE = AtLeast(on_timeout=OnTimeout.STALE)
ERROR = AtLeast(on_timeout=OnTimeout.ERROR)

BY_ROW: dict[str, tuple[Mode, StoredRow | None, Version | None, ReadPath]] = {
    "nothing demanded": (AtLeast(), stored(1), None, Projection(Reason.DEFAULT)),
    "older than demanded": (AtLeast(), stored(1), V2, FETCH_V2),
    "as demanded": (AtLeast(), stored(2), V2, Projection(Reason.TOKEN_REACHED)),
    "newer than demanded": (AtLeast(), stored(3), V2, Projection(Reason.TOKEN_REACHED)),
    "a greater number of an older epoch": (AtLeast(), stored(9, epoch=0), V2, FETCH_V2),
    "a smaller number of a newer epoch": (
        AtLeast(),
        stored(1, epoch=2),
        V2,
        Projection(Reason.TOKEN_REACHED),
    ),
    "absent": (AtLeast(), None, None, Composition(Reason.NOT_PROJECTED)),
    "absent and demanded": (AtLeast(), None, V2, FETCH_V2),
    "deleted": (AtLeast(), TOMBSTONE, None, Projection(Reason.DEFAULT)),
    "deleted after what is demanded": (AtLeast(), TOMBSTONE, V2, Projection(Reason.TOKEN_REACHED)),
    "eventual, older": (Eventual(), stored(1), V2, Projection(Reason.STALE_ALLOWED)),
    "eventual, absent": (Eventual(), None, None, Projection(Reason.DEFAULT)),
    "eventual, absent and demanded": (Eventual(), None, V2, Projection(Reason.STALE_ALLOWED)),
    "stale allowed, older": (STALE, stored(1), V2, Projection(Reason.STALE_ALLOWED)),
    "stale allowed, new enough": (STALE, stored(2), V2, Projection(Reason.TOKEN_REACHED)),
    "stale allowed, absent": (STALE, None, None, Composition(Reason.NOT_PROJECTED)),
    "to be told, older": (ERROR, stored(1), V2, Refused()),
    "to be told, new enough": (ERROR, stored(2), V2, Projection(Reason.TOKEN_REACHED)),
    "to be told, absent": (ERROR, None, None, Composition(Reason.NOT_PROJECTED)),
}


@pytest.mark.parametrize(("mode", "row", "at_least", "path"), BY_ROW.values(), ids=BY_ROW.keys())
def test_the_choice_by_row(
    mode: Mode, row: StoredRow | None, at_least: Version | None, path: ReadPath
) -> None:
    """Where the projection may answer, each row still has to be new enough by itself."""
    usable = Projection(Reason.DEFAULT)

    assert choose_for_row(Demand(mode), usable, row, at_least, is_suspect=False) == path


@pytest.mark.parametrize("mode", [AtLeast(), Eventual(), STALE, ERROR, Bounded(60.0)])
@pytest.mark.parametrize("at_least", [None, V2])
def test_a_suspect_row_is_never_taken(mode: Mode, at_least: Version | None) -> None:
    """An event of it could not be read, so nobody knows how old it is: the owner does."""
    usable = Projection(Reason.DEFAULT)

    path = choose_for_row(Demand(mode), usable, stored(9), at_least, is_suspect=True)

    assert path == Composition(Reason.PARKED, at_least)


@pytest.mark.parametrize(
    ("mode", "time_left_s", "budget_s"),
    [
        (AtLeast(), 2.0, 0.25),
        (AtLeast(0.1), 2.0, 0.1),
        (AtLeast(9.0), 2.0, 0.25),
        (AtLeast(0.0), 2.0, 0.0),
        (Bounded(1.0), 2.0, 0.25),
        (AtLeast(), 0.6, 0.1),
        (AtLeast(), 0.5, 0.0),
        (AtLeast(), -1.0, 0.0),
        (Eventual(), 2.0, 0.0),
        (Live(), 2.0, 0.0),
    ],
)
def test_how_long_a_read_may_wait(mode: Mode, time_left_s: float, budget_s: float) -> None:
    """Up to the cap, up to the client's wish, and never into the time kept for going live."""
    budget = wait_budget_s(Demand(mode), cap_s=0.25, time_left_s=time_left_s, reserve_s=0.5)

    assert budget == pytest.approx(budget_s)


@pytest.mark.parametrize(
    ("position", "is_worth_it"),
    [
        (None, False),
        (BUILDING, False),
        (SourcePosition("end", NOW_S - 3.0, is_caught_up=True), True),
        (SourcePosition("end", NOW_S - 3.1, is_caught_up=True), False),
        (SourcePosition("end", NOW_S + 9.0, is_caught_up=True), True),
    ],
)
def test_when_waiting_is_worth_it(position: SourcePosition | None, *, is_worth_it: bool) -> None:
    """Only a source that is caught up and still being read can bring what is missing in time."""
    assert may_catch_up(position, now_s=NOW_S, stalled_after_s=3.0) is is_worth_it

"""The choice between projection and composition as a table: every situation and its outcome."""

import pytest

from projections.positions import LogPlace, SourcePosition
from projections.projector import StoredRow
from projections.store import Cut
from projections.token import ConsistencyToken, FloorKey, Seen
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
)
from tests.resolvers.rows import an_order

ORDER = AggregateType.ORDER
NOW_S = 6_000.0
BUDGET_S = 2.5
CURRENT = SourcePosition("end", NOW_S - 2.0, is_caught_up=True)
BUILDING = SourcePosition("early", NOW_S - 2.0, is_caught_up=False)
SPENT = SourcePosition("end", NOW_S - 2.6, is_caught_up=True)

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
    "budget spent": (AtLeast(), SPENT, Composition(Reason.BUDGET_SPENT)),
    "budget spent, stale will do": (
        AtLeast(on_timeout=OnTimeout.STALE),
        SPENT,
        Projection(Reason.STALE_ALLOWED),
    ),
    "budget spent, to be told": (AtLeast(on_timeout=OnTimeout.ERROR), SPENT, Refused()),
    "budget spent, a wider bound": (Bounded(3.0), SPENT, Projection(Reason.DEFAULT)),
    "budget spent, all the same to the caller": (Eventual(), SPENT, Projection(Reason.DEFAULT)),
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
    assert choose(Demand(mode), position) == path


def choose(demand: Demand, position: SourcePosition | None, *, now_s: float = NOW_S) -> ReadPath:
    cut = Cut(positions={} if position is None else {ORDER.source: position})
    return choose_for_type(demand, ORDER, cut, now_s=now_s, budget_s=BUDGET_S)


UNSEEN: dict[str, tuple[Mode, ReadPath]] = {
    "no older than the tokens": (AtLeast(), Composition(Reason.TOKEN_NOT_REACHED)),
    "bounded": (Bounded(60.0), Composition(Reason.TOKEN_NOT_REACHED)),
    "eventual": (Eventual(), Projection(Reason.STALE_ALLOWED)),
    "stale will do": (AtLeast(on_timeout=OnTimeout.STALE), Projection(Reason.STALE_ALLOWED)),
    "to be told": (AtLeast(on_timeout=OnTimeout.ERROR), Refused()),
}


@pytest.mark.parametrize(("mode", "path"), UNSEEN.values(), ids=UNSEEN.keys())
@pytest.mark.parametrize(
    "token",
    [
        ConsistencyToken(marks={ORDER: 6_000}),
        ConsistencyToken(floor={FloorKey(ORDER, 0, 7): Seen(6, 99)}),
    ],
    ids=["mark", "floor"],
)
def test_a_type_that_has_not_come_as_far_as_was_seen(
    mode: Mode, path: ReadPath, token: ConsistencyToken
) -> None:
    """A mark that is not outlived and a floor that is not reached are not waited for: live."""
    position = SourcePosition("end", 5_999.9, is_caught_up=True, places={0: LogPlace(7, 5)})

    assert choose(Demand(mode, token), position) == path


@pytest.mark.parametrize(
    "token",
    [
        ConsistencyToken(marks={ORDER: 6_000}),
        ConsistencyToken(floor={FloorKey(ORDER, 0, 7): Seen(6, 99)}),
        ConsistencyToken(marks={AggregateType.CUSTOMER: 10_000}),
        ConsistencyToken(floor={FloorKey(AggregateType.CUSTOMER, 0, 7): Seen(60, 99)}),
    ],
    ids=["mark", "floor", "mark of another type", "floor of another type"],
)
def test_a_type_that_has_come_as_far_as_was_seen(token: ConsistencyToken) -> None:
    """Proven at the second of the mark, as far in the log: the projection may answer."""
    position = SourcePosition("end", 6_000.0, is_caught_up=True, places={0: LogPlace(7, 6)})

    assert choose(Demand(token=token), position) == Projection(Reason.DEFAULT)


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

    chosen = choose_for_row(
        Demand(mode), usable, row, at_least, is_suspect=False, is_uncertain=False
    )

    assert chosen == path


@pytest.mark.parametrize("mode", [AtLeast(), Eventual(), STALE, ERROR, Bounded(60.0)])
@pytest.mark.parametrize("at_least", [None, V2])
def test_a_suspect_row_is_never_taken(mode: Mode, at_least: Version | None) -> None:
    """An event of it could not be read, so nobody knows how old it is: the owner does."""
    usable = Projection(Reason.DEFAULT)

    path = choose_for_row(
        Demand(mode), usable, stored(9), at_least, is_suspect=True, is_uncertain=False
    )

    assert path == Composition(Reason.PARKED, at_least)


@pytest.mark.parametrize(
    ("mode", "path"),
    [
        (AtLeast(), Composition(Reason.OUTCOME_UNKNOWN, V2)),
        (Bounded(60.0), Composition(Reason.OUTCOME_UNKNOWN, V2)),
        (Eventual(), Projection(Reason.STALE_ALLOWED)),
        (STALE, Projection(Reason.STALE_ALLOWED)),
        (ERROR, Refused()),
    ],
)
def test_after_a_write_without_an_answer_only_its_owner_can_tell(
    mode: Mode, path: ReadPath
) -> None:
    """However new the row is: whether it shows that write, no version says."""
    usable = Projection(Reason.DEFAULT)

    chosen = choose_for_row(
        Demand(mode), usable, stored(9), V2, is_suspect=False, is_uncertain=True
    )

    assert chosen == path

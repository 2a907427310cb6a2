"""Laws of the choice between projection and composition, for every demand and every world."""

from hypothesis import given
from hypothesis import strategies as st

from projections.positions import LogPlace, SourcePosition
from projections.projector import StoredRow
from projections.store import Cut
from projections.token import ConsistencyToken, FloorKey, Seen, satisfies
from projections.versions import AggregateKey, AggregateType, Version
from resolvers.answer import Reason
from resolvers.demand import AtLeast, Bounded, Demand, Eventual, Live, OnTimeout
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
KEY = AggregateKey(ORDER, "o-1")
NOW_S = 600.0
BUDGET_S = 100.0

on_timeouts = st.sampled_from(OnTimeout)
lengths_s = st.floats(0, 600)
modes = st.one_of(
    st.just(Eventual()),
    st.just(Live()),
    st.builds(AtLeast, st.none() | lengths_s, on_timeouts),
    st.builds(Bounded, lengths_s, on_timeouts),
)
versions = st.builds(Version, st.integers(0, 2), st.integers(1, 4))
tokens = st.builds(
    ConsistencyToken,
    st.dictionaries(st.just(KEY), versions),
    st.dictionaries(st.just(ORDER), st.integers(0, 600)),
    st.dictionaries(
        st.builds(FloorKey, st.just(ORDER), st.just(0), st.integers(7, 8)),
        st.builds(Seen, st.integers(0, 5), st.integers(0, 9)),
    ),
    st.just({}),
    st.frozensets(st.just(KEY)),
)
demands = st.builds(Demand, modes, tokens)
positions = st.none() | st.builds(
    SourcePosition,
    st.just("end"),
    st.floats(0, NOW_S),
    is_caught_up=st.booleans(),
    places=st.dictionaries(st.just(0), st.builds(LogPlace, st.integers(7, 8), st.integers(0, 5))),
)
rows = st.none() | st.builds(StoredRow, st.none() | st.just(an_order()), versions)


def cut_at(position: SourcePosition | None) -> Cut:
    return Cut(positions={} if position is None else {ORDER.source: position})


def choose(
    demand: Demand, position: SourcePosition | None, row: StoredRow | None, *, is_suspect: bool
) -> ReadPath:
    """The whole choice for one row, as a read makes it."""
    at_least = demand.token.entries.get(KEY)
    path = choose_for_type(demand, ORDER, cut_at(position), now_s=NOW_S, budget_s=BUDGET_S)
    match path:
        case Projection():
            return choose_for_row(
                demand,
                path,
                row,
                at_least,
                is_suspect=is_suspect,
                is_uncertain=KEY in demand.token.uncertain,
            )
        case Composition(reason=reason):
            return Composition(reason, at_least)
        case Refused():
            return path


@given(demands, positions, rows, st.booleans())
def test_an_older_row_is_never_shown_as_if_it_were_new(
    demand: Demand, position: SourcePosition | None, row: StoredRow | None, is_suspect: bool
) -> None:
    """The projection answers, unflagged, only with what satisfies every demand."""
    path = choose(demand, position, row, is_suspect=is_suspect)

    if isinstance(path, Projection) and path.reason is not Reason.STALE_ALLOWED:
        shown = Cut({KEY: row}, positions=cut_at(position).positions)
        assert not is_suspect
        assert position is not None
        assert position.is_caught_up
        assert satisfies(shown, demand.token)
        if isinstance(demand.mode, AtLeast):
            assert NOW_S - position.proven_at_s <= BUDGET_S
        if isinstance(demand.mode, Bounded):
            assert NOW_S - position.proven_at_s <= demand.mode.max_staleness_s


@given(demands, positions, rows, st.booleans())
def test_only_who_accepts_it_is_shown_an_older_world(
    demand: Demand, position: SourcePosition | None, row: StoredRow | None, is_suspect: bool
) -> None:
    """STALE_ALLOWED and a refusal follow from the caller's own choice, and from nothing else."""
    path = choose(demand, position, row, is_suspect=is_suspect)

    if path == Projection(Reason.STALE_ALLOWED):
        assert demand.on_timeout is OnTimeout.STALE
    if path == Refused():
        assert demand.on_timeout is OnTimeout.ERROR
    if isinstance(demand.mode, Live):
        assert isinstance(path, Composition)


@given(demands, positions, rows, st.booleans())
def test_an_owners_answer_is_always_held_against_the_demand(
    demand: Demand, position: SourcePosition | None, row: StoredRow | None, is_suspect: bool
) -> None:
    """Whatever the reason for going live, the version demanded of the answer goes along."""
    path = choose(demand, position, row, is_suspect=is_suspect)

    if isinstance(path, Composition):
        assert path.at_least == demand.token.entries.get(KEY)


@given(demands, positions, rows)
def test_absence_is_never_taken_for_proof(
    demand: Demand, position: SourcePosition | None, row: StoredRow | None
) -> None:
    """A row that is not there is asked for, unless the projection's word was said to do."""
    path = choose(demand, position, None, is_suspect=False)

    if isinstance(path, Projection) and demand.mode != Eventual():
        assert path.reason is Reason.STALE_ALLOWED

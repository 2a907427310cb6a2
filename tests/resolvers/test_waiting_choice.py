"""What is worth waiting for, and how long: every situation and its outcome."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.positions import SourcePosition
from projections.projector import StoredRow
from projections.store import Cut
from projections.token import ConsistencyToken
from projections.versions import AggregateKey, AggregateType, Version
from projections.views import STALENESS_BUDGETS_S
from projections.waiters import WaitEnd
from resolvers.demand import AtLeast, Bounded, Demand, Eventual, Live, Mode, OnTimeout
from resolvers.wait_choice import (
    FieldWait,
    WaitChoice,
    choose_waits,
    end_of,
    refuse_source,
    wait_budget_s,
)
from tests.resolvers.rows import an_order

KEY = AggregateKey(AggregateType.ORDER, "o-1")
OTHER = AggregateKey(AggregateType.CUSTOMER, "c-1")
V1, V2, V3 = (Version(1, number) for number in (1, 2, 3))
NOW_S = 6_000.0
BUDGET_S = 0.25


def proven(
    age_s: float, *, left_count: int | None = 0, is_caught_up: bool = True
) -> SourcePosition:
    """A source that was proven current so long ago (s)."""
    return SourcePosition("end", NOW_S - age_s, is_caught_up, left_count)


def a_cut(
    rows: Mapping[AggregateKey, Version | None],
    *,
    suspects: frozenset[AggregateKey] = frozenset(),
    position: SourcePosition | None = None,
) -> Cut:
    """Rows at these versions, of sources that are current unless ``position`` says otherwise."""
    stored = {k: None if at is None else StoredRow(an_order(), at) for k, at in rows.items()}
    positions = {of.source: position or proven(0.1) for of in AggregateType}
    return Cut(stored, suspects=suspects, positions=positions)


def choose(cut: Cut, *fields: FieldWait, left_s: float = BUDGET_S) -> WaitChoice:
    return choose_waits(fields, cut, now_s=NOW_S, left_s=left_s, budgets_s=STALENESS_BUDGETS_S)


def wanting(entries: Mapping[AggregateKey, Version], budget_s: float = BUDGET_S) -> FieldWait:
    return FieldWait(ConsistencyToken(entries), budget_s)


class TestBudget:
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
    def test_how_long_a_read_may_wait(
        self, mode: Mode, time_left_s: float, budget_s: float
    ) -> None:
        """Up to the cap, up to the client's wish, and never into the time kept for going live."""
        budget = wait_budget_s(Demand(mode), cap_s=0.25, time_left_s=time_left_s, reserve_s=0.5)

        assert budget == pytest.approx(budget_s)

    @given(
        st.one_of(
            st.just(Eventual()),
            st.just(Live()),
            st.builds(AtLeast, st.none() | st.floats(0, 600), st.sampled_from(OnTimeout)),
            st.builds(Bounded, st.floats(0, 600), st.sampled_from(OnTimeout)),
        ),
        st.floats(0, 5),
        st.floats(-5, 60),
        st.floats(0, 10),
    )
    def test_wait_is_never_longer_than_anybody_allows(
        self, mode: Mode, cap_s: float, time_left_s: float, reserve_s: float
    ) -> None:
        """Neither than the cap, nor than the wish, nor than what the deadline leaves."""
        budget_s = wait_budget_s(
            Demand(mode), cap_s=cap_s, time_left_s=time_left_s, reserve_s=reserve_s
        )

        assert 0 <= budget_s <= cap_s
        if isinstance(mode, AtLeast) and mode.max_wait_s is not None:
            assert budget_s <= mode.max_wait_s
        if budget_s > 0:
            assert budget_s <= time_left_s - reserve_s
            assert isinstance(mode, AtLeast | Bounded)


SOURCES: dict[str, tuple[SourcePosition | None, float, WaitEnd | None]] = {
    "never read": (None, 0.25, WaitEnd.BUILDING),
    "not yet read to its end": (proven(0.1, is_caught_up=False), 0.25, WaitEnd.BUILDING),
    "just proven": (proven(0.0), 0.25, None),
    "proven as long ago as its budget": (proven(2.5), 0.25, None),
    "proven longer ago": (proven(2.6), 0.25, WaitEnd.STALLED),
    "proven in our future": (proven(-9.0), 0.25, None),
    "longer ago, with events left": (proven(2.6, left_count=9), 0.25, WaitEnd.STALLED),
    "no time left": (proven(0.0), 0.0, WaitEnd.NO_TIME),
    "less than no time left": (proven(0.0, left_count=9), -1.0, WaitEnd.NO_TIME),
    "stalled, and no time left": (proven(2.6), 0.0, WaitEnd.STALLED),
    "as far behind as there is time": (proven(0.25, left_count=1), 0.25, None),
    "further behind than there is time": (proven(0.26, left_count=1), 0.25, WaitEnd.NOT_WORTH_IT),
    "as far behind, with more time": (proven(0.26, left_count=1), 0.3, None),
    "quiet, with nothing left to read": (proven(2.0), 0.25, None),
    "quiet, and nobody knows what is left": (proven(2.0, left_count=None), 0.25, None),
}


@pytest.mark.parametrize(("position", "left_s", "end"), SOURCES.values(), ids=SOURCES.keys())
def test_source_that_cannot_bring_it_in_time_is_not_waited_for(
    position: SourcePosition | None, left_s: float, end: WaitEnd | None
) -> None:
    """It has to be read, to be alive, and to be nearer to its end than the read to its own."""
    refused = refuse_source(position, now_s=NOW_S, left_s=left_s, staleness_budget_s=2.5)

    assert refused is end


ENTRIES: dict[str, tuple[ConsistencyToken, Version | None, bool, WaitEnd | None]] = {
    "older than demanded": (ConsistencyToken({KEY: V2}), V1, False, None),
    "absent": (ConsistencyToken({KEY: V2}), None, False, None),
    "suspect": (ConsistencyToken({KEY: V2}), V1, True, WaitEnd.PARKED),
    "of an earlier epoch": (
        ConsistencyToken({KEY: Version(2, 1)}),
        V3,
        False,
        WaitEnd.FOREIGN_EPOCH,
    ),
    "absent, so of no epoch": (ConsistencyToken({KEY: Version(2, 1)}), None, False, None),
    "denied by its owner": (
        ConsistencyToken({KEY: V2}, doubts={KEY: 9_000}),
        V1,
        False,
        WaitEnd.DOUBTED,
    ),
    "written with an unknown outcome": (
        ConsistencyToken({KEY: V2}, uncertain=frozenset([KEY])),
        V1,
        False,
        WaitEnd.UNCERTAIN,
    ),
    "another one written so": (
        ConsistencyToken({KEY: V2}, uncertain=frozenset([OTHER])),
        V1,
        False,
        None,
    ),
}


@pytest.mark.parametrize(
    ("token", "shown", "is_suspect", "end"), ENTRIES.values(), ids=ENTRIES.keys()
)
def test_entry_that_the_stream_will_not_bring_is_not_waited_for(
    token: ConsistencyToken, shown: Version | None, *, is_suspect: bool, end: WaitEnd | None
) -> None:
    """Where only the owner can tell, she is asked at once."""
    cut = a_cut({KEY: shown}, suspects=frozenset([KEY]) if is_suspect else frozenset())

    choice = choose(cut, FieldWait(token, BUDGET_S))

    assert choice.entries == (token.entries if end is None else {})
    assert choice.skipped == ({} if end is None else {KEY: end})


class TestFields:
    def test_what_is_reached_or_not_looked_at_is_neither_awaited_nor_skipped(self) -> None:
        """Only what the cut was to hold, and does not hold that new, is missed."""
        wanted = wanting({KEY: V2, OTHER: V2})

        assert choose(a_cut({KEY: V2}), wanted) == WaitChoice()

    def test_floors_and_marks_are_never_waited_for(self) -> None:
        """Who has not reached them has lost something, or is another store."""
        token = ConsistencyToken(marks={AggregateType.ORDER: 9_000})

        assert choose(a_cut({KEY: V1}), FieldWait(token, BUDGET_S)) == WaitChoice()

    def test_two_fields_that_miss_one_thing_wait_for_the_newer(self) -> None:
        """In whichever order they come."""
        fields = wanting({KEY: V3}), wanting({KEY: V2})

        chosen = [choose(a_cut({KEY: V1}), *order) for order in (fields, fields[::-1])]

        assert chosen == [WaitChoice({KEY: V3})] * 2

    def test_what_one_field_waits_for_another_does_not_skip(self) -> None:
        """A field without time, or with a doubt, does not take the wait from the next one."""
        hurried = wanting({KEY: V2}, budget_s=0.0)
        patient = wanting({KEY: V2})

        alone = choose(a_cut({KEY: V1}), hurried)
        together = choose(a_cut({KEY: V1}), patient, hurried)

        assert alone == WaitChoice(skipped={KEY: WaitEnd.NO_TIME})
        assert together == WaitChoice({KEY: V2})

    def test_each_type_has_its_own_staleness_budget(self) -> None:
        """Orders may be as old as their read model allows, customers as theirs does."""
        cut = a_cut({KEY: V1, OTHER: V1}, position=proven(3.0))
        budgets_s = {**STALENESS_BUDGETS_S, AggregateType.CUSTOMER: 5.0}

        choice = choose_waits(
            [wanting({KEY: V2, OTHER: V2})], cut, now_s=NOW_S, left_s=0.25, budgets_s=budgets_s
        )

        assert choice == WaitChoice({OTHER: V2}, {KEY: WaitEnd.STALLED})


ENDS: dict[str, tuple[Cut, WaitEnd, WaitEnd]] = {
    "it came": (a_cut({KEY: V2}), WaitEnd.REACHED, WaitEnd.REACHED),
    "it came, the rest did not": (a_cut({KEY: V2}), WaitEnd.TIMED_OUT, WaitEnd.REACHED),
    "it did not come": (a_cut({KEY: V1}), WaitEnd.TIMED_OUT, WaitEnd.TIMED_OUT),
    "it was set aside": (
        a_cut({KEY: V1}, suspects=frozenset([KEY])),
        WaitEnd.REACHED,
        WaitEnd.PARKED,
    ),
    "it came, and what follows was set aside": (
        a_cut({KEY: V2}, suspects=frozenset([KEY])),
        WaitEnd.REACHED,
        WaitEnd.REACHED,
    ),
    "nobody waited": (a_cut({KEY: V1}), WaitEnd.CROWDED, WaitEnd.CROWDED),
    "the store has gone since": (Cut(is_available=False), WaitEnd.REACHED, WaitEnd.STORE_LOST),
}


@pytest.mark.parametrize(("cut", "end", "told"), ENDS.values(), ids=ENDS.keys())
def test_how_the_wait_for_one_entry_ended(cut: Cut, end: WaitEnd, told: WaitEnd) -> None:
    """What is told of an entry is what the cut after the wait shows of it."""
    assert end_of(KEY, V2, cut, end) is told

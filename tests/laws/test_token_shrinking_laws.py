"""A token may be made shorter: what satisfies the short one satisfies the whole."""

from hypothesis import given
from hypothesis import strategies as st

from projections.positions import LogPlace
from projections.token import (
    ConsistencyToken,
    FloorKey,
    Seen,
    mark_at,
    merge,
    outlives,
    satisfies,
)
from projections.token_shrinking import fit, shrunk
from projections.token_size import fits
from projections.versions import AggregateKey, AggregateType, Version
from tests.laws.drawn_tokens import (
    NOW_MINUTE,
    NOW_S,
    FakeView,
    few_versions,
    growing_views,
    seconds_by_type,
    tokens,
    types,
    views,
)


class TestShrinking:
    @given(growing_views(), tokens)
    def test_a_later_view_that_satisfies_the_shrunk_token_satisfies_the_whole(
        self, grown: tuple[FakeView, FakeView], token: ConsistencyToken
    ) -> None:
        """What was moved into the floor is held by every view that has reached the floor."""
        view, later = grown
        short = shrunk(token, view, NOW_S)
        held = merge(ConsistencyToken(later.versions), ConsistencyToken(view.versions)).entries

        assert satisfies(FakeView(held, later.places, later.proven), token) or not satisfies(
            FakeView(held, later.places, later.proven), short
        )

    @given(views, tokens)
    def test_who_may_be_shown_a_view_may_be_shown_it_again(
        self, view: FakeView, token: ConsistencyToken
    ) -> None:
        """A view that satisfies a token satisfies what it shrinks to."""
        assert satisfies(view, shrunk(token, view, NOW_S)) or not satisfies(view, token)

    @given(views, tokens)
    def test_shrinking_adds_no_entry_and_no_mark(
        self, view: FakeView, token: ConsistencyToken
    ) -> None:
        """Only the floor may grow."""
        short = shrunk(token, view, NOW_S)

        assert short.entries.items() <= token.entries.items()
        assert short.marks.items() <= token.marks.items()
        assert short.uncertain == token.uncertain

    def test_without_the_floor_a_store_that_lost_writes_would_pass(self) -> None:
        """The control: the floor alone holds back a view that has fallen behind what was moved."""
        order = AggregateKey(AggregateType.ORDER, "o-1")
        at = (AggregateType.ORDER, 0)
        seen = FakeView({order: Version(0, 2)}, {at: LogPlace(7, 5)})
        fallen_back = FakeView({order: Version(0, 1)}, {at: LogPlace(7, 4)})
        token = ConsistencyToken({order: Version(0, 2)})

        short = shrunk(token, seen, NOW_S)

        assert not short.entries
        assert not satisfies(fallen_back, short)
        assert satisfies(fallen_back, ConsistencyToken(short.entries, short.marks))

    def test_what_is_only_ahead_of_the_stream_stays_an_entry(self) -> None:
        """A healed row is no reason to drop its entry: a store may lose it."""
        order = AggregateKey(AggregateType.ORDER, "o-1")
        token = ConsistencyToken({order: Version(0, 2)})
        healed = FakeView(
            {order: Version(0, 2)}, {(AggregateType.ORDER, 0): LogPlace(7, 5)}, is_ahead=True
        )

        assert shrunk(token, healed, NOW_S) == token


many_keys = st.builds(
    lambda of, number, width: AggregateKey(of, f"{number:0{width}}"),
    types,
    st.integers(0, 99),
    st.sampled_from([2, 18, 36, 64]),
)
many_logs = st.builds(FloorKey, types, st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1))
crowded_tokens = st.builds(
    ConsistencyToken,
    st.dictionaries(many_keys, few_versions, min_size=25, max_size=60),
    seconds_by_type,
    st.dictionaries(many_logs, st.builds(Seen, st.integers(0, 2**40), st.just(NOW_MINUTE))),
    st.just({}),
    st.frozensets(many_keys, max_size=12),
)


class TestFit:
    @given(crowded_tokens)
    def test_nothing_is_dropped_without_a_mark(self, token: ConsistencyToken) -> None:
        """A fitted token has room, says nothing new, and marks the type of each drop."""
        fitted = fit(token, NOW_S)

        entries = token.entries.keys() - fitted.entries.keys()
        logs = token.floor.keys() - fitted.floor.keys()
        assert fits(fitted)
        assert fitted.entries.items() <= token.entries.items()
        assert all(fitted.marks[key.type] >= mark_at(NOW_S) for key in entries)
        assert all(fitted.marks[log.type] >= outlives(token.floor[log]) for log in logs)
        assert all(
            fitted.marks[key.type] >= mark_at(NOW_S) for key in token.uncertain - fitted.uncertain
        )
        assert all(fitted.marks[of] >= second for of, second in token.marks.items())

    @given(crowded_tokens, st.data())
    def test_fitting_is_repeatable(self, token: ConsistencyToken, data: st.DataObject) -> None:
        """The same token fits the same way, in any order of entries, and only once."""
        shuffled = ConsistencyToken(
            dict(data.draw(st.permutations(list(token.entries.items())))),
            token.marks,
            token.floor,
            token.doubts,
            token.uncertain,
        )

        fitted, again = fit(token, NOW_S), fit(shuffled, NOW_S)

        assert fitted == again
        assert fit(fitted, NOW_S) is fitted

    def test_without_its_marks_a_fitted_token_would_let_an_old_world_pass(self) -> None:
        """The control: the marks, and nothing else, hold back a view that lacks a dropped write."""
        writes = {AggregateKey(AggregateType.ORDER, f"o-{n}"): Version(0, 1) for n in range(33)}
        token = ConsistencyToken(writes)
        fitted = fit(token, NOW_S)
        view = FakeView(fitted.entries, proven={AggregateType.ORDER: NOW_S})

        assert not satisfies(view, token)
        assert not satisfies(view, fitted)
        assert satisfies(view, ConsistencyToken(fitted.entries))

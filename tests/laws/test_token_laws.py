"""The laws of the consistency token as a value: a semilattice of demands that is safe to shrink."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from projections.positions import LogPlace
from projections.token import (
    EMPTY_TOKEN,
    ConsistencyToken,
    FloorKey,
    Seen,
    demand_for_keys,
    demand_for_type,
    mark_at,
    merge,
    outlives,
    satisfies,
    unmet,
)
from projections.token_shrinking import fit, shrunk
from projections.token_size import fits
from projections.versions import AggregateKey, AggregateType, Version

NOW_MINUTE = 29_000_000
NOW_S = NOW_MINUTE * 60.0

types = st.sampled_from(AggregateType)


@dataclass(frozen=True)
class FakeView:
    """A view that shows these versions, stands at these places and was proven at these instants."""

    versions: Mapping[AggregateKey, Version] = field(default_factory=dict)
    places: Mapping[tuple[AggregateType, int], LogPlace] = field(default_factory=dict)
    proven: Mapping[AggregateType, float] = field(default_factory=dict)
    is_ahead: bool = False

    def version_of(self, key: AggregateKey) -> Version | None:
        return self.versions.get(key)

    def place_of(self, aggregate_type: AggregateType, partition: int) -> LogPlace | None:
        return self.places.get((aggregate_type, partition))

    def proven_at_s(self, aggregate_type: AggregateType) -> float | None:
        return self.proven.get(aggregate_type)

    def is_streamed(self, key: AggregateKey, at: Version) -> bool:
        return not self.is_ahead and self.versions.get(key, Version(-1, 0)) >= at

    def floor_of(self, aggregate_type: AggregateType) -> dict[FloorKey, int]:
        return {
            FloorKey(of, partition, place.log): place.offset
            for (of, partition), place in self.places.items()
            if of is aggregate_type
        }


# Few keys, versions, logs and instants, so that what is drawn meets.
few_keys = st.builds(AggregateKey, types, st.sampled_from(["1", "2", "3"]))
few_versions = st.builds(Version, st.integers(0, 2), st.integers(1, 4))
few_seconds = st.integers(NOW_MINUTE * 60 - 90, NOW_MINUTE * 60 + 90)
few_logs = st.builds(FloorKey, types, st.integers(0, 1), st.integers(7, 8))
few_seen = st.builds(Seen, st.integers(0, 5), st.integers(NOW_MINUTE - 2, NOW_MINUTE))
worlds = st.dictionaries(few_keys, few_versions)
seconds_by_type = st.dictionaries(types, few_seconds)


@st.composite
def tokens_with_doubts(draw: st.DrawFn) -> ConsistencyToken:
    """Any small token; doubts are of entries only."""
    entries = draw(worlds)
    doubted = draw(st.sets(st.sampled_from(sorted(entries)))) if entries else set()
    return ConsistencyToken(
        entries,
        draw(seconds_by_type),
        draw(st.dictionaries(few_logs, few_seen)),
        {key: draw(few_seconds) for key in sorted(doubted)},
        draw(st.frozensets(few_keys, max_size=2)),
    )


tokens = tokens_with_doubts()
undoubted = tokens.map(
    lambda token: ConsistencyToken(token.entries, token.marks, token.floor, {}, token.uncertain)
)
certain = tokens.map(
    lambda token: ConsistencyToken(token.entries, token.marks, token.floor, token.doubts)
)
places = st.dictionaries(
    st.tuples(types, st.integers(0, 1)),
    st.builds(LogPlace, st.integers(7, 8), st.integers(0, 5)),
)
views = st.builds(
    FakeView, worlds, places, seconds_by_type.map(lambda at: {of: float(s) for of, s in at.items()})
)


@st.composite
def growing_views(draw: st.DrawFn) -> tuple[FakeView, FakeView]:
    """A view, and a later one of the same logs."""
    view = draw(views)
    versions = merge(ConsistencyToken(view.versions), ConsistencyToken(draw(worlds))).entries
    further = {
        at: LogPlace(place.log, place.offset + draw(st.integers(0, 3)))
        for at, place in view.places.items()
    }
    proven = {of: at + draw(st.integers(0, 60)) for of, at in view.proven.items()}
    return view, FakeView(versions, further, proven)


class TestMergeIsASemilattice:
    @given(tokens)
    def test_merge_is_idempotent(self, a: ConsistencyToken) -> None:
        """A client may send the same token twice."""
        assert merge(a, a) == a

    @given(tokens, tokens)
    def test_merge_is_commutative(self, a: ConsistencyToken, b: ConsistencyToken) -> None:
        """Tokens may arrive in any order."""
        assert merge(a, b) == merge(b, a)

    @given(tokens, tokens, tokens)
    def test_merge_is_associative(
        self, a: ConsistencyToken, b: ConsistencyToken, c: ConsistencyToken
    ) -> None:
        """Tokens may be merged in any grouping, and all at once."""
        assert merge(merge(a, b), c) == merge(a, merge(b, c)) == merge(a, b, c)

    @given(tokens)
    def test_the_empty_token_is_the_identity(self, a: ConsistencyToken) -> None:
        """Merging a token that demands nothing changes nothing."""
        assert merge(a, EMPTY_TOKEN) == a


class TestSatisfaction:
    @given(views, undoubted, undoubted)
    def test_satisfies_distributes_over_merge(
        self, view: FakeView, a: ConsistencyToken, b: ConsistencyToken
    ) -> None:
        """A view satisfies the merged token exactly when it satisfies each of them."""
        assert satisfies(view, merge(a, b)) == (satisfies(view, a) and satisfies(view, b))

    @given(views, tokens, tokens)
    def test_merging_never_loses_a_demand(
        self, view: FakeView, a: ConsistencyToken, b: ConsistencyToken
    ) -> None:
        """With doubts the merged token may ask for more than both, and never for less."""
        assert not satisfies(view, merge(a, b)) or (satisfies(view, a) and satisfies(view, b))

    @given(growing_views(), tokens)
    def test_a_newer_view_never_unsatisfies(
        self, grown: tuple[FakeView, FakeView], token: ConsistencyToken
    ) -> None:
        """What satisfies a token goes on satisfying it as versions, places and proofs grow."""
        view, newer = grown

        assert satisfies(newer, token) or not satisfies(view, token)

    @given(views, certain)
    def test_waiting_for_the_unmet_part_is_enough(
        self, view: FakeView, token: ConsistencyToken
    ) -> None:
        """A view that grows by the unmet part, and nothing more, satisfies the whole token."""
        missing = unmet(view, token)
        shown = merge(ConsistencyToken(view.versions), ConsistencyToken(missing.entries)).entries
        proven = dict(view.proven) | {
            of: max(view.proven.get(of, 0.0), *wanted)
            for of in AggregateType
            if (wanted := _instants_of(missing, of))
        }
        reached = dict(view.places) | {
            (log.type, log.partition): LogPlace(log.log, seen.offset)
            for log, seen in missing.floor.items()
            if view.places.get((log.type, log.partition), LogPlace(log.log, 0)).log == log.log
        }

        assert merge(missing, token) == token
        assert satisfies(FakeView(shown, reached, proven), token)

    @given(tokens, st.lists(few_keys))
    def test_a_restricted_demand_is_the_tokens_share(
        self, token: ConsistencyToken, keys: list[AggregateKey]
    ) -> None:
        """All types' demands are the token; a read by keys demands no more than its types do."""
        by_type = [demand_for_type(token, of) for of in AggregateType]
        by_keys = demand_for_keys(token, keys)
        of_types = merge(*(demand_for_type(token, key.type) for key in keys))

        assert merge(*by_type) == token
        assert merge(by_keys, of_types) == of_types

    @given(views, certain)
    def test_the_shares_of_all_types_are_satisfied_like_the_whole(
        self, view: FakeView, token: ConsistencyToken
    ) -> None:
        """No demand is lost between the types that a read touches."""
        shares = [demand_for_type(token, of) for of in AggregateType]

        assert all(satisfies(view, share) for share in shares) == satisfies(view, token)


def _instants_of(token: ConsistencyToken, of: AggregateType) -> list[float]:
    marks = [token.marks[of]] if of in token.marks else []
    return [*marks, *(outlives(seen) for log, seen in token.floor.items() if log.type is of)]


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

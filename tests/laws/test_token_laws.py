"""The laws of the consistency token as a value: a semilattice of demands that is safe to shrink."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from projections.token import (
    EMPTY_TOKEN,
    ConsistencyToken,
    demand_for_keys,
    demand_for_type,
    fit,
    fits,
    merge,
    satisfies,
    unmet,
)
from projections.versions import AggregateKey, AggregateType, Version

NOW_MINUTE = 29_000_000

types = st.sampled_from(AggregateType)


@dataclass(frozen=True)
class FakeView:
    """A view that shows these versions and was proven current in these minutes."""

    versions: Mapping[AggregateKey, Version] = field(default_factory=dict)
    proven: Mapping[AggregateType, int] = field(default_factory=dict)

    def version_of(self, key: AggregateKey) -> Version | None:
        return self.versions.get(key)

    def current_since_minute(self, aggregate_type: AggregateType) -> int | None:
        return self.proven.get(aggregate_type)


# Few keys, versions and minutes, so that what is drawn meets.
few_keys = st.builds(AggregateKey, types, st.sampled_from(["1", "2", "3"]))
few_versions = st.builds(Version, st.integers(0, 2), st.integers(1, 4))
few_minutes = st.integers(NOW_MINUTE - 2, NOW_MINUTE + 2)
worlds = st.dictionaries(few_keys, few_versions)
minutes_by_type = st.dictionaries(types, few_minutes)
tokens = st.builds(ConsistencyToken, worlds, minutes_by_type)
views = st.builds(FakeView, worlds, minutes_by_type)


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
    @given(views, tokens, tokens)
    def test_satisfies_distributes_over_merge(
        self, view: FakeView, a: ConsistencyToken, b: ConsistencyToken
    ) -> None:
        """A view satisfies the merged token exactly when it satisfies each of them."""
        assert satisfies(view, merge(a, b)) == (satisfies(view, a) and satisfies(view, b))

    @given(views, views, tokens)
    def test_a_newer_view_never_unsatisfies(
        self, view: FakeView, other: FakeView, token: ConsistencyToken
    ) -> None:
        """What satisfies a token goes on satisfying it as versions and proofs move forward."""
        newest = merge(
            ConsistencyToken(view.versions, view.proven),
            ConsistencyToken(other.versions, other.proven),
        )
        newer = FakeView(newest.entries, newest.overflow)

        assert satisfies(newer, token) or not satisfies(view, token)

    @given(views, tokens)
    def test_waiting_for_the_unmet_part_is_enough(
        self, view: FakeView, token: ConsistencyToken
    ) -> None:
        """A view that grows by the unmet part, and nothing more, satisfies the whole token."""
        missing = unmet(view, token)
        shown = merge(ConsistencyToken(view.versions), missing).entries
        proven = dict(view.proven) | {of: at + 1 for of, at in missing.overflow.items()}

        assert merge(missing, token) == token
        assert satisfies(FakeView(shown, proven), token)

    @given(tokens, st.lists(few_keys))
    def test_a_restricted_demand_is_the_tokens_share(
        self, token: ConsistencyToken, keys: list[AggregateKey]
    ) -> None:
        """All types' demands are the token; a read by keys demands no more than its types do."""
        by_type = [demand_for_type(token, of) for of in AggregateType]
        by_keys = demand_for_keys(token, keys)

        assert merge(*by_type) == token
        assert merge(by_keys, *(demand_for_type(token, key.type) for key in keys)) == merge(
            *(demand_for_type(token, key.type) for key in keys)
        )


many_keys = st.builds(
    lambda of, number, width: AggregateKey(of, f"{number:0{width}}"),
    types,
    st.integers(0, 99),
    st.sampled_from([2, 18, 36, 64]),
)
crowded_tokens = st.builds(
    ConsistencyToken,
    st.dictionaries(many_keys, few_versions, min_size=25, max_size=60),
    minutes_by_type,
)


class TestFit:
    @given(crowded_tokens, st.data())
    def test_nothing_unproven_is_dropped_without_a_mark(
        self, token: ConsistencyToken, data: st.DataObject
    ) -> None:
        """A fitted token has room, says nothing new, and marks the type of each unproven drop."""
        proven = data.draw(st.sets(st.sampled_from(sorted(token.entries))))

        fitted = fit(token, is_proven=lambda key, at: key in proven, now_minute=NOW_MINUTE)

        dropped = token.entries.keys() - fitted.entries.keys()
        assert fits(fitted)
        assert fitted.entries.items() <= token.entries.items()
        assert all(fitted.overflow[key.type] >= NOW_MINUTE for key in dropped - proven)
        assert all(fitted.overflow[of] >= minute for of, minute in token.overflow.items())

    @given(crowded_tokens, st.data())
    def test_fitting_is_repeatable(self, token: ConsistencyToken, data: st.DataObject) -> None:
        """The same token and proofs fit the same way, in any order of entries, and only once."""
        proven = data.draw(st.sets(st.sampled_from(sorted(token.entries))))
        shuffled = ConsistencyToken(
            dict(data.draw(st.permutations(list(token.entries.items())))), token.overflow
        )

        fitted, again = (
            fit(given_, is_proven=lambda key, at: key in proven, now_minute=NOW_MINUTE)
            for given_ in (token, shuffled)
        )

        assert fitted == again
        assert fit(fitted, is_proven=lambda key, at: False, now_minute=NOW_MINUTE) is fitted

    @given(crowded_tokens, minutes_by_type, st.data())
    def test_a_view_that_satisfies_the_fitted_token_satisfies_the_whole(
        self,
        token: ConsistencyToken,
        proven_minutes: dict[AggregateType, int],
        data: st.DataObject,
    ) -> None:
        """Fitting is sound for views that hold what is proven, and what their proofs say they hold.

        Every entry was committed before the end of `now_minute`, so a view proven current in a
        later minute holds all entries of that type.
        """
        proven = data.draw(st.sets(st.sampled_from(sorted(token.entries))))
        fitted = fit(token, is_proven=lambda key, at: key in proven, now_minute=NOW_MINUTE)
        held = {
            key: at
            for key, at in token.entries.items()
            if key in proven or proven_minutes.get(key.type, 0) > NOW_MINUTE
        }

        view = FakeView(dict(fitted.entries) | held, proven_minutes)

        assert satisfies(view, token) or not satisfies(view, fitted)

    def test_without_its_marks_a_fitted_token_would_let_an_old_world_pass(self) -> None:
        """The control: the marks, and nothing else, hold back a view that lacks a dropped write."""
        writes = {AggregateKey(AggregateType.ORDER, f"o-{n}"): Version(0, 1) for n in range(33)}
        token = ConsistencyToken(writes)
        fitted = fit(token, is_proven=lambda key, at: False, now_minute=NOW_MINUTE)
        view = FakeView(fitted.entries, {AggregateType.ORDER: NOW_MINUTE})

        assert not satisfies(view, token)
        assert not satisfies(view, fitted)
        assert satisfies(view, ConsistencyToken(fitted.entries))

"""The laws of the consistency token as a value: a semilattice of demands."""

from hypothesis import given
from hypothesis import strategies as st

from projections.positions import LogPlace
from projections.token import (
    EMPTY_TOKEN,
    ConsistencyToken,
    demand_for_keys,
    merge,
    outlives,
    satisfies,
    unmet,
)
from projections.versions import AggregateKey, AggregateType
from tests.laws.drawn_tokens import (
    FakeView,
    certain,
    few_keys,
    growing_views,
    tokens,
    undoubted,
    views,
)


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
        """A read by all keys and types demands the whole token, one by some no more than that."""
        everything = demand_for_keys(token, all_keys_of(token), types=list(AggregateType))

        assert everything == token
        assert merge(demand_for_keys(token, keys), token) == token

    @given(views, certain)
    def test_the_shares_of_all_types_are_satisfied_like_the_whole(
        self, view: FakeView, token: ConsistencyToken
    ) -> None:
        """No demand is lost between the types that a read touches."""
        shares = [
            demand_for_keys(token, [k for k in all_keys_of(token) if k.type is of], types=[of])
            for of in AggregateType
        ]

        assert all(satisfies(view, share) for share in shares) == satisfies(view, token)


def all_keys_of(token: ConsistencyToken) -> list[AggregateKey]:
    """Every aggregate that it names."""
    return sorted({*token.entries, *token.uncertain})


def _instants_of(token: ConsistencyToken, of: AggregateType) -> list[float]:
    marks = [token.marks[of]] if of in token.marks else []
    return [*marks, *(outlives(seen) for log, seen in token.floor.items() if log.type is of)]

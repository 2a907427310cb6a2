"""The token as a value: merging, holding it against a view, restricting it, making it fit."""

import pytest

from projections.positions import LogPlace
from projections.token import (
    EMPTY_TOKEN,
    ConsistencyToken,
    FloorKey,
    Seen,
    demand_for_keys,
    is_refuted,
    mark_at,
    merge,
    outlives,
    raised,
    satisfies,
    seen_places,
    unmet,
    with_doubts,
    without_uncertain,
)
from projections.versions import AggregateKey, AggregateType, Version
from tests.laws.drawn_tokens import NOW_MINUTE, FakeView

ORDER, CUSTOMER, PRODUCT = AggregateType.ORDER, AggregateType.CUSTOMER, AggregateType.PRODUCT


def order(id_: str) -> AggregateKey:
    return AggregateKey(ORDER, id_)


class TestMerge:
    def test_merged_entries_keep_the_greater_version(self) -> None:
        """Of two bounds on one aggregate the merged token keeps the later one, in either order."""
        older = ConsistencyToken({order("o-1"): Version(0, 4)})
        newer = ConsistencyToken({order("o-1"): Version(0, 5)})

        assert merge(older, newer) == merge(newer, older) == newer

    def test_a_greater_epoch_wins_over_a_greater_number(self) -> None:
        """After a service lost history, number 1 of the new epoch is later than number 9."""
        before_restore = ConsistencyToken({order("o-1"): Version(0, 9)})
        after_restore = ConsistencyToken({order("o-1"): Version(1, 1)})

        assert merge(before_restore, after_restore) == after_restore

    def test_merged_marks_keep_the_later_second(self) -> None:
        """A mark of a later second covers what an earlier one stands for."""
        earlier = ConsistencyToken(marks={ORDER: 5, PRODUCT: 7})
        later = ConsistencyToken(marks={ORDER: 6})

        merged = merge(earlier, later)

        assert merged.marks == {ORDER: 6, PRODUCT: 7}

    def test_merged_floors_keep_the_greater_offset_of_each_log(self) -> None:
        """Offsets are compared within one log; what was seen of another is kept beside it."""
        here = ConsistencyToken(floor={FloorKey(ORDER, 0, 7): Seen(5, 1)})
        further = ConsistencyToken(floor={FloorKey(ORDER, 0, 7): Seen(9, 0)})
        elsewhere = ConsistencyToken(floor={FloorKey(ORDER, 0, 8): Seen(2, 1)})

        merged = merge(here, further, elsewhere)

        assert merged.floor == {
            FloorKey(ORDER, 0, 7): Seen(9, 1),
            FloorKey(ORDER, 0, 8): Seen(2, 1),
        }

    def test_a_doubt_is_lost_to_anyone_who_does_not_share_it(self) -> None:
        """A fresh promise of an aggregate takes its doubt away; an old doubt is kept by sharing."""
        doubted = with_doubts(ConsistencyToken({order("o-1"): Version(0, 4)}), [order("o-1")], 9)
        later = with_doubts(ConsistencyToken({order("o-1"): Version(0, 4)}), [order("o-1")], 12)
        written = ConsistencyToken({order("o-1"): Version(0, 5)})

        assert merge(doubted, later).doubts == {order("o-1"): 12}
        assert merge(doubted, written).doubts == {}
        assert merge(doubted, EMPTY_TOKEN).doubts == {order("o-1"): 9}

    def test_what_was_seen_raises_entries_and_leaves_doubts(self) -> None:
        """To be shown less than was promised neither lowers the promise nor clears its doubt."""
        doubted = with_doubts(ConsistencyToken({order("o-1"): Version(0, 4)}), [order("o-1")], 9)

        assert raised(doubted, {order("o-1"): Version(0, 3)}) is doubted
        assert raised(doubted, {order("o-1"): Version(0, 5)}) == ConsistencyToken(
            {order("o-1"): Version(0, 5)}
        )

    def test_what_an_owner_tells_is_certain_again(self) -> None:
        """An uncertain write stays uncertain until its own aggregate has been told of."""
        token = ConsistencyToken(uncertain=frozenset([order("o-1"), order("o-2")]))

        assert without_uncertain(token, {order("o-1")}).uncertain == {order("o-2")}

    def test_merging_nothing_gives_the_empty_token(self) -> None:
        """A client without tokens demands nothing."""
        assert merge() == EMPTY_TOKEN
        assert EMPTY_TOKEN.is_empty


class TestHeldAgainstAView:
    @pytest.mark.parametrize(
        ("shown", "is_satisfied"),
        [
            (None, False),
            (Version(1, 4), False),
            (Version(1, 5), True),
            (Version(1, 6), True),
            (Version(0, 9), False),
            (Version(2, 1), True),
        ],
    )
    def test_an_entry_is_met_by_its_version_or_a_later_one(
        self, shown: Version | None, is_satisfied: bool
    ) -> None:
        """A view meets an entry exactly when it shows that version or a later one, epoch first."""
        token = ConsistencyToken({order("o-1"): Version(1, 5)})
        view = FakeView({} if shown is None else {order("o-1"): shown})

        assert satisfies(view, token) is is_satisfied

    @pytest.mark.parametrize(
        ("proven_at_s", "is_satisfied"), [(None, False), (99.9, False), (100.0, True)]
    )
    def test_a_mark_is_met_by_a_proof_of_its_second(
        self, proven_at_s: float | None, is_satisfied: bool
    ) -> None:
        """Only a world proven current at or after the second of a mark will do."""
        token = ConsistencyToken(marks={ORDER: 100})
        view = FakeView(proven={} if proven_at_s is None else {ORDER: proven_at_s})

        assert satisfies(view, token) is is_satisfied

    def test_a_mark_lies_behind_all_that_it_stands_for(self) -> None:
        """A clock that proves may be a second ahead of the one that marks."""
        assert mark_at(100.0) == 101
        assert mark_at(100.1) == 102

    def test_a_proof_of_one_type_says_nothing_of_another(self) -> None:
        """Orders proven current do not meet a mark on products."""
        token = ConsistencyToken(marks={PRODUCT: 100})

        assert not satisfies(FakeView(proven={ORDER: 200.0}), token)

    @pytest.mark.parametrize(
        ("place", "is_satisfied"),
        [(LogPlace(7, 5), True), (LogPlace(7, 4), False), (LogPlace(8, 99), False), (None, False)],
    )
    def test_a_floor_is_met_by_its_own_log_alone(
        self, place: LogPlace | None, is_satisfied: bool
    ) -> None:
        """As far in the same log meets it; ever so far in another one says nothing."""
        token = ConsistencyToken(floor={FloorKey(ORDER, 0, 7): Seen(5, NOW_MINUTE)})
        view = FakeView(places={} if place is None else {(ORDER, 0): place})

        assert satisfies(view, token) is is_satisfied

    def test_a_floor_of_another_log_is_outlived(self) -> None:
        """A world proven current after the minute in which it was seen holds all of it."""
        seen = Seen(5, NOW_MINUTE)
        token = ConsistencyToken(floor={FloorKey(ORDER, 0, 7): seen})
        elsewhere = {(ORDER, 0): LogPlace(8, 1)}

        assert satisfies(FakeView(proven={ORDER: outlives(seen)}, places=elsewhere), token)
        assert not satisfies(FakeView(proven={ORDER: outlives(seen) - 1}, places=elsewhere), token)
        fallen_back = {(ORDER, 0): LogPlace(7, 4)}
        assert not satisfies(FakeView(proven={ORDER: 2.0**40}, places=fallen_back), token)

    def test_a_doubted_entry_is_refuted_by_a_later_proof(self) -> None:
        """What the owner has denied, and a world proven since does not hold, was never there."""
        token = with_doubts(ConsistencyToken({order("o-1"): Version(0, 4)}), [order("o-1")], 100)
        behind = FakeView({order("o-1"): Version(0, 3)}, proven={ORDER: 99.0})
        proven = FakeView({order("o-1"): Version(0, 3)}, proven={ORDER: 100.0})

        assert not satisfies(behind, token)
        assert satisfies(proven, token)
        assert is_refuted(proven, token, order("o-1"))
        assert not satisfies(proven, ConsistencyToken(token.entries))

    def test_who_has_not_looked_or_holds_it_refutes_nothing(self) -> None:
        """A world that passed it over, or shows the denied version, is no witness against it."""
        key = order("o-1")
        token = with_doubts(ConsistencyToken({key: Version(0, 4)}), [key], 100)
        passed_over = FakeView(proven={ORDER: 100.0}, passed_over=[key])
        holding = FakeView({key: Version(0, 4)}, proven={ORDER: 100.0})

        assert not is_refuted(passed_over, token, key)
        assert not is_refuted(holding, token, key)

    def test_a_denied_version_that_is_seen_is_in_doubt_no_more(self) -> None:
        """What a replica denied its owner may show a moment later, and then it is demanded."""
        key = order("o-1")
        token = with_doubts(ConsistencyToken({key: Version(0, 4)}), [key], 100)

        assert raised(token, {key: Version(0, 4)}).doubts == {}

    def test_no_projection_can_tell_of_an_uncertain_write(self) -> None:
        """It may come to be at any time; only its owner's word will do."""
        token = ConsistencyToken(uncertain=frozenset([order("o-1")]))

        assert not satisfies(
            FakeView({order("o-1"): Version(9, 9)}, proven={ORDER: 2.0**40}), token
        )

    def test_unmet_is_the_part_still_to_wait_for(self) -> None:
        """What is unmet names the missing entries and marks, and nothing that is already met."""
        token = ConsistencyToken(
            {order("o-1"): Version(0, 1), order("o-2"): Version(0, 2)}, {ORDER: 5, PRODUCT: 5}
        )
        view = FakeView({order("o-1"): Version(0, 1)}, proven={PRODUCT: 6.0})

        missing = unmet(view, token)

        assert missing == ConsistencyToken({order("o-2"): Version(0, 2)}, {ORDER: 5})

    def test_a_store_is_asked_for_the_log_that_was_seen_last(self) -> None:
        """Of two logs of one partition the older one is not there any more."""
        token = ConsistencyToken(
            floor={FloorKey(ORDER, 0, 9): Seen(50, 1), FloorKey(ORDER, 0, 7): Seen(5, 2)}
        )

        assert seen_places(token) == {("orders", 0): LogPlace(7, 5)}


class TestDemand:
    token = ConsistencyToken(
        {
            order("o-1"): Version(0, 1),
            order("o-2"): Version(0, 2),
            AggregateKey(CUSTOMER, "o-1"): Version(0, 3),
        },
        {ORDER: 5, PRODUCT: 5},
    )

    def test_a_read_by_keys_demands_their_entries_and_the_marks_of_their_types(self) -> None:
        """A mark stays although no entry names the key: the dropped one may have been its own."""
        demand = demand_for_keys(self.token, [order("o-1"), order("o-9")])

        assert demand == ConsistencyToken({order("o-1"): Version(0, 1)}, {ORDER: 5})

    def test_a_read_of_a_type_demands_its_marks_alone(self) -> None:
        """What is named is demanded where it is shown; marks and floors of a type always."""
        assert demand_for_keys(self.token, (), types=[ORDER]) == ConsistencyToken(marks={ORDER: 5})

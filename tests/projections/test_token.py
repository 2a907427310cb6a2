"""The token as a value: merging, holding it against a view, restricting it, making it fit."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from projections.token import (
    EMPTY_TOKEN,
    MAX_ENTRIES,
    MAX_ID_CHARACTERS,
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

ORDER, CUSTOMER, PRODUCT = AggregateType.ORDER, AggregateType.CUSTOMER, AggregateType.PRODUCT
NOW_MINUTE = 29_000_000


@dataclass(frozen=True)
class FakeView:
    """A view that shows these versions and was proven current in these minutes."""

    versions: Mapping[AggregateKey, Version] = field(default_factory=dict)
    proven: Mapping[AggregateType, int] = field(default_factory=dict)

    def version_of(self, key: AggregateKey) -> Version | None:
        return self.versions.get(key)

    def current_since_minute(self, aggregate_type: AggregateType) -> int | None:
        return self.proven.get(aggregate_type)


def order(id_: str) -> AggregateKey:
    return AggregateKey(ORDER, id_)


def orders(count: int) -> dict[AggregateKey, Version]:
    return {order(f"o-{number:03}"): Version(0, 1) for number in range(count)}


def products(count: int) -> dict[AggregateKey, Version]:
    return {AggregateKey(PRODUCT, f"p-{number:03}"): Version(0, 1) for number in range(count)}


def proven_none(key: AggregateKey, at: Version) -> bool:
    return False


def proven_all(key: AggregateKey, at: Version) -> bool:
    return True


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

    def test_merged_overflow_marks_keep_the_later_minute(self) -> None:
        """A mark of a later minute covers the drops of an earlier one."""
        earlier = ConsistencyToken(overflow={ORDER: 5, PRODUCT: 7})
        later = ConsistencyToken(overflow={ORDER: 6})

        merged = merge(earlier, later)

        assert merged.overflow == {ORDER: 6, PRODUCT: 7}

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
        ("proven_minute", "is_satisfied"), [(None, False), (99, False), (100, False), (101, True)]
    )
    def test_a_mark_is_met_only_after_the_end_of_its_minute(
        self, proven_minute: int | None, is_satisfied: bool
    ) -> None:
        """A proof of the very minute of the drop is not enough: it may precede the write."""
        token = ConsistencyToken(overflow={ORDER: 100})
        view = FakeView(proven={} if proven_minute is None else {ORDER: proven_minute})

        assert satisfies(view, token) is is_satisfied

    def test_a_proof_of_one_type_says_nothing_of_another(self) -> None:
        """Orders proven current do not meet a mark on products."""
        token = ConsistencyToken(overflow={PRODUCT: 100})

        assert not satisfies(FakeView(proven={ORDER: 200}), token)

    def test_unmet_is_the_part_still_to_wait_for(self) -> None:
        """What is unmet names the missing entries and marks, and nothing that is already met."""
        token = ConsistencyToken(
            {order("o-1"): Version(0, 1), order("o-2"): Version(0, 2)}, {ORDER: 5, PRODUCT: 5}
        )
        view = FakeView({order("o-1"): Version(0, 1)}, {PRODUCT: 6})

        missing = unmet(view, token)

        assert missing == ConsistencyToken({order("o-2"): Version(0, 2)}, {ORDER: 5})


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

    def test_a_read_of_a_list_demands_every_entry_of_its_type(self) -> None:
        """A list may show any order, so each order the client knows of bounds it."""
        demand = demand_for_type(self.token, ORDER)

        assert demand == ConsistencyToken(
            {order("o-1"): Version(0, 1), order("o-2"): Version(0, 2)}, {ORDER: 5}
        )


class TestFit:
    def test_a_token_with_room_is_left_alone(self) -> None:
        """As long as a token fits nothing is dropped from it, not even what is proven."""
        full = ConsistencyToken(orders(MAX_ENTRIES))

        assert fit(full, is_proven=proven_all, now_minute=NOW_MINUTE) is full

    def test_proven_entries_are_dropped_without_a_mark(self) -> None:
        """What every later view holds anyway needs neither an entry nor a mark."""
        over_full = ConsistencyToken(orders(MAX_ENTRIES + 8))

        fitted = fit(over_full, is_proven=proven_all, now_minute=NOW_MINUTE)

        assert len(fitted.entries) == MAX_ENTRIES
        assert not fitted.overflow

    def test_proven_entries_go_before_unproven_ones(self) -> None:
        """An unproven entry stays while there is a proven one to drop."""
        over_full = ConsistencyToken(orders(MAX_ENTRIES) | products(3))

        fitted = fit(
            over_full, is_proven=lambda key, at: key.type is PRODUCT, now_minute=NOW_MINUTE
        )

        assert fitted == ConsistencyToken(orders(MAX_ENTRIES))

    def test_a_dropped_unproven_entry_marks_its_type(self) -> None:
        """No bound is dropped silently: its type carries the minute of the drop."""
        over_full = ConsistencyToken(orders(MAX_ENTRIES + 1))

        fitted = fit(over_full, is_proven=proven_none, now_minute=NOW_MINUTE)

        assert len(fitted.entries) == MAX_ENTRIES
        assert fitted.overflow == {ORDER: NOW_MINUTE}

    def test_the_most_crowded_type_gives_way_first(self) -> None:
        """Marks fall on as few types as possible, because a marked type is read live."""
        over_full = ConsistencyToken(orders(20) | products(30))

        fitted = fit(over_full, is_proven=proven_none, now_minute=NOW_MINUTE)

        assert fitted.overflow == {PRODUCT: NOW_MINUTE}
        assert orders(20).items() <= fitted.entries.items()

    def test_an_earlier_mark_is_raised_and_others_are_kept(self) -> None:
        """A second overflow moves the mark of its own type forward and leaves the rest."""
        over_full = ConsistencyToken(
            orders(MAX_ENTRIES + 1), {ORDER: NOW_MINUTE - 9, CUSTOMER: NOW_MINUTE - 9}
        )

        fitted = fit(over_full, is_proven=proven_none, now_minute=NOW_MINUTE)

        assert fitted.overflow == {ORDER: NOW_MINUTE, CUSTOMER: NOW_MINUTE - 9}

    def test_long_ids_fill_a_token_before_its_entries_are_counted_out(self) -> None:
        """Ids of 64 characters leave room for 14 entries, so that the text stays within bounds."""
        long_ids = {order(f"{number:064}"): Version(0, 1) for number in range(MAX_ENTRIES)}

        fitted = fit(ConsistencyToken(long_ids), is_proven=proven_none, now_minute=NOW_MINUTE)

        assert fits(fitted)
        assert len(fitted.entries) == MAX_ID_CHARACTERS // 64

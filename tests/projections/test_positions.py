"""How far a source has been applied, when its log is in parts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.positions import (
    NEVER_S,
    NOTHING_SEEN,
    LogPlace,
    Partition,
    SourcePosition,
    have_reached,
    join_positions,
)
from tests.builders.rows import position

POSITIONS = st.builds(
    SourcePosition,
    st.text("0123456789", min_size=1),
    st.floats(0, 1e9),
    is_caught_up=st.booleans(),
    remaining_count=st.none() | st.integers(0, 1000),
)


def standing(*places: LogPlace, is_caught_up: bool = True) -> SourcePosition:
    """A position with these places, of the partitions 0, 1, 2 …"""
    return replace(position(is_caught_up=is_caught_up), places=dict(enumerate(places)))


def of_orders(*positions: SourcePosition, count: int | None = None) -> SourcePosition:
    """The joined position of a source whose partitions stand here."""
    count = len(positions) if count is None else count
    parts = {Partition("orders", index, count): at for index, at in enumerate(positions)}
    return join_positions(parts)["orders"]


class TestJoining:
    def test_source_of_one_partition_stands_where_that_stands(self) -> None:
        """A feed's position is its own, unchanged."""
        at = position("log-7", remaining_count=3)

        assert of_orders(at) == at

    def test_source_is_as_old_as_its_oldest_partition(self) -> None:
        """What is proven of one partition is not proven of the others."""
        joined = of_orders(position(proven_at_s=90.0), position(proven_at_s=60.0))

        assert joined.proven_at_s == 60.0

    def test_source_has_caught_up_with_its_last_partition(self) -> None:
        """One partition that has not been read to its end is enough to trust no absence."""
        joined = of_orders(position(), position(is_caught_up=False))

        assert not joined.is_caught_up

    def test_partition_that_nobody_has_read_counts(self) -> None:
        """A source with a partition that has no position yet is not caught up, nor proven."""
        joined = of_orders(position(remaining_count=0), count=2)

        assert not joined.is_caught_up
        assert joined.proven_at_s == NEVER_S
        assert joined.remaining_count is None

    def test_partition_that_was_added_later_counts(self) -> None:
        """A topic that grows makes its source unproven until the new part has been read."""
        parts = {
            Partition("orders", 0, 1): position(),
            Partition("orders", 1, 3): position(),
        }

        assert not join_positions(parts)["orders"].is_caught_up

    def test_lag_is_the_sum(self) -> None:
        """Where every partition tells its lag, the source's is all of it."""
        joined = of_orders(position(remaining_count=2), position(remaining_count=3))

        assert joined.remaining_count == 5

    def test_lag_of_which_a_part_is_unknown_is_unknown(self) -> None:
        """A sum with a hole is not told."""
        assert of_orders(position(remaining_count=2), position()).remaining_count is None

    def test_sources_are_apart(self) -> None:
        """What one source is waiting for does not touch another."""
        parts = {
            Partition("orders"): position(is_caught_up=False),
            Partition("products"): position(),
        }

        joined = join_positions(parts)

        assert (joined["orders"].is_caught_up, joined["products"].is_caught_up) == (False, True)

    def test_places_are_those_of_all_partitions(self) -> None:
        """Each partition is a log of its own; one that tells no place has none."""
        parts = {
            Partition("orders", 0, 3): standing(LogPlace(7, 10)),
            Partition("orders", 1, 3): position(),
            Partition("orders", 2, 3): replace(position(), places={2: LogPlace(9, 4)}),
        }

        assert join_positions(parts)["orders"].places == {0: LogPlace(7, 10), 2: LogPlace(9, 4)}

    @given(st.lists(POSITIONS, min_size=1, max_size=5))
    def test_the_whole_is_never_better_than_a_part(self, positions: list[SourcePosition]) -> None:
        """No proof, no catching up comes from joining."""
        joined = of_orders(*positions)

        assert joined.is_caught_up == all(at.is_caught_up for at in positions)
        assert all(joined.proven_at_s <= at.proven_at_s for at in positions)


class TestFollowing:
    def test_what_was_proven_stays_proven(self) -> None:
        """Falling behind makes a projection old, not unknown."""
        before = position("log-1", proven_at_s=60.0)
        behind = position("log-2", proven_at_s=NEVER_S, is_caught_up=False, remaining_count=9)

        after = behind.following(before)

        assert (after.is_caught_up, after.proven_at_s) == (True, 60.0)
        assert (after.cursor, after.remaining_count) == ("log-2", 9)

    def test_newer_proof_takes_over(self) -> None:
        """The last word counts, also when a wall clock was set back."""
        assert position(proven_at_s=30.0).following(position(proven_at_s=60.0)).proven_at_s == 30.0

    def test_first_position_stands_for_itself(self) -> None:
        """Nothing is inherited from nothing."""
        assert position(is_caught_up=False).following(None) == position(is_caught_up=False)


class TestPlaces:
    @pytest.mark.parametrize(
        ("place", "has_reached"),
        [
            (LogPlace(7, 10), True),
            (LogPlace(7, 11), True),
            (LogPlace(7, 9), False),
            (LogPlace(8, 11), False),
        ],
    )
    def test_places_compare_in_one_log(self, place: LogPlace, *, has_reached: bool) -> None:
        """A greater offset in another log says nothing."""
        assert place.has_reached(LogPlace(7, 10)) is has_reached

    def test_position_goes_on_with_its_own_place(self) -> None:
        """Where it stands is where it stands, not where it was."""
        after = standing(LogPlace(7, 12)).following(standing(LogPlace(7, 10)))

        assert after.places == {0: LogPlace(7, 12)}

    def test_place_is_told_while_behind(self) -> None:
        """Falling behind in the same log, or reading it for the first time, takes no place away."""
        behind = standing(LogPlace(7, 12), is_caught_up=False)

        assert behind.following(standing(LogPlace(7, 10))).places == behind.places
        assert behind.following(None).places == behind.places
        assert behind.following(standing(LogPlace(6, 10), is_caught_up=False)) == behind

    def test_log_read_again_over_its_rows_has_no_place_until_its_end(self) -> None:
        """Rows of the log before are newer than the first places of the next would say."""
        before = standing(LogPlace(7, 500))

        early = standing(LogPlace(8, 10), is_caught_up=False).following(before)
        later = standing(LogPlace(8, 90), is_caught_up=False).following(early)
        ended = standing(LogPlace(8, 99)).following(later)
        beyond = standing(LogPlace(8, 200), is_caught_up=False).following(ended)

        assert (early.places, later.places) == ({}, {})
        assert ended.places == {0: LogPlace(8, 99)}
        assert beyond.places == {0: LogPlace(8, 200)}

    @pytest.mark.parametrize(
        ("seen", "is_reached"),
        [
            (NOTHING_SEEN, True),
            ({("orders", 0): LogPlace(7, 10)}, True),
            ({("orders", 0): LogPlace(7, 10), ("orders", 1): LogPlace(8, 3)}, True),
            ({("orders", 0): LogPlace(7, 11)}, False),
            ({("orders", 0): LogPlace(8, 3)}, False),
            ({("orders", 0): LogPlace(7, 1), ("orders", 1): LogPlace(8, 4)}, False),
            ({("orders", 2): LogPlace(7, 1)}, False),
            ({("products", 0): LogPlace(7, 1)}, False),
        ],
    )
    def test_what_was_seen_is_reached_in_every_partition(
        self, seen: dict[tuple[str, int], LogPlace], *, is_reached: bool
    ) -> None:
        """One place that is behind, in another log or not told is enough to doubt the rest."""
        positions = {"orders": standing(LogPlace(7, 10), LogPlace(8, 3))}

        assert have_reached(positions, seen) is is_reached


@pytest.mark.parametrize(
    ("partition", "name"),
    [(Partition("orders"), "orders"), (Partition("orders", 3, 6), "orders/3")],
)
def test_name_of_a_partition(partition: Partition, name: str) -> None:
    """A source with one partition goes by its own name."""
    assert str(partition) == name

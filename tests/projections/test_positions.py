"""How far a source has been applied, when its log is in parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projections.positions import NEVER_S, Partition, SourcePosition, join_positions
from tests.builders.rows import position

POSITIONS = st.builds(
    SourcePosition,
    st.text("0123456789", min_size=1),
    st.floats(0, 1e9),
    is_caught_up=st.booleans(),
    remaining_count=st.none() | st.integers(0, 1000),
)


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


@pytest.mark.parametrize(
    ("partition", "name"),
    [(Partition("orders"), "orders"), (Partition("orders", 3, 6), "orders/3")],
)
def test_name_of_a_partition(partition: Partition, name: str) -> None:
    """A source with one partition goes by its own name."""
    assert str(partition) == name

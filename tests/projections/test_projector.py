"""The pure verdicts: what an event, a live answer and an unreadable event mean for a row."""

import pytest

from projections.projector import (
    Applied,
    Duplicate,
    Parked,
    StoredRow,
    judge,
    judge_healing,
    park,
)
from projections.versions import Version
from tests.builders.rows import change, customer_key, customer_row, poison, tombstone

KEY = customer_key()
STREAMED_2 = StoredRow(customer_row(version=2), Version(1, 2))
HEALED_2 = StoredRow(customer_row(version=2), Version(1, 2), is_streamed=False, healed_at_s=1_000.0)


class TestEvents:
    @pytest.mark.parametrize("current", [None, STREAMED_2, HEALED_2])
    def test_newer_state_is_applied_as_streamed(self, current: StoredRow | None) -> None:
        """Whatever was there, a newer state of the stream is the row."""
        verdict = judge(current, change(customer_row(version=3), previous=2))

        assert isinstance(verdict, Applied)
        assert verdict.stored == StoredRow(customer_row(version=3), Version(1, 3))

    @pytest.mark.parametrize("current", [STREAMED_2, HEALED_2])
    def test_older_state_is_a_duplicate(self, current: StoredRow) -> None:
        """It says nothing about the row, not even that the stream has reached it."""
        assert judge(current, change(customer_row(version=1))) == Duplicate(KEY)

    def test_same_state_of_a_streamed_row_is_a_duplicate(self) -> None:
        """Equal is not newer."""
        assert judge(STREAMED_2, change(customer_row(version=2, name="Other"))) == Duplicate(KEY)

    def test_same_state_of_a_healed_row_brings_the_stream_level(self) -> None:
        """The live row stays, but it is no longer ahead."""
        verdict = judge(HEALED_2, change(customer_row(version=2)))

        assert verdict == Duplicate(KEY, STREAMED_2)

    @pytest.mark.parametrize(
        ("current", "version", "epoch", "previous", "has_gap"),
        [
            (None, 1, 1, None, False),
            (None, 1, 1, 0, False),
            (None, 5, 1, 4, True),
            (STREAMED_2, 3, 1, 2, False),
            (STREAMED_2, 4, 1, 3, True),
            (STREAMED_2, 3, 2, 2, False),
            (STREAMED_2, 1, 2, None, False),
            (HEALED_2, 3, 1, 2, False),
        ],
    )
    def test_gap_is_a_version_that_nobody_saw(
        self,
        current: StoredRow | None,
        version: int,
        epoch: int,
        previous: int | None,
        *,
        has_gap: bool,
    ) -> None:
        """A jump within an epoch is told; between epochs nothing can be missing."""
        row = customer_row(version=version, epoch=epoch)

        verdict = judge(current, change(row, previous=previous))

        assert isinstance(verdict, Applied)
        assert verdict.has_gap is has_gap

    def test_deletion_is_a_change(self) -> None:
        """A tombstone obeys the same gate as a state."""
        verdict = judge(STREAMED_2, tombstone(KEY, 3))

        assert verdict == Applied(KEY, StoredRow(None, Version(1, 3)), has_gap=False)
        assert judge(STREAMED_2, tombstone(KEY, 2)) == Duplicate(KEY)


class TestLiveAnswers:
    @pytest.mark.parametrize("current", [None, STREAMED_2, HEALED_2])
    def test_newer_answer_is_applied_ahead_of_the_stream(self, current: StoredRow | None) -> None:
        """A live answer proves a state, not that the stream has brought it."""
        row = customer_row(version=3)

        verdict = judge_healing(current, row, healed_at_s=2_000.0)

        healed = StoredRow(row, Version(1, 3), is_streamed=False, healed_at_s=2_000.0)
        assert verdict == Applied(KEY, healed, has_gap=False)

    @pytest.mark.parametrize("current", [STREAMED_2, HEALED_2])
    @pytest.mark.parametrize("version", [1, 2])
    def test_answer_that_is_not_newer_is_a_duplicate(
        self, current: StoredRow, version: int
    ) -> None:
        """The gate is the same for live answers."""
        verdict = judge_healing(current, customer_row(version=version), healed_at_s=2_000.0)

        assert verdict == Duplicate(KEY)


class TestPoison:
    @pytest.mark.parametrize(
        ("current", "told_version", "until"),
        [
            (None, 3, Version(1, 3)),
            (STREAMED_2, 3, Version(1, 3)),
            (STREAMED_2, 1, Version(1, 1)),
            (None, None, Version(0, 0)),
            (STREAMED_2, None, Version(1, 3)),
        ],
    )
    def test_row_is_suspect_until_the_lost_version(
        self, current: StoredRow | None, told_version: int | None, until: Version
    ) -> None:
        """The lost version itself, or, where even that is lost, any newer than the present one."""
        assert park(current, poison(KEY, told_version)) == Parked(KEY, "data: not for us", until)

"""Which samples of a process's memory count, and what they come to."""

import os

import pytest

from benchmarks.figures import Verdict
from benchmarks.memory import figures_of, slope_of
from benchmarks.process_usage import cpu_s, resident_kb

GROWS_AT_FIRST = [(float(at), 50_000.0 + min(at, 20) * 500) for at in range(60)]
LOSES_A_KB_A_SECOND = [(float(at), 50_000.0 + at) for at in range(300)]


def test_what_a_process_takes_at_its_start_is_no_growth() -> None:
    """The first third does not count, for caches fill and allocators take what they keep."""
    assert slope_of(GROWS_AT_FIRST) == pytest.approx(0, abs=1e-6)


def test_a_kilobyte_lost_each_second_is_told_as_sixty_a_minute() -> None:
    """A slope is told in the unit of its aim."""
    assert slope_of(LOSES_A_KB_A_SECOND) == pytest.approx(60)


@pytest.mark.parametrize(
    ("kb_per_s", "verdict"), [(0, Verdict.PASS), (1, Verdict.PASS), (5, Verdict.SHORT)]
)
def test_flat_is_no_more_than_a_megabyte_in_ten_minutes(kb_per_s: float, verdict: Verdict) -> None:
    """Growth that would come to a percent in ten minutes falls short."""
    samples = [(float(at), 100_000 + kb_per_s * at) for at in range(90)]

    [figure] = figures_of("gateway", samples, 0.0, "")

    assert figure.verdict is verdict


def test_a_process_can_be_asked_what_it_uses() -> None:
    """The kernel tells memory and processor time of any process of ours."""
    assert resident_kb(os.getpid()) > 1000
    assert cpu_s(os.getpid()) > 0

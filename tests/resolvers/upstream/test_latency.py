"""When a call is late: the 95th percentile of the last answers, within its two bounds."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.upstream.latency import Latency, percentile
from resolvers.upstream.options import HedgeOptions

DURATIONS_S = st.lists(st.floats(0.0, 10.0), max_size=200)


def latency_of(took_s: Sequence[float], options: HedgeOptions | None = None) -> Latency:
    latency = Latency(options or HedgeOptions())
    for each_s in took_s:
        latency.note(each_s)
    return latency


@given(DURATIONS_S, st.integers(20, 60))
def test_late_is_the_95th_percentile_of_the_last_answers(
    took_s: list[float], sample_count: int
) -> None:
    """Of the remembered ones at most a twentieth took longer, and with one less it were more."""
    options = HedgeOptions(
        sample_count=sample_count, least_sample_count=1, floor_s=0, usual_ratio=1000
    )

    late_s = latency_of(took_s, options).late_after_s

    last = sorted(took_s[-sample_count:])
    if not last:
        assert late_s is None
        return
    p95_s = last[math.ceil(0.95 * len(last)) - 1]
    median_s = last[math.ceil(0.5 * len(last)) - 1]
    assert late_s == min(p95_s, 1000 * median_s)
    assert sum(each_s > p95_s for each_s in last) <= 0.05 * len(last)
    assert sum(each_s >= p95_s for each_s in last) > 0.05 * len(last)


@given(DURATIONS_S)
def test_nothing_is_late_before_the_floor_nor_after_three_medians(took_s: list[float]) -> None:
    """Whatever was measured, late lies between the floor and three times the usual."""
    options = HedgeOptions()

    late_s = latency_of(took_s, options).late_after_s

    if len(took_s) < options.least_sample_count:
        assert late_s is None
        return
    usual_s = percentile(sorted(took_s[-options.sample_count :]), 0.5)
    assert late_s is not None
    assert options.floor_s <= late_s <= max(options.floor_s, options.usual_ratio * usual_s)


@pytest.mark.parametrize(
    ("took_s", "late_after_s"),
    [
        ([0.03] * 19, None),
        ([0.03] * 20, 0.03),
        ([0.001] * 20, 0.02),
        ([0.03] * 95 + [0.05] * 5, 0.03),
        ([0.03] * 94 + [0.05] * 6, 0.05),
        ([0.03] * 94 + [0.5] * 6, 0.09),
        ([0.5] * 500 + [0.03] * 500, 0.03),
    ],
    ids=["too few", "enough", "floor", "a twentieth", "more", "ceiling", "forgotten"],
)
def test_when_a_call_is_late(took_s: list[float], late_after_s: float | None) -> None:
    """A twentieth may take longer; the floor and three medians bound it; old answers are gone."""
    assert latency_of(took_s).late_after_s == pytest.approx(late_after_s)

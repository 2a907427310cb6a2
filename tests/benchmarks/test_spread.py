"""Many times in three numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.spread import percentile, spread

TIMES = st.lists(st.floats(min_value=0, max_value=10), min_size=1, max_size=200)


def test_of_a_hundred_values_the_99th_percentile_is_the_last_but_one() -> None:
    """Of a hundred values, exactly one may lie above the 99th percentile."""
    values = [float(number) for number in range(1, 101)]

    measured = spread(reversed(values))

    assert (measured.p50, measured.p99, measured.greatest, measured.count) == (50, 99, 100, 100)


@given(times=TIMES, share=st.floats(min_value=0.01, max_value=1))
def test_a_percentile_is_a_value_that_was_measured(times: list[float], share: float) -> None:
    """At least the share of all values is no greater than the percentile, which is one of them."""
    found = percentile(sorted(times), share)

    assert found in times
    assert sum(time <= found for time in times) >= share * len(times) - 1e-9


def test_nothing_has_no_spread() -> None:
    """A measurement that measured nothing fails, and is not a zero."""
    with pytest.raises(ValueError, match="nothing was measured"):
        spread([])

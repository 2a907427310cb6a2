"""What becomes of a quantity over time."""

import pytest

from benchmarks.trend import trend_of


def test_a_line_has_its_slope_and_no_error() -> None:
    """Samples on a line give that line, wherever it starts."""
    trend = trend_of([(at + 100, 7 + 3 * at) for at in range(10)])

    assert trend.slope == pytest.approx(3)
    assert trend.error == pytest.approx(0, abs=1e-9)


def test_noise_widens_the_error_and_leaves_the_slope() -> None:
    """What goes up and down by turns has no slope, and an error that says how little is known."""
    trend = trend_of([(at, 100 + (1 if at % 2 else -1)) for at in range(101)])

    assert trend.slope == pytest.approx(0, abs=1e-3)
    assert trend.error > 0


@pytest.mark.parametrize("samples", [[], [(0, 1)], [(0, 1), (1, 2)], [(5, 1), (5, 2), (5, 3)]])
def test_too_little_has_no_trend(samples: list[tuple[float, float]]) -> None:
    """Two samples, or one instant, make no trend."""
    with pytest.raises(ValueError, match="three samples"):
        trend_of(samples)

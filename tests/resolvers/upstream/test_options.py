"""Options out of range stop the start, naming themselves."""

from typing import Any

import pytest

from resolvers.upstream.options import BreakerOptions, HedgeOptions, RetryOptions, UpstreamOptions


def test_defaults_are_inside_their_own_ranges() -> None:
    """An upstream needs nothing but its address."""
    options = UpstreamOptions(base_url="http://orders.test/api")

    assert options.breaker == BreakerOptions()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("attempt_timeout_s", 0),
        ("attempt_timeout_s", float("nan")),
        ("in_flight_limit", 0),
        ("queue_limit", -1),
        ("answer_limit_bytes", 10),
        ("idle_connection_s", -0.1),
        ("base_url", "orders.test"),
        ("base_url", "ftp://orders.test"),
        ("base_url", "http://"),
    ],
)
def test_upstream_option_out_of_range_is_named(name: str, value: Any) -> None:
    """A refused option says its name and the refused value."""
    with pytest.raises(ValueError, match=f"^{name} must be .* not "):
        UpstreamOptions(**{"base_url": "http://orders.test", name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("window_s", 0.5),
        ("bucket_count", 1),
        ("min_call_count", 0),
        ("failure_ratio", 0),
        ("failure_ratio", 1.1),
        ("break_s", 0),
    ],
)
def test_breaker_option_out_of_range_is_named(name: str, value: Any) -> None:
    """A refused option says its name and the refused value."""
    with pytest.raises(ValueError, match=f"^{name} must be between .* not "):
        BreakerOptions(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit_count", -1),
        ("backoff_s", float("nan")),
        ("calls_per_retry", -1),
        ("floor_count", 101),
        ("reserve_count", 0),
    ],
)
def test_retry_option_out_of_range_is_named(name: str, value: Any) -> None:
    """A refused option says its name and the refused value."""
    with pytest.raises(ValueError, match=f"^{name} must be between .* not "):
        RetryOptions(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("floor_s", -0.1),
        ("usual_ratio", 0.9),
        ("sample_count", 19),
        ("least_sample_count", 501),
        ("calls_per_hedge", 0),
        ("reserve_count", 0),
    ],
)
def test_hedge_option_out_of_range_is_named(name: str, value: Any) -> None:
    """A refused option says its name and the refused value."""
    with pytest.raises(ValueError, match=f"^{name} must be between .* not "):
        HedgeOptions(**{name: value})

"""Options out of range stop the start, naming themselves."""

from typing import Any

import pytest

from resolvers.upstream.options import BreakerOptions, UpstreamOptions


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

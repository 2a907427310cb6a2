"""A call tells the upstream who asks and how long the answer is wanted."""

import asyncio

import pytest

from resolvers.upstream.call_context import CallContext
from resolvers.upstream.deadline import Deadline

pytestmark = pytest.mark.steered_time


async def test_headers_name_the_request_and_the_whole_milliseconds_left() -> None:
    """The time left is rounded down to whole milliseconds, as of the moment of asking."""
    context = CallContext(Deadline.after(1.0), request_id="r-1", traceparent="00-ab-cd-01")

    await asyncio.sleep(0.2505)

    assert context.headers() == {
        "X-Request-Id": "r-1",
        "X-Deadline-Ms": "749",
        "traceparent": "00-ab-cd-01",
    }


@pytest.mark.parametrize("timeout_s", [0.0004, 0.0, -3.0])
async def test_time_left_is_never_told_as_less_than_one_millisecond(timeout_s: float) -> None:
    """An upstream is never told 0, which could mean "no limit", nor a negative time."""
    context = CallContext(Deadline.after(timeout_s), request_id="r-1")

    headers = context.headers()

    assert headers["X-Deadline-Ms"] == "1"


async def test_request_without_trace_sends_no_trace_header() -> None:
    """An absent trace context is absent on the wire too."""
    context = CallContext(Deadline.after(1.0), request_id="r-1")

    assert "traceparent" not in context.headers()


@pytest.mark.parametrize("name", ["r-1\r\nX-Admin: yes", "ré", "\x00"])
async def test_name_that_cannot_be_a_header_is_refused_at_the_door(name: str) -> None:
    """A request id that would break the wire is a ValueError before anything is sent."""
    with pytest.raises(ValueError, match="printable ASCII"):
        CallContext(Deadline.after(1.0), request_id=name)
    with pytest.raises(ValueError, match="printable ASCII"):
        CallContext(Deadline.after(1.0), request_id="r-1", traceparent=name)

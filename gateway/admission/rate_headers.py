"""What a client is told of her budget: `RateLimit` headers, and the refusal when it is spent.

The fields are those of draft-ietf-httpapi-ratelimit-headers: ``q`` cost in ``w`` seconds, ``r`` left
and ``t`` seconds until all of it is there again.
"""

import math
from http import HTTPStatus
from typing import Final

from gateway.admission.rate import Overdrawn, RateLimit, RateOptions
from gateway.errors import ErrorCode, RequestRefused

RawHeaders = tuple[tuple[bytes, bytes], ...]

MESSAGES: Final = {
    RateLimit.RATE: "you have asked for too much in a short time; nothing was done: ask again later",
    RateLimit.IN_FLIGHT: "too much that you have asked is not answered yet; nothing was done: "
    "wait for the answers",
}


def told(options: RateOptions, left_cost: int, whole_in_s: float) -> RawHeaders:
    """The headers of an answer."""
    window_s = math.ceil(options.burst_s)
    return (
        (b"ratelimit-policy", b'"cost";q=%d;w=%d' % (options.burst_cost, window_s)),
        (b"ratelimit", b'"cost";r=%d;t=%d' % (left_cost, math.ceil(whole_in_s))),
    )


def refused(overdrawn: Overdrawn, headers: RawHeaders) -> RequestRefused:
    """The refusal of a request that its client cannot pay."""
    return RequestRefused(
        HTTPStatus.TOO_MANY_REQUESTS,
        ErrorCode.RATE_LIMITED,
        MESSAGES[overdrawn.limit],
        retry_after_s=max(overdrawn.wait_s, 0.1),
        details={"limit": overdrawn.limit.value},
        headers=headers,
    )

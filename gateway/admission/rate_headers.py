"""What a client is told of her budget, in the fields of draft-ietf-httpapi-ratelimit-headers.

``q`` is the cost that may come at once, paid back in ``w`` seconds; ``r`` is what is left of it,
and ``t`` the seconds until all of it is there again.
"""

import math

from gateway.admission.rate import RateOptions

RawHeaders = tuple[tuple[bytes, bytes], ...]


def told(options: RateOptions, left_cost: int, whole_in_s: float) -> RawHeaders:
    """The headers of an answer."""
    window_s = math.ceil(options.burst_s)
    return (
        (b"ratelimit-policy", b'"cost";q=%d;w=%d' % (options.burst_cost, window_s)),
        (b"ratelimit", b'"cost";r=%d;t=%d' % (left_cost, math.ceil(whole_in_s))),
    )

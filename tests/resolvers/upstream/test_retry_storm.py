"""A service that fails whatever it is asked, under many readers: retries must not make it worse."""

import pytest
import respx

from resolvers.upstream.options import RetryOptions, UpstreamOptions
from tests.resolvers.upstream.builders import NEVER_OPEN, an_upstream, ask, some_options
from tests.resolvers.upstream.retried import BROKEN, RESET, RETRYING, WELL, answers

pytestmark = pytest.mark.steered_time

UNBOUNDED = some_options(breaker=NEVER_OPEN, retry=RetryOptions(calls_per_retry=0))
READER_COUNT = 2000


async def attempts_per_read(
    router: respx.Router, service: respx.Route, options: UpstreamOptions
) -> float:
    answers(service, RESET)
    upstream = an_upstream(router, options)
    for _ in range(READER_COUNT):
        await ask(upstream)
    return service.call_count / READER_COUNT


async def test_an_outage_is_not_made_worse(router: respx.Router, service: respx.Route) -> None:
    """At 100 % failure there are at most 1.10 attempts a read."""
    assert await attempts_per_read(router, service, RETRYING) <= 1.10


async def test_control_without_a_budget_it_is_three_times_worse(
    router: respx.Router, service: respx.Route
) -> None:
    """The control: each read is three attempts."""
    assert await attempts_per_read(router, service, UNBOUNDED) == 3.0


async def test_after_good_times_the_reserve_and_no_more_is_spent(
    router: respx.Router, service: respx.Route
) -> None:
    """A thousand good reads have saved ten retries for the hundred bad ones that follow."""
    upstream = an_upstream(router, RETRYING)
    answers(service, WELL)
    for _ in range(1000):
        await ask(upstream)

    answers(service, BROKEN)
    for _ in range(100):
        await ask(upstream)

    assert service.call_count <= 1000 + 100 + 10 + 10

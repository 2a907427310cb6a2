"""A service whose calls last as long as a test says, and an upstream that knows its pace."""

import asyncio

import httpx
import respx

from resolvers.upstream.call import Upstream
from resolvers.upstream.options import HedgeOptions, UpstreamOptions
from tests.resolvers.upstream.builders import NEVER_OPEN, an_upstream, ask, some_options

HEDGING = some_options(breaker=NEVER_OPEN, hedge=HedgeOptions())
USUAL_S = 0.02
LATE_S = 0.03


class Service:
    """Answers after some time or fails after some time, each call as it is told; counts them."""

    def __init__(self) -> None:
        self.call_count = self.in_flight_count = self.cancelled_count = 0
        self._plan: list[float] = []

    def will(self, *outcomes_s: float) -> None:
        """The next calls last so long (s); one of a negative time fails after that time."""
        self._plan = list(outcomes_s)

    async def __call__(self, _: httpx.Request) -> httpx.Response:
        self.call_count += 1
        outcome_s = self._plan.pop(0) if self._plan else USUAL_S
        number = self.call_count
        self.in_flight_count += 1
        try:
            await asyncio.sleep(abs(outcome_s))
        except asyncio.CancelledError:
            self.cancelled_count += 1
            raise
        finally:
            self.in_flight_count -= 1
        if outcome_s < 0:
            return httpx.Response(500, headers={"Retry-After": str(number)})
        return httpx.Response(200, text=f"answer {number}")


async def warmed_up(
    router: respx.Router, orders: Service, options: UpstreamOptions = HEDGING
) -> Upstream:
    """An upstream that was answered forty times, within 20 or 30 ms; its calls are not counted."""
    upstream = an_upstream(router, options)
    orders.will(*[LATE_S] * 4, *[USUAL_S] * 36)
    for _ in range(40):
        await ask(upstream)
    orders.call_count = 0
    return upstream

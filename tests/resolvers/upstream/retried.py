"""A service that does one thing after the other, and calls that may be made again."""

import httpx
import respx

from resolvers.upstream.options import RetryOptions
from tests.resolvers.upstream.builders import MUTATION, NEVER_OPEN, some_options

RETRYING = some_options(breaker=NEVER_OPEN, retry=RetryOptions())
KEYED = MUTATION.with_headers({"Idempotency-Key": "k-1"})
BROKEN = httpx.Response(500)
RESET = httpx.ReadError("reset")
WELL = httpx.Response(200, text="an order")


def answers(service: respx.Route, *outcomes: httpx.Response | Exception) -> None:
    """The service does these things one after the other, and the last for ever."""
    waiting = list(outcomes)

    def next_outcome(_: httpx.Request) -> httpx.Response:
        outcome = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    service.mock(side_effect=next_outcome)


def problem(status: int, code: str) -> httpx.Response:
    return httpx.Response(status, json={"code": code})

"""A write that meets a failing service: the client learns whether it may have happened."""

import httpx
import pytest

from tests.faults.misbehaviour import Behaviour, answering, failing, hanging, misbehave
from tests.gateway_in_process import open_gateway, twins_of
from tests.graphql_answers import Json
from tests.resolvers.rows import SHOP

pytestmark = pytest.mark.steered_time

WRITE = 'mutation { updateOrder(input: {id: "o-1", note: "Ring"}) { order { note } } }'
TOO_BUSY = httpx.Response(429, headers={"Retry-After": "2"})

UNKNOWN = {"service": "orders", "outcome": "UNKNOWN"}
NOT_DONE = {"service": "orders"}
TROUBLES: dict[str, tuple[Behaviour, Json, float]] = {
    "hangs": (hanging, {"code": "UPSTREAM_TIMEOUT", **UNKNOWN}, 1.0),
    "resets": (failing(httpx.ReadError), {"code": "UPSTREAM_UNAVAILABLE", **UNKNOWN}, 0.0),
    "500": (answering(httpx.Response(500)), {"code": "UPSTREAM_UNAVAILABLE", **UNKNOWN}, 0.0),
    "malformed": (
        answering(httpx.Response(200, text="{")),
        {"code": "UPSTREAM_INVALID_ANSWER", **UNKNOWN},
        0.0,
    ),
    "refuses": (failing(httpx.ConnectError), {"code": "UPSTREAM_UNAVAILABLE", **NOT_DONE}, 0.0),
    "too busy": (
        answering(TOO_BUSY),
        {"code": "UPSTREAM_UNAVAILABLE", "retryAfterMs": 2000, **NOT_DONE},
        0.0,
    ),
}


@pytest.mark.parametrize(("behaviour", "told", "elapsed_s"), TROUBLES.values(), ids=TROUBLES.keys())
async def test_a_write_is_sent_once_and_its_fate_is_told(
    behaviour: Behaviour, told: Json, elapsed_s: float
) -> None:
    """Where it may have been done the outcome is UNKNOWN; where it cannot have, nothing is said."""
    twins = twins_of(*SHOP)
    misbehave(twins, "orders", behaviour)
    async with open_gateway(twins) as bff:
        answer = await bff.ask(WRITE)

        assert answer.partial_data is None
        assert answer.error["extensions"] == told
        assert answer.error["path"] == ["updateOrder"]
        assert ("may have been done" in answer.error["message"]) is ("outcome" in told)
        assert (answer.elapsed_s, len(bff.hits)) == (elapsed_s, 1)


async def test_a_write_that_failed_promises_nothing() -> None:
    """There is no version to promise; the read that follows is an ordinary one."""
    twins = twins_of(*SHOP)
    misbehave(twins, "orders", hanging)
    async with open_gateway(twins) as bff:
        answer = await bff.ask(WRITE)

        assert answer.token is None

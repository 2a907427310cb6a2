"""What of a client's request goes on to the services: what is named here, and nothing else."""

import pytest

from tests.gateway.front_door import A_MUTATION, A_QUERY, open_door
from tests.gateway.identity.bearers import BELIEVING, as_staff

pytestmark = pytest.mark.steered_time

PLACE = (
    'mutation { placeOrder(input: {customerId: "c-1", items: [{productId: "p-1", quantity: 1}], '
    'idempotencyKey: "key-1"}) { order { id } } }'
)
OF_THE_WIRE = {"host", "connection", "content-length"}
ALLOWED = {
    *("accept", "accept-encoding", "user-agent", "content-type"),
    *("x-request-id", "traceparent", "tracestate", "x-deadline-ms"),
    *("idempotency-key", "if-match", "min-version", "x-causal-deps"),
}
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
CLIENT_S = {
    **as_staff(),
    "cookie": "session=secret-of-hers",
    "x-forwarded-for": "a.proxy.test",
    "x-api-key": "secret-of-hers",
    "x-user": "ada",
    "origin": "https://shop.test",
    "referer": "https://shop.test/secret-of-hers",
    "user-agent": "her browser/1.0",
    "accept-language": "de",
    "baggage": "user=ada",
    "idempotency-key": "smuggled",
    "if-match": '"smuggled"',
    "x-causal-deps": "smuggled",
    "min-version": "99",
    "proxy-authorization": "Basic secret-of-hers",
    "x-request-id": "request-1",
    "traceparent": TRACE,
    "tracestate": "vendor=followed",
}


@pytest.mark.parametrize("query", [A_QUERY, A_MUTATION, PLACE], ids=["read", "change", "create"])
async def test_nothing_of_the_client_s_headers_reaches_a_service(query: str) -> None:
    """But for the names by which a request is followed; all others are the gateway's own."""
    async with open_door(**BELIEVING) as door:
        answer = await door.ask(query, headers=CLIENT_S)
        hits = list(door.wire.hits)

    assert "errors" not in answer.json()
    assert hits
    for hit in hits:
        assert {*map(str.lower, hit.headers)} - OF_THE_WIRE <= ALLOWED
        sent = " ".join(hit.headers.values()) + hit.body.decode()
        for value in ("secret-of-hers", "smuggled", "her browser", "a.proxy.test", "ada"):
            assert value not in sent
        assert CLIENT_S["authorization"] not in sent
        assert hit.headers["x-request-id"] == "request-1"
        assert hit.headers["traceparent"] == TRACE
        assert hit.headers["tracestate"] == CLIENT_S["tracestate"]


async def test_a_header_that_is_no_name_is_not_passed_on() -> None:
    """A request id or a trace that is none is replaced or left out."""
    odd = {"x-request-id": "a\tb", "traceparent": "nonsense"}
    async with open_door(anonymous="everything") as door:
        await door.ask(A_QUERY, headers=odd)
        [hit] = door.wire.hits

    assert hit.headers["x-request-id"] != odd["x-request-id"]
    assert "traceparent" not in hit.headers

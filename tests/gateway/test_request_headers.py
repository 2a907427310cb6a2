import pytest

from tests.gateway.front_door import A_QUERY, Exchange, open_door, part

pytestmark = pytest.mark.steered_time


async def test_the_request_id_of_the_caller_comes_back() -> None:
    """An answer carries the id its request came with, a refusal too."""
    async with open_door() as door:
        answered = await door.post(headers={"x-request-id": "abc-1"})
        refused = await door.post(b"[", {"x-request-id": "abc-2"})

    assert answered.headers["x-request-id"] == "abc-1"
    assert refused.headers["x-request-id"] == "abc-2"


async def test_a_request_id_cannot_write_headers() -> None:
    """An id that would break out of its header is replaced, and nothing else is added."""
    async with open_door() as door:
        exchange = Exchange(
            [part(b'{"query":"{ __typename }"}')],
            headers={"content-type": "application/json", "x-request-id": "a\r\nset-cookie: b=c"},
        )
        await exchange.run(door.app)

    names = [name for name, _ in exchange.sent[0]["headers"]]
    assert b"set-cookie" not in names
    assert all(b"\n" not in value for _, value in exchange.sent[0]["headers"])


@pytest.mark.parametrize(
    ("asked_ms", "told_ms"),
    [("300", "300"), ("5000", "2000"), ("-1", "2000"), ("soon", "2000"), ("1e2", "2000")],
)
async def test_a_caller_may_wait_for_less_than_we_allow(asked_ms: str, told_ms: str) -> None:
    """Services are told what is left of the shorter time; what is no number says nothing."""
    async with open_door() as door:
        await door.ask(A_QUERY, headers={"x-deadline-ms": asked_ms})

    assert [hit.headers["x-deadline-ms"] for hit in door.wire.hits] == [told_ms]


async def test_a_caller_who_has_no_time_left_gets_an_answer_at_once() -> None:
    """Nobody is asked for her."""
    async with open_door() as door:
        response = await door.ask(A_QUERY, headers={"x-deadline-ms": "0"})

    assert door.wire.hits == []
    assert [error["extensions"]["code"] for error in response.json()["errors"]] == [
        "DEADLINE_EXCEEDED"
    ]


async def test_the_services_hear_the_same_request_id_and_trace() -> None:
    """One id follows a request through all services that it asks."""
    trace = f"00-{'a' * 32}-{'b' * 16}-01"
    async with open_door() as door:
        await door.ask(A_QUERY, headers={"x-request-id": "abc-1", "traceparent": trace})

    [hit] = door.wire.hits
    assert hit.headers["x-request-id"] == "abc-1"
    assert hit.headers["traceparent"] == trace


async def test_no_other_header_of_the_caller_reaches_a_service() -> None:
    """Credentials and forwarding headers of a client stay at the door."""
    sent = {"authorization": "Bearer x", "cookie": "a=b", "x-forwarded-for": "192.0.2.1"}
    async with open_door() as door:
        await door.ask(A_QUERY, headers=sent)

    [hit] = door.wire.hits
    assert not set(sent) & set(hit.headers)

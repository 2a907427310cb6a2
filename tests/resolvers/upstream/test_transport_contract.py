"""The contract of the wire, kept by every client behind it, on real sockets."""

import pytest

from resolvers.upstream.errors import InvalidAnswer, UpstreamError
from resolvers.upstream.transport import Request, Response
from tests.resolvers.upstream.builders import MUTATION, READ
from tests.resolvers.upstream.socket_services import (
    ANSWER,
    Behaviour,
    Exchange,
    answers,
    hangs,
    says,
    service_that,
)
from tests.resolvers.upstream.wires import LIMIT_BYTES, MakeTransport, error_of, transport_to

pytestmark = pytest.mark.every_loop

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


async def answer_of(make: MakeTransport, behaves: Behaviour, request: Request = READ) -> Response:
    async with service_that(behaves) as service, transport_to(make, service.port) as transport:
        return await transport.send(request)


async def test_answer_comes_whole_whatever_its_status(make: MakeTransport) -> None:
    """Status, body, and headers: names in lower case, one sent twice joined by a comma."""
    answer = await answer_of(
        make,
        says(
            b"HTTP/1.1 503 Later\r\nRetry-After: 7\r\nX-One: a\r\nx-one: b\r\n"
            b"Content-Length: 5\r\n\r\nlater"
        ),
    )

    assert (answer.status, answer.body) == (503, b"later")
    assert answer.headers["retry-after"] == "7"
    assert answer.headers["x-one"] == "a, b"


async def test_request_is_sent_as_it_stands(make: MakeTransport) -> None:
    """Path below the service's own, parameters, headers and body arrive once and unchanged."""
    params = {"dry": "a,b", "q": "ä &=+"}
    request = Request(
        "PATCH", "/orders/o%2F1%20é".replace("é", "%C3%A9"), params, {"If-Match": '"3"'}, b"{}"
    )
    async with (
        service_that(answers) as service,
        transport_to(make, service.port, path="/api/v1") as transport,
    ):
        await transport.send(request)

    (received,) = service.requests
    method, target, version = received.line.split(" ")
    assert (method, version) == ("PATCH", "HTTP/1.1")
    assert target == "/api/v1/orders/o%2F1%20%C3%A9?dry=a%2Cb&q=%C3%A4+%26%3D%2B"
    assert received.body == b"{}"
    assert received.headers["if-match"] == '"3"'
    assert received.headers["content-type"] == "application/json"
    assert received.headers["accept-encoding"] == "identity"
    assert received.headers["host"] == f"127.0.0.1:{service.port}"


async def test_nothing_is_sent_that_nobody_asked_for(make: MakeTransport) -> None:
    """A read carries what every call carries, its own headers, and nothing of the client's."""
    async with service_that(answers) as service, transport_to(make, service.port) as transport:
        await transport.send(READ.with_headers({"X-Request-Id": "r-1"}))

    (received,) = service.requests
    sent = received.headers.keys() - {"connection"}
    assert sent == {"host", "accept", "accept-encoding", "user-agent", "x-request-id"}
    assert received.headers["user-agent"] == "bff-gateway"


async def test_value_with_a_line_break_is_never_sent(make: MakeTransport) -> None:
    """Nobody's words become a header, or a request, of their own."""
    async with service_that(answers) as service, transport_to(make, service.port) as transport:
        for value in ("k\r\nX-Admin: yes", "k\nX-Admin: yes", "k\r\n\r\nGET / HTTP/1.1\r\n\r\n"):
            with pytest.raises((UpstreamError, ValueError)):
                await transport.send(READ.with_headers({"Idempotency-Key": value}))

    assert not service.requests


async def test_interim_answers_are_not_the_answer(make: MakeTransport) -> None:
    """An early hint comes before the answer, and adds nothing to it."""
    hint = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"

    answer = await answer_of(make, says(hint + ANSWER))

    assert (answer.status, answer.body) == (200, b"{}")
    assert "link" not in answer.headers


BODIES = {
    "empty": b"",
    "large": b"x" * LIMIT_BYTES,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("is_chunked", [False, True])
async def test_body_of_any_size_up_to_the_limit_comes_whole(
    make: MakeTransport, body: bytes, is_chunked: bool
) -> None:
    """In one piece or in chunks; the limit itself is allowed."""
    answer = await answer_of(make, says(rendered(body, is_chunked=is_chunked)))

    assert answer.body == body


async def test_body_without_length_ends_with_its_connection(make: MakeTransport) -> None:
    """As HTTP/1.0 has it."""
    answer = await answer_of(make, says(HEAD + b"\r\n{}"))

    assert answer.body == b"{}"


def rendered(body: bytes, *, is_chunked: bool) -> bytes:
    if not is_chunked:
        return HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body
    step = 1000
    parts = [body[start : start + step] for start in range(0, len(body), step)]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_endless_body_is_not_read_to_its_end(make: MakeTransport, is_chunked: bool) -> None:
    """Reading stops soon after the limit, and the connection is given up."""
    written_bytes = 0

    async def floods(exchange: Exchange) -> None:
        nonlocal written_bytes
        way = b"Transfer-Encoding: chunked" if is_chunked else b"Content-Length: 999999999999"
        exchange.writer.write(HEAD + way + b"\r\n\r\n")
        while not exchange.writer.is_closing():
            exchange.writer.write(b"400\r\n%s\r\n" % (b"x" * 1024) if is_chunked else b"x" * 1024)
            written_bytes += 1024
            await exchange.writer.drain()

    async with service_that(floods) as service, transport_to(make, service.port) as transport:
        error = await error_of(transport, READ)
        await service.until(lambda: service.open_count == 0)

    assert type(error) is InvalidAnswer
    assert written_bytes < 64 * LIMIT_BYTES  # what the system's own buffers hold is not ours


async def test_compressed_body_is_refused_unopened(make: MakeTransport) -> None:
    """A small body that would be large in memory is no answer: none was asked for."""

    async def sends_a_head_only(exchange: Exchange) -> None:
        exchange.writer.write(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 999\r\n\r\n")
        await hangs(exchange)

    async with (
        service_that(sends_a_head_only) as service,
        transport_to(make, service.port) as transport,
    ):
        error = await error_of(transport, MUTATION)
        await service.until(lambda: service.open_count == 0)

    assert type(error) is InvalidAnswer
    assert error.is_outcome_unknown


async def test_redirect_is_not_followed(make: MakeTransport) -> None:
    """No service can send our calls elsewhere."""
    async with service_that(answers) as elsewhere:
        place = f"Location: http://127.0.0.1:{elsewhere.port}/\r\n".encode()
        answer = await answer_of(
            make, says(b"HTTP/1.1 302 Found\r\n" + place + b"Content-Length: 0\r\n\r\n")
        )

    assert answer.status == 302
    assert not elsewhere.requests


async def test_cookies_are_not_kept_between_calls(make: MakeTransport) -> None:
    """A session cookie of one user's call never travels with the next user's."""

    async def sets_a_cookie(exchange: Exchange) -> None:
        exchange.writer.write(
            b"HTTP/1.1 200 OK\r\nSet-Cookie: session=ada; Path=/\r\nContent-Length: 0\r\n\r\n"
        )

    async with (
        service_that(sets_a_cookie) as service,
        transport_to(make, service.port) as transport,
    ):
        for _ in range(3):
            await transport.send(READ)

    assert all("cookie" not in received.headers for received in service.requests)


async def test_proxies_of_the_environment_are_not_asked(
    make: MakeTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Services are called where the settings say they are."""
    async with service_that(answers) as proxy, service_that(answers) as service:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        async with transport_to(make, service.port) as transport:
            await transport.send(READ)

    assert len(service.requests) == 1
    assert not proxy.requests


async def test_closing_twice_is_closing_once(make: MakeTransport) -> None:
    """Whether or not a call has been made."""
    async with service_that(answers) as service:
        async with transport_to(make, service.port) as transport:
            await transport.aclose()
        async with transport_to(make, service.port) as transport:
            await transport.send(READ)
            await transport.aclose()
        await service.until(lambda: service.open_count == 0)

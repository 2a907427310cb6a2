"""The wire: what httpx can do to us, what it must not do, and what each failure means."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
import respx

from resolvers.upstream.errors import (
    InvalidAnswer,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnavailable,
)
from resolvers.upstream.httpx_transport import FAILURES, HttpxTransport
from resolvers.upstream.transport import Request
from tests.resolvers.upstream.builders import MUTATION, READ, some_options

LIMIT_BYTES = 4096


@pytest.fixture
async def transport(router: respx.Router) -> AsyncIterator[HttpxTransport]:
    innermost = httpx.MockTransport(router.async_handler)
    options = some_options(answer_limit_bytes=LIMIT_BYTES)
    transport = HttpxTransport("orders", options, innermost=innermost)
    yield transport
    await transport.aclose()


async def error_of(transport: HttpxTransport, request: Request) -> UpstreamError:
    with pytest.raises(UpstreamError) as caught:
        await transport.send(request)
    return caught.value


def subclasses_of(family: type[httpx.RequestError]) -> Iterator[type[httpx.RequestError]]:
    for member in family.__subclasses__():
        yield member
        yield from subclasses_of(member)


def is_abstract(family: type[httpx.RequestError]) -> bool:
    return bool(family.__subclasses__())


def test_every_error_of_httpx_has_its_place_in_the_table() -> None:
    """If httpx grows a way to fail, this test asks what it means."""
    known = {
        error
        for error in subclasses_of(httpx.RequestError)
        if error.__module__.startswith("httpx") and not is_abstract(error)
    }

    assert known == FAILURES.keys() - {httpx.RequestError}


async def test_a_connection_that_is_closed_as_it_opens_is_a_service_that_cannot_be_had(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The socket below is none any more: a failure of the service, and no mistake of ours."""

    async def ask_for_the_peer(self: object, request: httpx.Request) -> httpx.Response:
        del self, request
        raise AttributeError("'NoneType' object has no attribute 'getpeername'")

    monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", ask_for_the_peer)
    transport = HttpxTransport("orders", some_options())

    read, write = await error_of(transport, READ), await error_of(transport, MUTATION)

    assert isinstance(read, UpstreamUnavailable)
    assert write.is_outcome_unknown
    await transport.aclose()


async def test_answer_comes_whole_whatever_its_status(
    transport: HttpxTransport, router: respx.Router
) -> None:
    """Status, headers in lower case, and body arrive as they were sent."""
    router.get("/orders/o-1").respond(503, text="later", headers={"Retry-After": "7"})

    answer = await transport.send(READ)

    assert (answer.status, answer.body) == (503, b"later")
    assert answer.headers["retry-after"] == "7"


async def test_request_is_sent_as_it_stands(
    transport: HttpxTransport, router: respx.Router
) -> None:
    """Path, parameters, headers and body arrive unchanged; a body is declared as JSON."""
    route = router.patch("/orders/o-1").respond(200)
    request = Request("PATCH", "/orders/o-1", {"dry": "a,b"}, {"If-Match": '"3"'}, b'{"note":null}')

    await transport.send(request)

    sent = route.calls.last.request
    assert sent.url.raw_path == b"/orders/o-1?dry=a%2Cb"
    assert sent.headers["If-Match"] == '"3"'
    assert sent.headers["Content-Type"] == "application/json"
    assert sent.content == b'{"note":null}'


@pytest.mark.parametrize(
    ("cause", "error", "is_outcome_unknown"),
    [
        (httpx.ConnectError, UpstreamUnavailable, False),
        (httpx.ConnectTimeout, UpstreamTimeout, False),
        (httpx.ReadError, UpstreamUnavailable, True),
        (httpx.RemoteProtocolError, UpstreamUnavailable, True),
        (httpx.ReadTimeout, UpstreamTimeout, True),
    ],
)
async def test_failure_of_a_mutation_tells_whether_it_may_have_happened(
    transport: HttpxTransport,
    router: respx.Router,
    cause: type[httpx.RequestError],
    error: type[UpstreamError],
    is_outcome_unknown: bool,
) -> None:
    """A connection that was never made did nothing; one that broke afterwards may have."""
    router.post("/orders").mock(side_effect=cause("orders.test:8001 refused"))

    found = await error_of(transport, MUTATION)

    assert type(found) is error
    assert found.is_outcome_unknown is is_outcome_unknown


async def test_failure_of_a_read_never_leaves_its_outcome_unknown(
    transport: HttpxTransport, router: respx.Router
) -> None:
    """A read changes nothing, so nothing can have happened."""
    router.get("/orders/o-1").mock(side_effect=httpx.ReadError)

    found = await error_of(transport, READ)

    assert not found.is_outcome_unknown


async def test_error_text_hides_host_and_driver(
    transport: HttpxTransport, router: respx.Router
) -> None:
    """The text names the service only; the driver's words stay in the cause, for the log."""
    router.get("/orders/o-1").mock(side_effect=httpx.ConnectError("orders.test:8001 refused"))

    found = await error_of(transport, READ)

    assert str(found) == "orders is unavailable"
    assert isinstance(found.__cause__, httpx.ConnectError)


async def test_error_that_httpx_may_grow_is_read_carefully(
    transport: HttpxTransport, router: respx.Router
) -> None:
    """An unknown failure is an unavailable service and an unknown outcome."""

    class Novelty(httpx.TransportError):
        pass

    router.post("/orders").mock(side_effect=Novelty("new"))

    found = await error_of(transport, MUTATION)

    assert type(found) is UpstreamUnavailable
    assert found.is_outcome_unknown


class Flood(httpx.AsyncByteStream):
    """A body without end, which counts how much of it was taken."""

    def __init__(self) -> None:
        self.taken_bytes = 0
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.taken_bytes += 1024
            yield b"x" * 1024

    async def aclose(self) -> None:
        self.is_closed = True


async def test_endless_body_is_not_read_to_its_end(
    transport: HttpxTransport, router: respx.Router
) -> None:
    """Reading stops within one chunk of the limit, and the connection is given up."""
    flood = Flood()
    router.get("/orders/o-1").mock(return_value=httpx.Response(200, stream=flood))

    found = await error_of(transport, READ)

    assert type(found) is InvalidAnswer
    assert flood.taken_bytes <= LIMIT_BYTES + 1024
    assert flood.is_closed


async def test_body_of_exactly_the_limit_is_taken(
    transport: HttpxTransport, router: respx.Router
) -> None:
    """The limit itself is allowed."""
    router.get("/orders/o-1").respond(200, content=b"x" * LIMIT_BYTES)

    answer = await transport.send(READ)

    assert len(answer.body) == LIMIT_BYTES


async def test_compressed_body_is_refused_unopened(
    transport: HttpxTransport, router: respx.Router
) -> None:
    """A small body that would be large in memory is no answer: none was asked for."""
    flood = Flood()
    router.get("/orders/o-1").mock(
        return_value=httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=flood)
    )

    found = await error_of(transport, READ)

    assert type(found) is InvalidAnswer
    assert flood.taken_bytes == 0


async def test_redirect_is_not_followed(transport: HttpxTransport, router: respx.Router) -> None:
    """No service can send our calls elsewhere."""
    elsewhere = router.get(host="elsewhere.test").respond(200)
    router.get(host="orders.test").respond(302, headers={"Location": "http://elsewhere.test/"})

    answer = await transport.send(READ)

    assert answer.status == 302
    assert not elsewhere.called


async def test_cookies_are_not_kept_between_calls(
    transport: HttpxTransport, router: respx.Router
) -> None:
    """A session cookie of one user's call never travels with the next user's."""
    route = router.get("/orders/o-1").respond(200, headers={"Set-Cookie": "session=ada; Path=/"})
    await transport.send(READ)

    await transport.send(READ)

    assert "Cookie" not in route.calls.last.request.headers


async def test_control_plain_httpx_client_leaks_cookies(router: respx.Router) -> None:
    """The control: a client as httpx makes it sends the first user's cookie with the next call."""
    route = router.get("/orders/o-1").respond(200, headers={"Set-Cookie": "session=ada; Path=/"})
    network = httpx.MockTransport(router.async_handler)
    async with httpx.AsyncClient(base_url="http://orders.test", transport=network) as plain:
        await plain.get("/orders/o-1")

        await plain.get("/orders/o-1")

    assert route.calls.last.request.headers["Cookie"] == "session=ada"

"""The contract of the wire, kept by every client behind it: what a broken exchange means."""

import asyncio
import socket
import struct

import pytest

from resolvers.upstream.errors import UpstreamUnavailable
from tests.resolvers.upstream.builders import MUTATION, READ
from tests.resolvers.upstream.socket_services import Behaviour, Exchange, says, service_that
from tests.resolvers.upstream.wires import MakeTransport, error_of, transport_to

pytestmark = pytest.mark.every_loop

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


async def reads_and_resets(exchange: Exchange) -> None:
    exchange.reset()


async def sends_half_a_head_and_resets(exchange: Exchange) -> None:
    exchange.writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
    await exchange.writer.drain()
    exchange.reset()


BROKEN_ANSWERS = {
    "closed": says(b""),
    "reset": reads_and_resets,
    "half a head": says(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "half a head, reset": sends_half_a_head_and_resets,
    "cut body": says(HEAD + b"Content-Length: 20\r\n\r\n{}"),
    "cut chunk": says(HEAD + b"Transfer-Encoding: chunked\r\n\r\n10\r\n{}"),
    "no last chunk": says(HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"),
    "garbage": says(b"\x00\x01SSH-2.0-no such service\r\n\r\n"),
    "nonsense length": says(HEAD + b"Content-Length: many\r\n\r\n{}"),
    "two lengths": says(HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} "),
}


async def test_refused_connection_leaves_nothing_unknown(make: MakeTransport) -> None:
    """Where nobody listens, a mutation has certainly not happened."""
    with socket.create_server(("127.0.0.1", 0)) as abandoned:
        port = abandoned.getsockname()[1]

    async with transport_to(make, port) as transport:
        error = await error_of(transport, MUTATION)

    assert type(error) is UpstreamUnavailable
    assert not error.is_outcome_unknown


async def test_host_without_address_leaves_nothing_unknown(make: MakeTransport) -> None:
    """Nor has it where the name of the service stands for no machine."""
    async with transport_to(make, 1, host="no-such-service.invalid") as transport:
        error = await error_of(transport, MUTATION)

    assert type(error) is UpstreamUnavailable
    assert not error.is_outcome_unknown


@pytest.mark.parametrize("behaves", BROKEN_ANSWERS.values(), ids=BROKEN_ANSWERS)
async def test_broken_answer_to_a_mutation_leaves_its_outcome_unknown(
    make: MakeTransport, behaves: Behaviour
) -> None:
    """Whatever breaks after the service has read a mutation, it may have carried it out, once."""
    async with service_that(behaves) as service, transport_to(make, service.port) as transport:
        error = await error_of(transport, MUTATION)

    assert type(error) is UpstreamUnavailable
    assert error.is_outcome_unknown
    assert len(service.requests) == 1


@pytest.mark.parametrize("behaves", BROKEN_ANSWERS.values(), ids=BROKEN_ANSWERS)
async def test_broken_answer_to_a_read_is_told_and_not_asked_for_again(
    make: MakeTransport, behaves: Behaviour
) -> None:
    """Who asks again is the retry, within its budget, and never the wire by itself."""
    async with service_that(behaves) as service, transport_to(make, service.port) as transport:
        error = await error_of(transport, READ)

    assert type(error) is UpstreamUnavailable
    assert not error.is_outcome_unknown
    assert len(service.requests) == 1


async def test_endless_head_is_not_read_to_its_end(make: MakeTransport) -> None:
    """A service that never comes to its answer holds no memory of ours."""
    written_bytes = 0

    async def talks_on(exchange: Exchange) -> None:
        nonlocal written_bytes
        exchange.writer.write(b"HTTP/1.1 200 OK\r\n")
        while not exchange.writer.is_closing():
            exchange.writer.write(b"X-More: %s\r\n" % (b"x" * 1000))
            written_bytes += 1000
            await exchange.writer.drain()

    async with service_that(talks_on) as service, transport_to(make, service.port) as transport:
        error = await error_of(transport, MUTATION)
        await service.until(lambda: service.open_count == 0)

    assert type(error) is UpstreamUnavailable
    assert error.is_outcome_unknown
    assert written_bytes < 16_000_000  # what the system's own buffers hold is not ours


async def test_reset_before_the_request_is_read_is_an_unavailable_service(
    make: MakeTransport,
) -> None:
    """A service that resets each connection as it comes cannot serve."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.setblocking(False)
        async with transport_to(make, door.getsockname()[1]) as transport:
            call = asyncio.ensure_future(error_of(transport, MUTATION))
            while not call.done():
                try:
                    accepted, _ = door.accept()
                except BlockingIOError:
                    await asyncio.sleep(0)
                else:
                    no_lingering = struct.pack("ii", 1, 0)
                    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_lingering)
                    accepted.close()

    assert type(call.result()) is UpstreamUnavailable

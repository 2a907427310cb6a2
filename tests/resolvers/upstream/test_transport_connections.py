"""The contract of the wire, kept by every client behind it: what becomes of connections."""

import asyncio
import random
import time

import pytest

from resolvers.upstream.errors import UpstreamUnavailable
from resolvers.upstream.transport import Request, Transport
from tests.resolvers.upstream.builders import MUTATION, READ
from tests.resolvers.upstream.socket_services import (
    ANSWER,
    Exchange,
    SocketService,
    answers,
    hangs,
    service_that,
)
from tests.resolvers.upstream.wires import WIRES, MakeTransport, transport_to

WIRES_THAT_HIDE_NOTHING = {name: make for name, make in WIRES.items() if name != "httpx"}

pytestmark = pytest.mark.every_loop

TURNS = 60
"""More than a whole call takes."""


async def test_connection_is_kept_from_call_to_call(make: MakeTransport) -> None:
    """Calls one after another share a connection, whatever they ask."""
    async with service_that(answers) as service, transport_to(make, service.port) as transport:
        for request in (READ, MUTATION, READ, MUTATION, READ):
            await transport.send(request)

    assert service.connection_count == 1


async def test_so_many_connections_are_kept_as_calls_may_be_in_flight(make: MakeTransport) -> None:
    """Calls at once have a connection each, and the next ones find all of them."""
    async with (
        service_that(answers) as service,
        transport_to(make, service.port, in_flight_limit=8) as transport,
    ):
        for _ in range(5):
            async with asyncio.TaskGroup() as group:
                for _ in range(8):
                    group.create_task(transport.send(READ))

    assert service.connection_count <= 8


async def test_connection_that_was_idle_for_too_long_is_not_used(make: MakeTransport) -> None:
    """The side that closes first is ours."""
    async with (
        service_that(answers) as service,
        transport_to(make, service.port, idle_connection_s=0) as transport,
    ):
        for _ in range(3):
            await transport.send(MUTATION)

    assert service.connection_count == 3


@pytest.mark.parametrize(
    "goodbye",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    ],
)
async def test_connection_that_the_service_will_close_is_not_used_again(
    make: MakeTransport, goodbye: bytes
) -> None:
    """It says so in its answer."""

    async def says_goodbye(exchange: Exchange) -> None:
        assert exchange.place == 1
        exchange.writer.write(goodbye)

    async with service_that(says_goodbye) as service, transport_to(make, service.port) as transport:
        for _ in range(3):
            await transport.send(MUTATION)

    assert len(service.requests) == 3


async def says_too_much(exchange: Exchange) -> None:
    exchange.writer.write(ANSWER + b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong")


@pytest.mark.parametrize("make", WIRES_THAT_HIDE_NOTHING.values(), ids=WIRES_THAT_HIDE_NOTHING)
async def test_more_than_the_answer_is_nobody_elses_answer(make: MakeTransport) -> None:
    """What a service sends after its answer never answers the next call."""
    async with service_that(says_too_much) as service, transport_to(make, service.port) as wire:
        answers = [await wire.send(READ) for _ in range(3)]

    assert [answer.body for answer in answers] == [b"{}"] * 3


async def test_control_httpx_takes_it_for_the_next_answer() -> None:
    """The control, and why httpx is not the default: its parser keeps what came too much."""
    make = WIRES["httpx"]
    async with service_that(says_too_much) as service, transport_to(make, service.port) as wire:
        answers = [await wire.send(READ) for _ in range(2)]

    assert answers[1].body == b"wrong"


@pytest.mark.parametrize("request_sent", [READ, MUTATION], ids=["read", "mutation"])
@pytest.mark.parametrize("is_loop_busy", [False, True])
async def test_call_after_the_service_has_closed_a_kept_connection_is_served(
    make: MakeTransport, request_sent: Request, is_loop_busy: bool
) -> None:
    """It goes out on another connection, once, though our loop had no time to notice the end."""
    async with service_that(answers) as service, transport_to(make, service.port) as transport:
        await transport.send(READ)
        service.close_connections()
        await service.until(lambda: service.open_count == 0)
        if is_loop_busy:
            time.sleep(0.01)  # noqa: ASYNC251 - the loop is held up, which is the point

        await transport.send(request_sent)

    assert len(service.requests) == 2


async def test_call_sent_into_a_closing_connection_is_never_sent_again(make: MakeTransport) -> None:
    """Where the service may have read it, only the retry may ask again."""

    async def serves_once(exchange: Exchange) -> None:
        if exchange.place == 1:
            exchange.writer.write(ANSWER)
        else:
            exchange.writer.close()

    async with service_that(serves_once) as service, transport_to(make, service.port) as transport:
        for request in (READ, MUTATION):
            await transport.send(READ)
            with pytest.raises(UpstreamUnavailable) as caught:
                await transport.send(request)
            assert caught.value.is_outcome_unknown is request.is_mutation

    assert len(service.requests) == 4


async def test_call_that_is_left_closes_its_connection_and_frees_its_place(
    make: MakeTransport,
) -> None:
    """A service that hangs holds nothing of us that nobody waits for."""

    async def hangs_at_first(exchange: Exchange) -> None:
        await (hangs if exchange.number <= 20 else answers)(exchange)

    async with (
        service_that(hangs_at_first) as service,
        transport_to(make, service.port, in_flight_limit=2) as transport,
    ):
        for number in range(1, 21):
            await leave_after_sending(transport, service, number)
        await service.until(lambda: service.open_count == 0)

        await transport.send(READ)


async def leave_after_sending(transport: Transport, service: SocketService, number: int) -> None:
    call = asyncio.ensure_future(transport.send(READ))
    await service.until(lambda: len(service.requests) == number)
    call.cancel()
    await asyncio.wait([call])
    assert call.cancelled()


async def test_call_that_is_left_within_its_answer_closes_its_connection(
    make: MakeTransport,
) -> None:
    """The rest of one answer is never the beginning of another."""
    half_sent = asyncio.Event()

    async def sends_a_half(exchange: Exchange) -> None:
        exchange.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n{}")
        await exchange.writer.drain()
        half_sent.set()
        await hangs(exchange)

    async with service_that(sends_a_half) as service, transport_to(make, service.port) as transport:
        call = asyncio.ensure_future(transport.send(READ))
        await half_sent.wait()
        for _ in range(10):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])
        await service.until(lambda: service.open_count == 0)

    assert call.cancelled()


async def test_call_that_is_left_at_any_moment_gives_its_connection_back(
    make: MakeTransport,
) -> None:
    """However early or late a call is cancelled, the next one has a place on the wire."""
    async with (
        service_that(answers) as service,
        transport_to(make, service.port, in_flight_limit=1) as transport,
    ):
        await leave_at_every_turn(transport)


async def leave_at_every_turn(transport: Transport) -> None:
    """Begin a call and leave it after one turn of the loop, after two, and so on to its end.

    Each is left on a new connection and on one that is kept. Raises TimeoutError when the next
    call finds none.
    """
    for turn_count in range(TURNS):
        for _ in range(2):
            call = asyncio.ensure_future(transport.send(READ))
            for _ in range(turn_count):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.wait([call])
        async with asyncio.timeout(1):
            await transport.send(READ)


async def test_a_thousand_calls_left_at_random_leave_no_connection_behind(
    make: MakeTransport,
) -> None:
    """Four at once, each left after a random number of turns; then all places are free."""
    dice = random.Random(6)

    async def leave_some(transport: Transport) -> None:
        for _ in range(250):
            call = asyncio.ensure_future(transport.send(READ))
            for _ in range(dice.randrange(TURNS // 4)):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.wait([call])

    async with (
        service_that(answers) as service,
        transport_to(make, service.port, in_flight_limit=4) as transport,
    ):
        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(leave_some(transport))
        async with asyncio.timeout(2), asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(transport.send(READ))
        await service.until(lambda: service.open_count <= 4)


async def test_closing_ends_calls_on_their_way(make: MakeTransport) -> None:
    """Whoever still waits is told, and no connection stays open."""
    async with service_that(hangs) as service, transport_to(make, service.port) as transport:
        call = asyncio.ensure_future(transport.send(READ))
        await service.until(lambda: len(service.requests) == 1)
        await transport.aclose()
        await service.until(lambda: service.open_count == 0)
        call.cancel()
        await asyncio.wait([call])

"""A gateway that is asked to stop sends its clients elsewhere before it stops."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from gateway.serving import Server, bind, make_server
from gateway.settings import Settings
from tests.gateway.front_door import A_QUERY, open_door

DRAIN_S = 0.4
ASK = {"query": A_QUERY}


@asynccontextmanager
async def draining_server(drain_s: float) -> AsyncIterator[tuple[Server, httpx.AsyncClient]]:
    """A gateway on a real socket with one client, whose connection is open already."""
    settings = Settings.model_construct(host="127.0.0.1", port=0)
    with bind(settings) as listening:
        host, port = listening.getsockname()
        async with (
            open_door() as door,
            httpx.AsyncClient(base_url=f"http://{host}:{port}") as client,
            asyncio.TaskGroup() as group,
        ):
            server = make_server(door.app, drain_s=drain_s)
            group.create_task(server.serve(sockets=[listening]))
            assert (await client.post("/graphql", json=ASK)).status_code == 200
            try:
                yield server, client
            finally:
                server.should_exit = True


async def test_requests_are_served_while_it_drains() -> None:
    """SIGTERM refuses nobody: on the open connection and on new ones everything is answered."""
    async with draining_server(DRAIN_S) as (server, client):
        server.handle_exit(signal.SIGTERM, None)
        answers = [await client.post("/graphql", json=ASK) for _ in range(5)]

    assert {answer.status_code for answer in answers} == {200}


async def test_every_answer_closes_its_connection() -> None:
    """A client with a pool leaves connection by connection, never in the middle of a request."""
    async with draining_server(DRAIN_S) as (server, client):
        before = await client.post("/graphql", json=ASK)
        server.handle_exit(signal.SIGTERM, None)
        while_draining = await client.post("/graphql", json=ASK)

    assert "connection" not in before.headers
    assert while_draining.headers["connection"] == "close"


async def test_who_watches_is_told() -> None:
    """A load balancer that asks /readyz takes it out before the door is shut."""
    async with draining_server(DRAIN_S) as (server, client):
        server.handle_exit(signal.SIGTERM, None)
        ready = await client.get("/readyz")
        live = await client.get("/livez")

    assert (ready.status_code, live.status_code) == (503, 200)


async def test_it_stops_when_the_time_is_over() -> None:
    """Draining ends by itself, and so does the server."""
    async with draining_server(DRAIN_S) as (server, client):
        server.handle_exit(signal.SIGTERM, None)
        is_stopping_at_once = server.should_exit
        async with asyncio.timeout(5):
            while not await is_refused(client):
                pass

    assert not is_stopping_at_once
    assert server.should_exit


async def is_refused(client: httpx.AsyncClient) -> bool:
    try:
        await client.get("/livez")
    except httpx.TransportError:
        return True
    return False


async def test_a_second_signal_is_not_kept_waiting() -> None:
    """Who asks again means now."""
    async with draining_server(60.0) as (server, _):
        server.handle_exit(signal.SIGTERM, None)
        server.handle_exit(signal.SIGTERM, None)
        assert server.should_exit


async def test_a_person_at_the_keyboard_is_not_kept_waiting() -> None:
    """Ctrl-C stops at once: there is no load balancer to tell."""
    async with draining_server(60.0) as (server, _):
        server.handle_exit(signal.SIGINT, None)
        assert server.should_exit


async def test_without_a_drain_time_a_stop_is_a_stop() -> None:
    """The control: 0 is as it would be without draining."""
    async with draining_server(0.0) as (server, _):
        server.handle_exit(signal.SIGTERM, None)
        assert server.should_exit

"""Clients that take their time: each is let go in time, and told why where she can be told."""

import asyncio
import socket

import pytest

from tests.faults.misbehaviour import hanging, misbehave
from tests.gateway.front_door import A_QUERY, TYPENAME
from tests.gateway.guarded_lines import SHORT_S, guarded, posted

HALF_A_HEAD = b"POST /graphql HTTP/1.1\r\nhost: gateway.test\r\ncontent-"


async def test_a_connection_that_says_nothing_is_closed() -> None:
    """Whoever connects has as long as a head may take."""
    async with guarded(head_timeout_s=SHORT_S) as gate, gate.line() as line:
        assert await line.is_cut()


async def test_half_a_head_is_a_408() -> None:
    """With a code, and the end of the connection."""
    async with guarded(head_timeout_s=SHORT_S) as gate, gate.line() as line:
        await line.send(HALF_A_HEAD)
        answer = await line.answer()
        is_cut = await line.is_cut()

    assert (answer.status, answer.code) == (408, "HEAD_TIMEOUT")
    assert answer.headers["connection"] == "close"
    assert is_cut


async def test_a_head_that_drips_is_one_head() -> None:
    """A byte now and then gains no time."""
    async with guarded(head_timeout_s=4 * SHORT_S) as gate, gate.line() as line:
        began_at_s = asyncio.get_running_loop().time()
        for byte in HALF_A_HEAD:
            await line.send(bytes([byte]))
            await asyncio.sleep(SHORT_S / 2)
            if line.reader.at_eof() or line.reader._buffer:  # type: ignore[attr-defined]
                break
        took_s = asyncio.get_running_loop().time() - began_at_s

    assert took_s < 10 * SHORT_S


async def test_control_a_head_in_time_is_answered() -> None:
    """Slow, but within its time, it is a request like any other."""
    async with guarded(head_timeout_s=100 * SHORT_S) as gate, gate.line() as line:
        for piece in (posted()[:30], posted()[30:60], posted()[60:]):
            await line.send(piece)
            await asyncio.sleep(SHORT_S)
        answer = await line.answer()

    assert answer.status == 200


@pytest.mark.parametrize("path", ["/graphql", "/livez", "/metrics"])
async def test_half_a_body_is_cut_whoever_reads_it(path: str) -> None:
    """Also where nobody does: a body may be sent to any path."""
    async with guarded(head_timeout_s=SHORT_S, body_timeout_s=SHORT_S) as gate:
        async with gate.line() as line:
            await line.send(posted(path=path)[:-5])
            answer = await line.answer()
            if answer.status != 408:  # it was answered before all of it was there
                assert path != "/graphql"
            assert await line.is_cut()
        await gate.nobody_left()


async def test_a_body_of_a_query_by_get_is_cut_as_well() -> None:
    """Its answer does not wait for it; the connection does not either."""
    async with (
        guarded(head_timeout_s=SHORT_S, body_timeout_s=SHORT_S) as gate,
        gate.line() as line,
    ):
        address = b"GET /graphql?query=%7B__typename%7D HTTP/1.1\r\nhost: g\r\n"
        await line.send(address + b"content-length: 5\r\n\r\nab")
        first = await line.answer()
        is_cut = await line.is_cut()

    assert first.status in (200, 408)
    assert is_cut


async def test_a_connection_without_a_request_is_closed() -> None:
    """After its answer it is kept for a while, and no longer."""
    async with guarded(idle_timeout_s=SHORT_S) as gate, gate.line() as line:
        await line.send(posted())
        assert (await line.answer()).status == 200
        assert await line.is_cut()


async def test_blank_lines_are_no_request() -> None:
    """They keep a connection no longer than half a head does."""
    async with (
        guarded(idle_timeout_s=SHORT_S, head_timeout_s=2 * SHORT_S) as gate,
        gate.line() as line,
    ):
        await line.send(posted())
        await line.answer()

        async def blank() -> None:
            while True:
                line.writer.write(b"\r\n")
                await asyncio.sleep(SHORT_S / 5)

        async with asyncio.TaskGroup() as group:
            blanks = group.create_task(blank())
            assert await line.is_cut()
            blanks.cancel()


async def test_who_does_not_read_her_answers_is_cut() -> None:
    """A thousand questions and no look at an answer: she is let go, and all that waited."""
    bounds = {"taking_timeout_s": SHORT_S, "idle_timeout_s": SHORT_S, "pipeline_limit": 10_000}
    plain = {"introspection": True, "query_cost_limit": 1_000_000, "compression": False}
    query = b'{"query":"{ __schema { types { name fields { name description } } } }"}'
    async with guarded(plain, **bounds) as gate:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            deaf.setblocking(False)
            await asyncio.get_running_loop().sock_connect(deaf, gate.address)
            # Just less than the reader of the gateway takes in one piece, again and again.
            request = posted(query) * 200
            async with asyncio.timeout(20):
                try:
                    for _ in range(50):
                        await asyncio.wait_for(
                            asyncio.get_running_loop().sock_sendall(deaf, request), SHORT_S
                        )
                except (ConnectionError, TimeoutError):
                    pass
                await gate.nobody_left()


async def test_who_leaves_her_last_answer_lying_is_cut() -> None:
    """What fits in our buffers is no reason to keep a connection that is closed already."""
    bounds = {"taking_timeout_s": SHORT_S, "idle_timeout_s": SHORT_S}
    plain = {"introspection": True, "query_cost_limit": 1_000_000, "compression": False}
    fields = b" ".join(b"a%d: __schema { types { name } }" % n for n in range(300))
    query = b'{"query":"{ %b }"}' % fields
    async with guarded({**plain, "query_token_limit": 20_000}, **bounds) as gate:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            deaf.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(deaf, gate.address)
            await loop.sock_sendall(deaf, posted(query, "connection: close"))
            await gate.somebody_there()
            await gate.nobody_left()


async def test_connections_beyond_the_limit_are_told_so() -> None:
    """Those that are there go on; when one ends, there is room again."""
    async with guarded(limit=2) as gate:
        async with gate.line() as first, gate.line() as second:
            await first.send(posted())
            assert (await first.answer()).status == 200
            refused = await gate.ask(b"")
            await second.send(posted())
            assert (await second.answer()).status == 200
        await gate.nobody_left()
        again = await gate.ask(posted())

    assert (refused.status, refused.code) == (503, "OVERLOADED")
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["connection"] == "close"
    assert again.status == 200


async def test_far_too_many_connections_are_not_even_told() -> None:
    """Who is refused stays for a moment to read why; that, too, has its bound."""
    async with guarded(limit=1, parting_s=30) as gate, gate.line() as first:
        await first.send(posted())
        await first.answer()
        async with gate.line() as told:
            assert (await told.answer()).status == 503
            async with gate.line() as untold:
                assert await untold.is_cut()


async def test_a_request_that_runs_is_not_cut_for_what_comes_after_it() -> None:
    """The limits are for clients: while we work, a client may be silent as long as she likes."""
    bounds = {"head_timeout_s": SHORT_S, "idle_timeout_s": SHORT_S, "body_timeout_s": SHORT_S}
    async with guarded({"request_timeout_s": 6 * SHORT_S}, **bounds) as gate:
        misbehave(gate.door.twins, "orders", hanging)
        async with gate.line() as line:
            await line.send(posted(b'{"query":"%b"}' % A_QUERY.replace('"', '\\"').encode()))
            answer = await line.answer()

    assert (answer.status, answer.code) == (200, "DEADLINE_EXCEEDED")


async def test_what_is_cut_is_counted() -> None:
    """Among the requests that were not let in, by its code."""
    async with guarded(head_timeout_s=SHORT_S) as gate:
        await gate.ask(HALF_A_HEAD)
        counts = gate.door.gateway.operations.counts

    assert counts.refused["HEAD_TIMEOUT"] == 1  # type: ignore[index]  # a code is its word


async def test_a_client_that_is_quick_sets_no_timer() -> None:
    """A request in one piece costs its connection nothing."""
    async with guarded() as gate, gate.line() as line:
        for _ in range(2):
            await line.send(posted(TYPENAME))
            await line.answer()
        [connection] = gate.server.server_state.connections

        assert connection._sending is None  # type: ignore[union-attr]
        assert connection._taking is None  # type: ignore[union-attr]

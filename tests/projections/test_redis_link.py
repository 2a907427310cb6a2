"""One call and its fate: what is tried again, what never is, and how it is told."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import pytest

from projections.errors import StoreUnavailable
from projections.redis_store.link import HOP_LIMIT, Link
from projections.redis_store.options import RedisOptions
from projections.redis_store.scripts import APPLY, READ
from scripts.server_process import LOOPBACK

SHORT_S = 0.05
LONG_S = 20.0
HUNG_UP = b""


class FakeServer:
    """Answers each command with what ``answer`` makes of its number, from 1; `HUNG_UP` hangs up."""

    def __init__(self, answer: Callable[[int], bytes]) -> None:
        self._answer = answer
        self.port = 0
        self.commands: list[bytes] = []
        self.connection_count = 0
        self.was_asked = asyncio.Event()
        self._open_count = 0
        self._all_closed = asyncio.Event()

    async def closed(self) -> None:
        """Wait until everybody has gone."""
        if self._open_count:
            await self._all_closed.wait()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connection_count += 1
        self._open_count += 1
        self._all_closed.clear()
        with suppress(ConnectionError):
            while heard := await reader.read(100_000):
                self.commands += re.findall(rb"EVALSHA|EVAL\b", heard)[:1]
                self.was_asked.set()
                answer = self._answer(len(self.commands))
                if answer == HUNG_UP:
                    break
                writer.write(answer)
        writer.close()
        self._open_count -= 1
        if not self._open_count:
            self._all_closed.set()


@asynccontextmanager
async def fake_server(answer: Callable[[int], bytes]) -> AsyncIterator[FakeServer]:
    fake = FakeServer(answer)
    server = await asyncio.start_server(fake.serve, LOOPBACK, 0)
    fake.port = server.sockets[0].getsockname()[1]
    async with server:
        yield fake
        await fake.closed()


@asynccontextmanager
async def linked(fake: FakeServer) -> AsyncIterator[Link]:
    link = Link(RedisOptions(url=f"redis://{LOOPBACK}:{fake.port}"))
    try:
        yield link
    finally:
        await link.close()


def hanging_up_at(second: int) -> Callable[[int], bytes]:
    return lambda number: HUNG_UP if number == second else b":%d\r\n" % number


def half_of_the_first(number: int) -> bytes:
    return b"$9\r\nhalf" if number == 1 else b":%d\r\n" % number


async def test_read_on_a_dead_connection_is_tried_once_more() -> None:
    """A connection that was used before may have died since; that costs no read."""
    async with fake_server(hanging_up_at(2)) as fake, linked(fake) as link:
        answers = [await link.read(READ, timeout_s=LONG_S) for _ in range(2)]

    assert answers == [1, 3]
    assert fake.connection_count == 2


async def test_write_is_never_tried_twice() -> None:
    """It may have been done: whoever wrote has to look before he writes again."""
    async with fake_server(hanging_up_at(2)) as fake, linked(fake) as link:
        await link.write(APPLY, timeout_s=LONG_S)
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            await link.write(APPLY, timeout_s=LONG_S)
        told = len(fake.commands)

    assert told == 2


async def test_new_connection_that_is_hung_up_on_is_no_accident() -> None:
    """A server that hangs up on everybody is not asked again and again."""
    async with fake_server(lambda _: HUNG_UP) as fake, linked(fake) as link:
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            await link.read(READ, timeout_s=LONG_S)

    assert fake.connection_count == 1


async def test_call_that_was_too_slow_takes_its_connection_along() -> None:
    """Its answer, if it ever comes, comes to nobody."""
    async with fake_server(half_of_the_first) as fake, linked(fake) as link:
        with pytest.raises(StoreUnavailable, match=r"no answer within 0\.05 s"):
            await link.read(READ, timeout_s=SHORT_S)
        answer = await link.read(READ, timeout_s=LONG_S)

    assert answer == 2
    assert fake.connection_count == 2


async def test_cluster_that_sends_us_around_in_a_ring_is_unavailable() -> None:
    """Two nodes that each take the other for the owner are left alone after some hops."""
    async with fake_server(lambda _: b"-MOVED 7 :%d\r\n" % fake.port) as fake, linked(fake) as link:
        with pytest.raises(StoreUnavailable, match="ring"):
            await link.read(READ, timeout_s=LONG_S)

    assert len(fake.commands) == HOP_LIMIT


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (b"-OOM command not allowed\r\n", "the server is full"),
        (b"-READONLY You can't write against a read only replica.\r\n", "a replica"),
        (b"-LOADING Redis is loading the dataset in memory\r\n", "loading its file"),
        (b"-ASK 7 localhost:1\r\n", "moving our keys"),
        (b"-TRYAGAIN Multiple keys request during rehashing\r\n", "moving our keys"),
        (b"-CLUSTERDOWN The cluster is down\r\n", "the cluster is down"),
        (b"-NOPERM no permissions\r\n", "does not let us do this"),
        (b"-ERR user_script:7: attempt to index a nil value\r\n", "refused a script"),
    ],
)
async def test_refusal_is_told_in_words_that_may_be_shown(answer: bytes, reason: str) -> None:
    """Every failure of the server is one error of ours, and the connection is as good as before."""
    async with fake_server(lambda _: answer) as fake, linked(fake) as link:
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match=reason) as refused:
                await link.write(APPLY, timeout_s=LONG_S)

    assert LOOPBACK not in str(refused.value)


async def test_call_that_is_cancelled_leaves_its_place_to_others() -> None:
    """With one place in all, whoever comes after somebody who has left is served."""
    async with fake_server(half_of_the_first) as fake:
        link = Link(RedisOptions(url=f"redis://{LOOPBACK}:{fake.port}", connection_limit=1))
        async with asyncio.TaskGroup() as group:
            leaver = group.create_task(link.read(READ, timeout_s=LONG_S))
            await fake.was_asked.wait()
            follower = group.create_task(link.read(READ, timeout_s=LONG_S))
            leaver.cancel()
        await link.close()

    assert follower.result() == 2

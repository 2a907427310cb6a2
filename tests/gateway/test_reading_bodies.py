import asyncio

import pytest

from gateway.receiving import BODY_TIMEOUT_S
from tests.gateway.front_door import TYPENAME, Exchange, code_of, open_door, part
from tests.gateway_in_process import now_s

pytestmark = pytest.mark.steered_time


async def test_a_body_may_come_in_pieces() -> None:
    """A chunked body is read to its end before anything is made of it."""
    async with open_door() as door:
        exchange = Exchange([*(part(TYPENAME[n : n + 1], more=True) for n in range(20))])
        exchange._waiting.put_nowait(part(TYPENAME[20:]))
        await exchange.run(door.app)

    assert exchange.status == 200
    assert exchange.body["data"] == {"__typename": "Query"}


async def test_a_body_of_the_largest_size_is_read() -> None:
    """The control: the limit itself is still allowed."""
    async with open_door(body_limit_bytes=1024) as door:
        response = await door.post(TYPENAME.ljust(1024))

    assert response.status_code == 200


async def test_a_body_over_the_limit_is_refused() -> None:
    """One byte more than the limit is a 413 that tells the limit."""
    async with open_door(body_limit_bytes=1024) as door:
        response = await door.post(TYPENAME.ljust(1025))

    assert response.status_code == 413
    assert response.headers["connection"] == "close", "or the rest would be read for ever"
    assert code_of(response) == "BODY_TOO_LARGE"
    assert "1024 bytes" in response.text


async def test_an_endless_body_is_refused_when_it_passes_the_limit() -> None:
    """A body without a declared length is not read further than the limit."""
    async with open_door(body_limit_bytes=1024) as door:
        exchange = Exchange([part(b"a" * 600, more=True) for _ in range(100)])
        await exchange.run(door.app)

    assert exchange.status == 413
    assert exchange._waiting.qsize() == 98


async def test_a_body_that_stops_coming_is_refused_after_its_time() -> None:
    """A client that never finishes its body is answered 408 and loses its connection."""
    async with open_door() as door:
        exchange = Exchange([part(TYPENAME[:5], more=True)])
        started_at_s = now_s()
        await exchange.run(door.app)
        waited_s = now_s() - started_at_s

    assert exchange.status == 408
    assert exchange.body["errors"][0]["extensions"]["code"] == "BODY_TIMEOUT"
    assert (b"connection", b"close") in exchange.sent[0]["headers"]
    assert waited_s == pytest.approx(BODY_TIMEOUT_S)


async def test_a_body_that_trickles_is_refused_after_the_same_time() -> None:
    """Sending a byte now and then buys no more time: the limit is on the whole body."""
    async with open_door() as door:
        exchange = Exchange()

        async def trickle() -> None:
            while True:
                exchange._waiting.put_nowait(part(b" ", more=True))
                await asyncio.sleep(1)

        started_at_s = now_s()
        async with asyncio.TaskGroup() as group:
            trickling = group.create_task(trickle())
            await exchange.run(door.app)
            trickling.cancel()
        waited_s = now_s() - started_at_s

    assert exchange.status == 408
    assert waited_s == pytest.approx(BODY_TIMEOUT_S)


async def test_the_time_of_the_body_is_not_the_time_of_the_request() -> None:
    """The deadline begins with the whole body: a slow line does not shorten the answer."""
    async with open_door(request_timeout_s=1.0) as door:
        exchange = Exchange([part(TYPENAME[:5], more=True)])

        async def send_the_rest() -> None:
            await asyncio.sleep(5)
            exchange._waiting.put_nowait(part(TYPENAME[5:]))

        async with asyncio.TaskGroup() as group:
            group.create_task(send_the_rest())
            await exchange.run(door.app)

    assert exchange.status == 200


async def test_a_client_that_leaves_in_the_middle_of_its_body_is_not_answered() -> None:
    """A connection closed while the body is read ends the request at once and quietly."""
    async with open_door() as door:
        exchange = Exchange([part(TYPENAME[:5], more=True)])
        exchange.leave()
        started_at_s = now_s()
        await exchange.run(door.app)

    assert exchange.sent == []
    assert now_s() == started_at_s

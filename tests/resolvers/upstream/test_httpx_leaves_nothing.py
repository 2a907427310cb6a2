"""What httpx leaves behind of a call, in whatever way it ends: nothing for the collector."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import MappingProxyType
from unittest.mock import patch

from msgspec.structs import replace

from resolvers.upstream import httpx_transport
from resolvers.upstream.httpx_transport import HttpxTransport
from resolvers.upstream.transport import Transport
from tests.garbage import left_behind
from tests.resolvers.upstream.builders import READ
from tests.resolvers.upstream.socket_services import answers, service_that
from tests.resolvers.upstream.wires import transport_to

TURNS = 60
"""More than a whole call takes."""


@asynccontextmanager
async def transport_to_a_service() -> AsyncIterator[Transport]:
    """A service that answers all, and a transport to it."""
    async with service_that(answers) as service, transport_to(HttpxTransport, service.port) as wire:
        yield wire


async def left_by_cancelled_calls() -> Counter[str]:
    """What calls leave of ours that are cancelled after one turn, after two, and on."""
    async with transport_to_a_service() as transport:

        async def cancel_everywhere() -> None:
            for turn_count in range(TURNS):
                async with asyncio.TaskGroup() as group:
                    # The collector follows no struct that holds nothing but text.
                    request = replace(READ, params=MappingProxyType({}))
                    call = group.create_task(transport.send(request))
                    del request
                    for _ in range(turn_count):
                        await asyncio.sleep(0)
                    call.cancel()
                del call

        return await left_behind(cancel_everywhere, packages=("resolvers",), held=())


async def test_an_answer_leaves_nothing_to_collect() -> None:
    """All that httpx has made for a call goes with it."""
    async with transport_to_a_service() as transport:
        packages = ("httpx", "httpcore", "resolvers")
        left = await left_behind(lambda: transport.send(READ), packages=packages)

    assert left == {}


async def test_nor_does_a_call_that_is_cancelled() -> None:
    """In whatever moment that happens, its request is gone at once."""
    assert await left_by_cancelled_calls() == {}


async def test_control_cancellations_that_keep_their_frames_leave_requests() -> None:
    """Frames of those below hold the cancellation that they pass on."""
    with patch.object(httpx_transport, "clear_frames", lambda _: None):
        left = await left_by_cancelled_calls()

    assert left["Request"] > 0

"""What a connection brings after the head of a request: its body, or the end of its client."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from gateway.errors import ErrorCode, RequestRefused

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]

BODY_TIMEOUT_S = 10.0
"""How long a body may take to arrive (s): a megabyte over a bad mobile line."""


class ClientLeft(Exception):
    """The client closed the connection; there is nobody to answer."""


async def read_body(receive: Receive, limit_bytes: int) -> bytes:
    """The whole body within its bounds of size and time."""
    chunks: list[bytes] = []
    left_bytes = limit_bytes
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientLeft
                chunk: bytes = message.get("body", b"")
                left_bytes -= len(chunk)
                if left_bytes < 0:
                    raise _too_large(limit_bytes)
                chunks.append(chunk)
                if not message.get("more_body", False):
                    return b"".join(chunks)
    except TimeoutError:
        message_to_client = f"the body did not arrive within {BODY_TIMEOUT_S:g} s"
        raise RequestRefused(
            HTTPStatus.REQUEST_TIMEOUT, ErrorCode.BODY_TIMEOUT, message_to_client
        ) from None


class WhileThere:
    """Ends the block when the client leaves, if ``may_end`` says so then; raises `ClientLeft`.

    The block is cancelled in its own task, which takes that cancellation back, as `asyncio.timeout`
    does with its own: to run it in a task beside would cost as much as a cheap answer.
    """

    def __init__(self, leaving: asyncio.Task[None], may_end: Callable[[], bool]) -> None:
        self._leaving = leaving
        self._may_end = may_end
        self._is_ended = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None, "coroutines run in tasks"  # noqa: S101 - for the type checker
        self._task = task
        self._cancelling_count = task.cancelling()
        self._leaving.add_done_callback(self._end)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._leaving.remove_done_callback(self._end)
        if not self._is_ended:
            return
        is_only_ours = self._task.uncancel() <= self._cancelling_count
        if is_only_ours and kind is asyncio.CancelledError:
            raise ClientLeft from None

    def _end(self, leaving: asyncio.Task[None]) -> None:
        if not leaving.cancelled() and self._may_end():
            self._is_ended = True
            self._task.cancel()


async def client_leaves(receive: Receive) -> None:
    """Wait until the client has left. Only after the whole body has been read."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _too_large(limit_bytes: int) -> RequestRefused:
    return RequestRefused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        ErrorCode.BODY_TOO_LARGE,
        f"a request has at most {limit_bytes} bytes",
    )

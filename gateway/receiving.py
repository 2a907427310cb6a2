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

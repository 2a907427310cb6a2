"""Whole request bodies: read once at the door, capped, and readable again by every part below."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from upstream_stubs.problems import ProblemError, Refusal, render_problem

MAX_BODY_BYTES: Final = 64 * 1024


def replaying(message: Message, receive: Receive) -> Receive:
    """As ``receive``, but ``message`` comes first."""
    is_replayed = False

    async def replay() -> Message:
        nonlocal is_replayed
        if is_replayed:
            return await receive()
        is_replayed = True
        return message

    return replay


async def read_whole(receive: Receive) -> Message | None:
    """The request's body in one message (or the client's leaving); None when it is too large."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return message
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return {"type": "http.request", "body": body, "more_body": False}


class WholeBodies:
    """Pure ASGI: gives the application whole bodies, and refuses larger ones with 413."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        message = await read_whole(receive)
        if message is not None:
            await self._app(scope, replaying(message, receive), send)
            return
        refusal = ProblemError(Refusal.BODY_TOO_LARGE, f"at most {MAX_BODY_BYTES} bytes")
        await render_problem(refusal)(scope, receive, send)

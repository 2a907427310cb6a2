"""The ASGI application behind WebSockets at ``/graphql``: in, or told to go elsewhere."""

from collections.abc import Callable, MutableMapping
from typing import Any, Final

from gateway.errors import RequestRefused
from gateway.live_options import LiveOptions
from gateway.metrics.live_counts import LiveCounts
from gateway.receiving import Receive
from gateway.replies import Send
from gateway.request import RequestHeaders
from gateway.subscriptions.connections import Connections
from gateway.subscriptions.messages import SUBPROTOCOL, CloseCode
from gateway.subscriptions.operating import LiveOperations
from gateway.subscriptions.session import Session

Scope = MutableMapping[str, Any]

ABORT: Final = "abort"
"""In the state of a connection: what cuts it off at once, whatever is not sent yet."""


class LiveSockets:
    """All sockets of one gateway."""

    def __init__(
        self,
        live: LiveOperations,
        connections: Connections,
        options: LiveOptions,
        counts: LiveCounts,
    ) -> None:
        self._live = live
        self._connections = connections
        self._options = options
        self._counts = counts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        headers = RequestHeaders.of(scope["headers"])
        if SUBPROTOCOL not in scope["subprotocols"]:
            await self._refuse_subprotocol(send)
            return
        session = Session(
            self._live,
            self._connections,
            self._options,
            self._counts,
            headers=headers,
            peer=(scope.get("client") or (None, 0))[0],
            receive=receive,
            send=send,
            abort=abort_of(scope),
        )
        try:
            # A browser asks nobody before it opens one, whatever page wants it.
            self._live.entry.teller.forms.origins.require_own(headers.values)
            with self._connections.connected("websocket", session.end):
                await send({"type": "websocket.accept", "subprotocol": SUBPROTOCOL})
                await session.run()
        except RequestRefused as refused:
            self._counts.ended["refused"] += 1
            await self._reject(send, refused, headers)

    async def _reject(self, send: Send, refused: RequestRefused, headers: RequestHeaders) -> None:
        """Refuse the handshake as a request would be refused."""
        reply = self._live.entry.teller.turn_away(refused, headers, "GET")
        start = {
            "type": "websocket.http.response.start",
            "status": reply.status.value,
            "headers": reply.headers,
        }
        await send(start)
        await send({"type": "websocket.http.response.body", "body": reply.body})

    async def _refuse_subprotocol(self, send: Send) -> None:
        """Accepted first: of a handshake that is refused, a browser is not told why."""
        self._counts.ended["refused"] += 1
        await send({"type": "websocket.accept"})
        reason = f"Subprotocol not acceptable: speak {SUBPROTOCOL}"
        await send(
            {
                "type": "websocket.close",
                "code": int(CloseCode.WRONG_SUBPROTOCOL),
                "reason": reason,
            }
        )


def abort_of(scope: Scope) -> Callable[[], None]:
    """What cuts this connection off; nothing where the server has no such thing."""
    abort: Callable[[], None] = scope.get("state", {}).get(ABORT, _nothing)
    return abort


def _nothing() -> None:
    pass

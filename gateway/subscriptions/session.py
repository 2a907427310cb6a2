"""One socket of graphql-transport-ws, from its first message to its close code.

Every message of a client is read in one place, so their order is hers; each operation is a task.
What a socket may hold is bounded: messages a second, operations at once, results that are made and
not yet taken. Who leaves a message unread for too long is cut off.
"""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from http import HTTPStatus
from typing import Any

from gateway.errors import ErrorCode, RequestRefused
from gateway.live_options import LiveOptions
from gateway.metrics.live_counts import Ending, LiveCounts
from gateway.receiving import ClientLeft, Message, Receive
from gateway.replies import Send
from gateway.request import RequestHeaders
from gateway.subscriptions.allowance import Allowance
from gateway.subscriptions.arriving import Arrival, arrive
from gateway.subscriptions.connections import Connections
from gateway.subscriptions.looks import Update
from gateway.subscriptions.messages import (
    ACK,
    PONG,
    CloseCode,
    Complete,
    Init,
    Ping,
    Pong,
    SocketClosed,
    Subscribe,
    Words,
    parse_message,
)
from gateway.subscriptions.operating import LiveOperations, Refused, Visit, mistake_of
from resolvers.upstream.task_group import TaskGroup

GOING = SocketClosed(CloseCode.GOING_AWAY, "going away: connect again")


class Session:
    """One socket that was accepted. ``abort`` cuts it off at once."""

    def __init__(
        self,
        live: LiveOperations,
        connections: Connections,
        options: LiveOptions,
        counts: LiveCounts,
        *,
        headers: RequestHeaders,
        peer: str | None,
        receive: Receive,
        send: Send,
        abort: Callable[[], None],
    ) -> None:
        self._live = live
        self._connections = connections
        self._options = options
        self._counts = counts
        self._headers = headers
        self._peer = peer
        self._receive = receive
        self._send_raw = send
        self._abort = abort
        self._allowance = Allowance(options.messages_per_s, options.message_burst)
        self._turns = asyncio.Semaphore(options.render_limit)
        self._arrival: Arrival | None = None
        self._is_init_seen = False
        self._running: dict[str, asyncio.Task[None]] = {}
        self._limit: asyncio.Timeout | None = None
        self._closed: SocketClosed | None = None
        self._ending: Ending = "client"
        self._kept = ExitStack()

    def end(self) -> None:
        """Close it because this gateway goes. Idempotent."""
        self._stop("drained", GOING)

    async def run(self) -> None:
        """Talk until either side has enough."""
        try:
            with self._kept:
                async with asyncio.timeout(self._options.init_timeout_s) as self._limit:
                    await self._talk()
        except TimeoutError:
            self._time_out()
        except OSError:  # the connection is gone, and with it who would be told
            self._closed = None
        finally:
            self._counts.ended[self._ending] += 1
        if self._closed is not None:
            await self._close(self._closed)

    async def _talk(self) -> None:
        async with TaskGroup() as group:
            gone = asyncio.Event()
            leaving = group.create_task(_until(gone), name="socket leaves")
            try:
                while (said := await self._hear()) is not None:
                    await self._obey(said, group, leaving)
            except SocketClosed as closed:
                self._closed = closed
                self._ending = "flooded" if closed.code is CloseCode.POLICY else "refused"
            finally:
                gone.set()
                for task in self._running.values():
                    task.cancel()

    async def _hear(self) -> Init | Subscribe | Complete | Ping | Pong | None:
        """The next message; None when the client has left."""
        message: Message = await self._receive()
        if message["type"] == "websocket.disconnect":
            return None
        if not self._allowance.take(_now_s()):
            raise SocketClosed(CloseCode.POLICY, "too many messages")
        return parse_message(message.get("text"))

    async def _obey(
        self,
        said: Init | Subscribe | Complete | Ping | Pong,
        group: asyncio.TaskGroup,
        leaving: asyncio.Task[None],
    ) -> None:
        match said:
            case Init():
                await self._welcome(said)
            case Subscribe():
                await self._begin(said, group, leaving)
            case Complete(id=id):
                if (task := self._running.pop(id, None)) is not None:
                    task.cancel()
            case Ping():
                await self._say(PONG)
            case Pong():
                pass

    async def _welcome(self, said: Init) -> None:
        if self._is_init_seen:
            raise SocketClosed(CloseCode.TOO_MANY_INITS, "Too many initialisation requests")
        self._is_init_seen = True
        try:
            arrival = await arrive(self._headers, said.payload, self._live.entry.identity)
            self._kept.enter_context(self._connections.of(arrival.caller.viewer))
        except RequestRefused as refused:
            self._live.turn_away(refused, self._headers, "GET")
            is_full = refused.code is ErrorCode.TOO_MANY_SUBSCRIPTIONS
            code = CloseCode.POLICY if is_full else CloseCode.UNAUTHORIZED
            raise SocketClosed(code, str(refused)) from refused
        self._arrival = arrival
        expires_in_s = arrival.expires_in_s
        if self._limit is not None and self._closed is None:
            self._limit.reschedule(None if expires_in_s is None else _now_s() + expires_in_s)
        await self._say(ACK)

    async def _begin(
        self, said: Subscribe, group: asyncio.TaskGroup, leaving: asyncio.Task[None]
    ) -> None:
        if self._arrival is None:
            raise SocketClosed(CloseCode.UNAUTHORIZED, "Unauthorized")
        if said.id in self._running:
            reason = f"Subscriber for {said.id} already exists"
            raise SocketClosed(CloseCode.DUPLICATE_ID, reason[:100])
        if len(self._running) >= self._options.operation_limit:
            errors = [_too_many(self._options.operation_limit).as_json()]
            await self._say(Words(said.id).error(errors))
            return
        arrival = self._arrival
        visit = Visit(
            arrival.caller,
            arrival.headers,
            self._live.entry.limits.key_of(arrival.caller.viewer, self._peer, arrival.headers),
            self._turns,
            leaving,
        )
        task = group.create_task(self._operate(said, visit), name="socket operation")
        self._running[said.id] = task

    async def _operate(self, said: Subscribe, visit: Visit) -> None:
        """One operation to its end: the edge of what happens inside."""
        words = Words(said.id)
        caller = visit.caller
        try:
            last = await self._last_word(said, visit, words)
        except (ClientLeft, OSError):
            return
        except Exception as error:  # noqa: BLE001 - the edge of an operation
            last = words.error(mistake_of(self._live.entry.operations, error, caller))
        finally:
            if self._running.get(said.id) is asyncio.current_task():
                del self._running[said.id]
        try:
            await self._say(last)
        except OSError:
            return

    async def _last_word(self, said: Subscribe, visit: Visit, words: Words) -> str:
        try:
            await self._live.operate(said.request, visit, _Told(self, words))
        except RequestRefused as refused:
            return words.error([refused.as_json()])
        except Refused as refused:
            return words.error(refused.errors)
        return words.complete()

    async def tell(self, text: str) -> None:
        """Send one result."""
        await self._say(text)
        self._counts.sent["websocket"] += 1

    async def _say(self, text: str) -> None:
        await self._send({"type": "websocket.send", "text": text})

    async def _send(self, message: dict[str, Any]) -> None:
        """Send when there is room; who makes none for too long is cut off."""
        try:
            async with asyncio.timeout(self._options.stuck_s):
                await self._send_raw(message)
        except TimeoutError:
            self._ending = "stuck"
            self._abort()
            raise OSError("it reads nothing") from None

    async def _close(self, closed: SocketClosed) -> None:
        message = {"type": "websocket.close", "code": int(closed.code), "reason": str(closed)}
        try:
            async with asyncio.timeout(self._options.close_s):
                await self._send_raw(message)
        except TimeoutError:
            self._abort()
        except OSError:
            return

    def _stop(self, ending: Ending, closed: SocketClosed) -> None:
        if self._closed is None and self._limit is not None and not self._limit.expired():
            self._ending, self._closed = ending, closed
            self._limit.reschedule(_now_s())

    def _time_out(self) -> None:
        """Name the reason for which time was up, where nobody has."""
        if self._closed is not None:
            return
        if self._arrival is None:
            self._ending = "silent"
            reason = "Connection initialisation timeout"
            self._closed = SocketClosed(CloseCode.INIT_TIMEOUT, reason)
        else:
            self._ending = "expired"
            self._closed = SocketClosed(CloseCode.EXPIRED, "the identity has run out")


class _Told:
    """An audience at the other end of a socket."""

    def __init__(self, session: Session, words: Words) -> None:
        self._session = session
        self._words = words

    async def begin(self) -> None:
        """Nothing is said before there is a result."""

    async def show(self, update: Update) -> None:
        await self._session.tell(self._words.next(update.body))


def _too_many(limit: int) -> RequestRefused:
    return RequestRefused(
        HTTPStatus.TOO_MANY_REQUESTS,
        ErrorCode.TOO_MANY_SUBSCRIPTIONS,
        f"a socket has at most {limit} operations under way",
    )


async def _until(event: asyncio.Event) -> None:
    await event.wait()


def _now_s() -> float:
    return asyncio.get_running_loop().time()

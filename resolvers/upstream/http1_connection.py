"""One connection of HTTP/1.1 to a service: one request, its answer, and the next."""

import asyncio
import select
from typing import cast

from resolvers.upstream.http1_answer import AnswerReader, BrokenAnswer, UnwantedAnswer
from resolvers.upstream.transport import Response


class Connection(asyncio.Protocol):
    """One connection; when it ends, whoever ended it, it leaves ``all_open`` and is ``lost``.

    Answers have at most ``limit_bytes``.
    """

    def __init__(self, *, limit_bytes: int, all_open: "set[Connection]") -> None:
        self._limit_bytes = limit_bytes
        self._all_open = all_open
        self._transport: asyncio.Transport
        self._look = select.poll()
        self._reader: AnswerReader | None = None
        self._answered: asyncio.Future[Response]
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.idle_since_s = 0.0

    @property
    def has_been_closed(self) -> bool:
        """Whether its service has closed it, or has said something while nothing was asked.

        The loop may not have had the time to notice, so it is looked at.
        """
        return self._transport.is_closing() or bool(self._look.poll(0))

    async def ask(self, request: bytes) -> tuple[Response, bool]:
        """The answer, and whether another request may follow.

        Raises BrokenAnswer, after which the service may have received the request, or
        UnwantedAnswer. Whatever is raised, cancellation too, ends the connection.
        """
        reader = self._reader = AnswerReader(self._limit_bytes)
        self._answered = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        try:
            response = await self._answered
        except BaseException:
            self.abort()
            raise
        finally:
            self._reader = None
            reader.let_go()
        return response, reader.may_be_followed

    def abort(self) -> None:
        """End it at once. Idempotent."""
        self._transport.abort()

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # No look at its class: uvloop's transports are of another family.
        self._transport = cast("asyncio.Transport", transport)
        self._look.register(transport.get_extra_info("socket"), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        if self._reader is None or self._answered.done():
            self.abort()
            return
        try:
            is_whole = self._reader.feed(data)
        except (BrokenAnswer, UnwantedAnswer) as error:
            self._answered.set_exception(error)
            self.abort()
        else:
            if is_whole:
                self._answered.set_result(self._reader.response)

    def connection_lost(self, exc: Exception | None) -> None:
        self._all_open.discard(self)
        if not self.lost.done():
            self.lost.set_result(None)
        if self._reader is None or self._answered.done():
            return
        if exc is None and self._reader.end():
            self._answered.set_result(self._reader.response)
        else:
            error = BrokenAnswer("the connection broke")
            error.__cause__ = exc
            self._answered.set_exception(error)

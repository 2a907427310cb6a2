"""One operation of a live connection, whatever its transport: run once, or followed to its end.

It is let in at the same door as any other, its document is read with the same limits, and queries
and mutations take the way of `Operations.run`.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final, Protocol

import orjson

from gateway.admission.lanes import Lane, lane_of_text
from gateway.caller import Caller
from gateway.entry import Entry
from gateway.errors import ErrorCode, Json, RequestRefused
from gateway.execution.documents import DocumentRefused
from gateway.metrics.counts import DOOR_CODES
from gateway.operation import Operations
from gateway.receiving import ClientLeft
from gateway.replies import Reply
from gateway.request import GraphQLRequest, RequestHeaders
from gateway.request_record import RequestRecord
from gateway.response import Response
from gateway.subscriptions.following import Following, FollowingDesk
from gateway.subscriptions.looks import Update
from resolvers.upstream.deadline import Deadline

BEGIN_S: Final = 30.0
"""Seconds for which a subscription may wait at the door: who follows an order waits anyway, and
holds one place of its connection meanwhile."""


class Refused(Exception):
    """The operation was not run; ``errors`` are what its client is told."""

    def __init__(self, errors: object) -> None:
        super().__init__("not run")
        self.errors = errors


class Audience(Protocol):
    """Whom an operation is shown to."""

    async def begin(self) -> None:
        """It was let in."""
        ...

    async def show(self, update: Update) -> None:
        """Show one result; returns when there is room for the next."""
        ...


@dataclass(frozen=True, slots=True)
class Visit:
    """Who asks, and over which connection.

    ``key``: who pays (`client_limits`). ``turns``: of all that her connection makes and sends, so
    much at once. ``leaving`` ends when she goes away.
    """

    caller: Caller
    headers: RequestHeaders
    key: str | None
    turns: asyncio.Semaphore
    leaving: asyncio.Task[None]
    last_event_ids: Sequence[str] = ()
    is_read_only: bool = False

    @property
    def method(self) -> str:
        """By which it came, as HTTP would say."""
        return "GET" if self.is_read_only else "POST"


class LiveOperations:
    """Runs the operations of all live connections. Open with `open`."""

    def __init__(self, entry: Entry, desk: FollowingDesk) -> None:
        self.entry = entry
        self._operations = entry.operations
        self._desk = desk
        self._writes: asyncio.TaskGroup | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """See to its end, when the context closes, what may not be abandoned half way."""
        async with asyncio.TaskGroup() as group:
            self._writes = group
            yield

    async def operate(
        self, read: Callable[[], GraphQLRequest], visit: Visit, audience: Audience
    ) -> None:
        """Show all its results. Raises `RequestRefused` or `Refused` where it is not run.

        ``read`` tells what is asked, or refuses it. `ClientLeft` if its client did before it had
        begun.
        """
        began_at_s = asyncio.get_running_loop().time()
        record = self.entry.teller.begin(visit.headers, visit.caller.request_id)
        request = self._read(read, visit, record)
        while True:
            try:
                await self._attempt(request, visit, record, audience)
            except RequestRefused as refused:
                waited_s = asyncio.get_running_loop().time() - began_at_s
                if not _may_begin_later(request, refused, waited_s):
                    self.turn_away(refused, visit.headers, visit.method, record)
                    raise
                await asyncio.sleep(refused.retry_after_s or 0.0)
            except ClientLeft:
                self.entry.teller.left(record, visit.method)
                raise
            else:
                return

    def _read(
        self, read: Callable[[], GraphQLRequest], visit: Visit, record: RequestRecord
    ) -> GraphQLRequest:
        try:
            return self.entry.known.resolve(read())
        except RequestRefused as refused:
            self.turn_away(refused, visit.headers, visit.method, record)
            raise

    def turn_away(
        self,
        refused: RequestRefused,
        headers: RequestHeaders,
        method: str,
        record: RequestRecord | None = None,
    ) -> None:
        """Count and log a refusal; its client is told by others."""
        teller = self.entry.teller
        record = record or teller.begin(headers, headers.request_id)
        if refused.code in DOOR_CODES:
            teller.turned_away(refused, record, headers, method)
        else:
            self._tell(record, method, teller.refusal(refused))

    async def _attempt(
        self, request: GraphQLRequest, visit: Visit, record: RequestRecord, audience: Audience
    ) -> None:
        async with AsyncExitStack() as stack:
            following: Following | None = None
            deadline = Deadline.after(self._operations.request_timeout_s)
            lane = lane_of_text(request.query)
            async with visit.turns, self._let_in(lane, visit, record, deadline) as caller:
                if self._is_subscription(request, visit, record):
                    followed = self._following(request, visit, caller)
                    following = await stack.enter_async_context(followed)
                    first = await following.next()
                    told = Response(b"" if first is None else first.body, way="followed")
                    self._tell(record, visit.method, told)
                else:
                    first = await self._answer(request, visit, caller, deadline)
                await audience.begin()
                if first is not None:
                    await audience.show(first)
            if following is not None:
                await _follow(following, visit, audience)

    @asynccontextmanager
    async def _let_in(
        self, lane: Lane, visit: Visit, record: RequestRecord, deadline: Deadline
    ) -> AsyncIterator[Caller]:
        """Have a place at the door inside the block, and somebody who pays."""
        with self.entry.limits.entered(visit.key) as admitted:
            async with self.entry.door.place(lane, deadline, visit.leaving):
                yield replace(visit.caller, record=record, admitted=admitted)

    def _tell(self, record: RequestRecord, method: str, response: Response) -> None:
        """Count and log what became of an operation; its client is told by others."""
        took_s = time.perf_counter() - record.began_at_s
        self.entry.teller.counts.answered(response.way, response.outcome, took_s)
        body = response.body if isinstance(response.body, bytes) else orjson.dumps(response.body)
        reply = Reply(response.status, (), body)
        self.entry.teller.witness.answered(record, response, reply, method)

    def _is_subscription(
        self, request: GraphQLRequest, visit: Visit, record: RequestRecord
    ) -> bool:
        """Is it? Raises `Refused` for a document that cannot be run."""
        try:
            document = self._operations.documents.read(request.query, request.variables)
        except DocumentRefused as refused:
            raise self._told(refused, visit, record) from refused
        record.operation = document.told_name(request.operation_name)
        return record.operation.kind == "subscription"

    @asynccontextmanager
    async def _following(
        self, request: GraphQLRequest, visit: Visit, caller: Caller
    ) -> AsyncIterator[Following]:
        async with AsyncExitStack() as stack:
            document = self._operations.documents.read(request.query, request.variables)
            caller.admitted.runs(document.bill(request.operation_name).estimate(request.variables))
            following = self._desk.following(document, request, caller, visit.last_event_ids)
            try:
                followed = await stack.enter_async_context(following)
            except DocumentRefused as refused:
                raise self._told(refused, visit, caller.record) from refused
            yield followed

    async def _answer(
        self, request: GraphQLRequest, visit: Visit, caller: Caller, deadline: Deadline
    ) -> Update:
        """The answer of a query or a mutation; a mutation is seen to its end in any case."""
        running = self._operations.run(
            request, caller, deadline=deadline, is_read_only=visit.is_read_only
        )
        may_end = self._operations.may_be_abandoned(request)
        response = await (running if may_end else self._apart(running))
        if caller.record is not None:
            self._tell(caller.record, visit.method, response)
        body = response.body
        if response.is_request_error and isinstance(body, dict):
            raise Refused(body["errors"])
        told = body if isinstance(body, bytes) else orjson.dumps(body)
        return Update(told, response.token)

    async def _apart(self, running: Coroutine[None, None, Response]) -> Response:
        if self._writes is None:
            return await running
        return await asyncio.shield(self._writes.create_task(running, name="write"))

    def _told(
        self, refused: DocumentRefused, visit: Visit, record: RequestRecord | None
    ) -> Refused:
        response = self._operations.refuse(refused.errors, visit.caller)
        if record is not None:
            self._tell(record, visit.method, response)
        body = response.body
        return Refused(body["errors"] if isinstance(body, dict) else [])


def _may_begin_later(request: GraphQLRequest, refused: RequestRefused, waited_s: float) -> bool:
    """Is it a subscription, at a glance, that came in a crowd?

    For a client a refusal is its end, and those whom another gateway has sent away come together.
    """
    is_crowded = refused.code is ErrorCode.OVERLOADED
    return is_crowded and waited_s < BEGIN_S and request.query.lstrip().startswith("subscription")


async def _follow(following: Following, visit: Visit, audience: Audience) -> None:
    """Show update after update, until cancelled."""
    while True:
        await following.wait()
        async with visit.turns:
            update = await following.next()
            if update is not None:
                await audience.show(update)


def mistake_of(operations: Operations, error: Exception, caller: Caller) -> list[Json]:
    """What a client is told of a mistake of ours, which is logged."""
    body = operations.mistake(error, caller).body
    return body["errors"] if isinstance(body, dict) else []  # type: ignore[return-value]  # as made

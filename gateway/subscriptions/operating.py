"""One operation of a live connection, whatever its transport: run once, or followed to its end.

It is let in at the same door as any other, its document is read with the same limits and paid for
alike, and queries and mutations take the way of `Operations.run`. What is shown of a subscription
after its first answer is not paid for: it is bounded by what changes.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from msgspec.structs import replace

from gateway.admission.lanes import Lane, lane_of_text, may_be_subscription
from gateway.beside import Apart, outcome_of
from gateway.caller import Caller
from gateway.entry import Entry
from gateway.errors import ErrorCode, RequestRefused
from gateway.execution.document import Document
from gateway.execution.documents import DocumentRefused
from gateway.receiving import ClientLeft
from gateway.replies import bytes_of
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
        self._writes = Apart("write")

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """See to its end, when the context closes, what may not be abandoned half way."""
        async with self._writes.open():
            yield

    async def operate(
        self, read: Callable[[], GraphQLRequest], visit: Visit, audience: Audience
    ) -> None:
        """Show all its results. Raises `RequestRefused` or `Refused` where it is not run.

        ``read`` tells what is asked, or raises `RequestRefused`. `ClientLeft` if its client did
        before it had begun. What became of it is counted and logged once, whatever comes.
        """
        teller = self.entry.teller
        record = teller.begin(visit.headers, visit.caller.request_id)
        try:
            request = self.entry.known.resolve(read())
            await self._begin(request, visit, record, audience)
        except RequestRefused as refused:
            self._tell_refusal(refused, record, visit)
            raise
        except (ClientLeft, OSError, asyncio.CancelledError):
            if not record.is_told:
                teller.left(record, visit.method)
            raise
        except Refused:
            raise
        except Exception as error:  # noqa: BLE001 - the edge of an operation
            mistake = self._operations.mistake(error, visit.caller)
            raise self._refused(mistake, record, visit) from None

    async def _begin(
        self, request: GraphQLRequest, visit: Visit, record: RequestRecord, audience: Audience
    ) -> None:
        """Attempt it, again if it came in a crowd and may wait."""
        loop = asyncio.get_running_loop()
        began_at_s = loop.time()
        while True:
            try:
                return await self._attempt(request, visit, record, audience)
            except RequestRefused as refused:
                if record.is_told or not _may_begin_later(
                    request, refused, loop.time() - began_at_s
                ):
                    raise
                await asyncio.sleep(refused.retry_after_s or 0.0)

    async def _attempt(
        self, request: GraphQLRequest, visit: Visit, record: RequestRecord, audience: Audience
    ) -> None:
        async with AsyncExitStack() as stack:
            following: Following | None = None
            deadline = Deadline.after(self._operations.request_timeout_s)
            lane = lane_of_text(request.query)
            async with visit.turns, AsyncExitStack() as place:
                caller = await self._let_in(place, lane, visit, record, deadline)
                document = self._read(request, visit, record, caller)
                if record.operation.kind == "subscription":
                    followed = self._following(document, request, visit, record, caller)
                    following = await stack.enter_async_context(followed)
                    first = await following.next()
                    told = Response(b"" if first is None else first.body, way="followed")
                    self.entry.teller.answered_in_part(told, record, visit.method)
                else:
                    first = await self._answer(request, visit, record, caller, deadline, place)
                await audience.begin()
                if first is not None:
                    await audience.show(first)
            if following is not None:
                await _follow(following, visit, audience)

    async def _let_in(
        self,
        place: AsyncExitStack,
        lane: Lane,
        visit: Visit,
        record: RequestRecord,
        deadline: Deadline,
    ) -> Caller:
        """Have a place at the door until ``place`` closes, and somebody who pays."""
        admitted = place.enter_context(self.entry.limits.entered(visit.key))
        await place.enter_async_context(self.entry.door.place(lane, deadline, visit.leaving))
        return replace(visit.caller, record=record, admitted=admitted)

    def _read(
        self, request: GraphQLRequest, visit: Visit, record: RequestRecord, caller: Caller
    ) -> Document:
        """Its document, noted in the record. Raises `Refused` for one that cannot be run."""
        documents = self._operations.documents
        if documents.find(request.query) is None:
            caller.admitted.reads(len(request.query))
        try:
            document = documents.read(request.query, request.variables)
        except DocumentRefused as refused:
            raise self._refused_document(refused, record, visit) from refused
        record.operation = document.told_name(request.operation_name)
        return document

    @asynccontextmanager
    async def _following(
        self,
        document: Document,
        request: GraphQLRequest,
        visit: Visit,
        record: RequestRecord,
        caller: Caller,
    ) -> AsyncIterator[Following]:
        caller.admitted.runs(document.bill(request.operation_name).estimate(request.variables))
        following = self._desk.following(document, request, caller, visit.last_event_ids)
        async with AsyncExitStack() as stack:
            try:
                followed = await stack.enter_async_context(following)
            except DocumentRefused as refused:
                raise self._refused_document(refused, record, visit) from refused
            yield followed

    async def _answer(
        self,
        request: GraphQLRequest,
        visit: Visit,
        record: RequestRecord,
        caller: Caller,
        deadline: Deadline,
        place: AsyncExitStack,
    ) -> Update:
        """The answer of a query or a mutation; a mutation is seen to its end in any case.

        It takes its place along: who leaves makes no room for more of them.
        """
        running = self._run(request, visit, record, caller, deadline)
        if self._operations.may_be_abandoned(request):
            response = await running
        else:
            record.is_told = True  # by who runs it, whoever leaves
            response = await outcome_of(self._writes.begin(_placed(place.pop_all(), running)))
        if response.is_request_error and isinstance(response.body, dict):
            raise Refused(response.body["errors"])
        return Update(bytes_of(response), response.token)

    async def _run(
        self,
        request: GraphQLRequest,
        visit: Visit,
        record: RequestRecord,
        caller: Caller,
        deadline: Deadline,
    ) -> Response:
        """Its answer, told; a mistake of ours is one, or nobody would hear of it who has left."""
        try:
            response = await self._operations.run(
                request, caller, deadline=deadline, is_read_only=visit.is_read_only
            )
        except RequestRefused as refused:
            response = self.entry.teller.refusal(refused)
            self.entry.teller.answered_in_part(response, record, visit.method)
            raise
        except Exception as error:  # noqa: BLE001 - the edge of an operation
            response = self._operations.mistake(error, caller)
        self.entry.teller.answered_in_part(response, record, visit.method)
        return response

    def _tell_refusal(self, refused: RequestRefused, record: RequestRecord, visit: Visit) -> None:
        """Where it was the door that refused it, it was not let in."""
        teller = self.entry.teller
        if record.is_told:
            return
        if refused.code in teller.counts.refused:
            teller.turned_away_in_part(refused, record, visit.method)
        else:
            teller.answered_in_part(teller.refusal(refused), record, visit.method)

    def _refused_document(
        self, refused: DocumentRefused, record: RequestRecord, visit: Visit
    ) -> Refused:
        response = self._operations.refuse(refused.errors, visit.caller)
        return self._refused(response, record, visit)

    def _refused(self, response: Response, record: RequestRecord, visit: Visit) -> Refused:
        """What a client is told of this, which is counted and logged."""
        if not record.is_told:
            self.entry.teller.answered_in_part(response, record, visit.method)
        return Refused(response.body["errors"] if isinstance(response.body, dict) else [])


def _may_begin_later(request: GraphQLRequest, refused: RequestRefused, waited_s: float) -> bool:
    """Is it a subscription, at a glance, that came in a crowd?

    For a client a refusal is its end, and those whom another gateway has sent away come together.
    """
    is_crowded = refused.code is ErrorCode.OVERLOADED
    return is_crowded and waited_s < BEGIN_S and may_be_subscription(request.query)


async def _placed(place: AsyncExitStack, running: Coroutine[None, None, Response]) -> Response:
    """What it comes to; its place is free then."""
    async with place:
        return await running


async def _follow(following: Following, visit: Visit, audience: Audience) -> None:
    """Show update after update, until cancelled."""
    while True:
        await following.wait()
        async with visit.turns:
            update = await following.next()
            if update is not None:
                await audience.show(update)
